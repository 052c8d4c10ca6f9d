//! Refunds of every provider.

use kernel::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};
use serde_json::{Value, json};

use super::payments::Payment;
use super::{Page, micros, moment};

/// A refund to make, already checked.
pub(crate) struct NewRefund {
    pub id: String,
    /// The shop's name for it, or nothing.
    pub reference: String,
    pub amount_minor: i64,
    pub extra: Value,
}

/// A refund as the book has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refund {
    pub seq: i64,
    pub id: String,
    /// The payment's id.
    pub payment: String,
    pub reference: String,
    pub amount_minor: i64,
    pub currency: String,
    pub status: RefundStatus,
    pub failure: Option<String>,
    pub created_at: Timestamp,
    pub extra: Value,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
}

impl RefundStatus {
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

impl Refund {
    /// As the plain protocol and the control plane tell it.
    pub fn json(&self) -> Value {
        json!({
            "id": self.id,
            "status": self.status.word(),
            "payment_id": self.payment,
            "amount_minor": self.amount_minor,
            "currency": self.currency,
            "reference": self.reference,
            "created_at": self.created_at,
            "failure": self.failure,
        })
    }
}

const COLUMNS: &str = "refunds.seq, refunds.id, refunds.payment, refunds.reference, \
    refunds.amount_minor, refunds.currency, refunds.status, refunds.failure, refunds.created_at, \
    refunds.extra";

fn read(row: &Row<'_>) -> rusqlite::Result<Refund> {
    Ok(Refund {
        seq: row.get(0)?,
        id: row.get(1)?,
        payment: row.get(2)?,
        reference: row.get(3)?,
        amount_minor: row.get(4)?,
        currency: row.get(5)?,
        status: match row.get_ref(6)?.as_str()? {
            "pending" => RefundStatus::Pending,
            "succeeded" => RefundStatus::Succeeded,
            _ => RefundStatus::Failed,
        },
        failure: row.get(7)?,
        created_at: moment(row.get(8)?),
        extra: serde_json::from_str(row.get_ref(9)?.as_str()?).unwrap_or_default(),
    })
}

pub(super) fn insert(
    page: &Page<'_>,
    payment: &Payment,
    new: NewRefund,
    status: RefundStatus,
) -> rusqlite::Result<Refund> {
    page.tx.execute(
        "insert into refunds (id, payment, reference, amount_minor, currency, status, created_at,
            extra)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            new.id,
            payment.id,
            new.reference,
            new.amount_minor,
            payment.currency,
            status.word(),
            micros(page.now),
            new.extra.to_string(),
        ],
    )?;
    Ok(Refund {
        seq: page.tx.last_insert_rowid(),
        id: new.id,
        payment: payment.id.clone(),
        reference: new.reference,
        amount_minor: new.amount_minor,
        currency: payment.currency.clone(),
        status,
        failure: None,
        created_at: page.now,
        extra: new.extra,
    })
}

/// Writes what may have changed.
pub(super) fn save(page: &Page<'_>, refund: &Refund) -> rusqlite::Result<()> {
    page.tx.execute(
        "update refunds set status = ?2, failure = ?3 where seq = ?1",
        params![refund.seq, refund.status.word(), refund.failure],
    )?;
    Ok(())
}

/// What has gone back or is on its way.
pub(crate) fn promised(page: &Page<'_>, payment: &str) -> rusqlite::Result<i64> {
    let text = "select coalesce(sum(amount_minor), 0) from refunds
        where payment = ?1 and status <> 'failed'";
    page.tx.prepare_cached(text)?.query_row([payment], |row| row.get(0))
}

pub(crate) fn by_id(page: &Page<'_>, id: &str) -> rusqlite::Result<Option<Refund>> {
    let text = format!("select {COLUMNS} from refunds where id = ?1");
    page.tx.prepare_cached(&text)?.query_row([id], read).optional()
}

/// By the shop's own name, among the refunds of one provider.
pub(crate) fn by_reference(
    page: &Page<'_>,
    gateway: &str,
    reference: &str,
) -> rusqlite::Result<Option<Refund>> {
    let text = format!(
        "select {COLUMNS} from refunds join payments on payments.id = refunds.payment
         where refunds.reference = ?2 and gateway = ?1"
    );
    page.tx.prepare_cached(&text)?.query_row([gateway, reference], read).optional()
}

/// The refunds of one payment, oldest first.
pub(crate) fn of_payment(page: &Page<'_>, payment: &str) -> rusqlite::Result<Vec<Refund>> {
    let text = format!("select {COLUMNS} from refunds where payment = ?1 order by seq");
    page.tx.prepare_cached(&text)?.query_map([payment], read)?.collect()
}

/// Every refund of one provider, newest first.
pub(crate) fn all(page: &Page<'_>, gateway: &str) -> rusqlite::Result<Vec<Refund>> {
    let text = format!(
        "select {COLUMNS} from refunds join payments on payments.id = refunds.payment
         where gateway = ?1 order by refunds.seq desc"
    );
    page.tx.prepare_cached(&text)?.query_map([gateway], read)?.collect()
}
