//! Refunds: done as soon as they are accepted.

use kernel::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};
use serde_json::{Value, json};

use super::payments::{self, Payment};
use super::{Page, events, micros, moment};

/// A refund as the book has it.
#[derive(Clone, Debug)]
pub(crate) struct Refund {
    pub id: String,
    pub payment_id: String,
    pub reference: String,
    pub amount_minor: i64,
    pub currency: String,
    pub created_at: Timestamp,
}

/// Why there is no refund.
pub(crate) enum NoRefund {
    /// More than was captured and not yet given back.
    TooMuch,
    /// Another refund has this reference.
    ReferenceTaken,
}

impl Refund {
    /// As the API tells it.
    pub fn json(&self) -> Value {
        json!({
            "id": self.id,
            "status": "succeeded",
            "payment_id": self.payment_id,
            "amount_minor": self.amount_minor,
            "currency": self.currency,
            "reference": self.reference,
            "created_at": self.created_at,
            "failure": null,
        })
    }
}

const COLUMNS: &str = "id, payment_id, reference, amount_minor, currency, created_at";

fn read(row: &Row<'_>) -> rusqlite::Result<Refund> {
    Ok(Refund {
        id: row.get(0)?,
        payment_id: row.get(1)?,
        reference: row.get(2)?,
        amount_minor: row.get(3)?,
        currency: row.get(4)?,
        created_at: moment(row.get(5)?),
    })
}

/// Gives `amount_minor` of `payment` back.
pub(crate) fn make(
    page: &Page<'_>,
    payment: &Payment,
    amount_minor: i64,
    reference: &str,
) -> rusqlite::Result<Result<Refund, NoRefund>> {
    if by_reference(page, reference)?.is_some() {
        return Ok(Err(NoRefund::ReferenceTaken));
    }
    if !payments::give_back(page, &payment.id, amount_minor)? {
        return Ok(Err(NoRefund::TooMuch));
    }
    let refund = Refund {
        id: page.id("ref"),
        payment_id: payment.id.clone(),
        reference: reference.to_owned(),
        amount_minor,
        currency: payment.currency.clone(),
        created_at: page.now,
    };
    page.tx.execute(
        "insert into refunds (id, payment_id, reference, amount_minor, currency, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            refund.id,
            refund.payment_id,
            refund.reference,
            refund.amount_minor,
            refund.currency,
            micros(refund.created_at),
        ],
    )?;
    events::add(page, "refund.succeeded", payment, Some(&refund))?;
    Ok(Ok(refund))
}

pub(crate) fn by_id(page: &Page<'_>, id: &str) -> rusqlite::Result<Option<Refund>> {
    let text = format!("select {COLUMNS} from refunds where id = ?1");
    page.tx.prepare_cached(&text)?.query_row([id], read).optional()
}

pub(crate) fn by_reference(page: &Page<'_>, reference: &str) -> rusqlite::Result<Option<Refund>> {
    let text = format!("select {COLUMNS} from refunds where reference = ?1");
    page.tx.prepare_cached(&text)?.query_row([reference], read).optional()
}
