//! Payments: `pending` until somebody pays (`succeeded`) or it ends otherwise (`canceled`).

use kernel::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};
use serde_json::{Value, json};

use super::{Page, events, micros, moment};

/// A payment to open, already checked.
pub(crate) struct NewPayment {
    pub amount_minor: i64,
    pub currency: String,
    pub reference: String,
    pub description: String,
    pub return_url: String,
    pub notify_url: String,
    pub expires_at: Timestamp,
}

/// A payment as the book has it.
#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub id: String,
    pub reference: String,
    pub amount_minor: i64,
    pub currency: String,
    pub status: Status,
    pub canceled_reason: Option<String>,
    pub captured_minor: i64,
    pub refunded_minor: i64,
    pub description: String,
    pub return_url: String,
    pub notify_url: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Status {
    Pending,
    Succeeded,
    Canceled,
}

/// How a payment can end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Paid,
    Declined,
    Voided,
    Expired,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

impl End {
    fn reason(self) -> Option<&'static str> {
        match self {
            Self::Paid => None,
            Self::Declined => Some("declined"),
            Self::Voided => Some("voided"),
            Self::Expired => Some("expired"),
        }
    }
}

impl Payment {
    /// As the API tells it.
    pub fn json(&self, base_url: &str) -> Value {
        let paid = self.status == Status::Succeeded;
        let card = json!({
            "kind": "card", "brand": "Sandbox", "last4": "4242", "fingerprint": "sandbox-4242",
        });
        json!({
            "id": self.id,
            "status": self.status.word(),
            "amount_minor": self.amount_minor,
            "currency": self.currency,
            "captured_minor": self.captured_minor,
            "refunded_minor": self.refunded_minor,
            "reference": self.reference,
            "description": self.description,
            "confirm_url": format!("{base_url}/pay/{}", self.id),
            "return_url": self.return_url,
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "canceled_reason": self.canceled_reason,
            "method": if paid { card } else { Value::Null },
            "test": true,
        })
    }
}

const COLUMNS: &str = "id, reference, amount_minor, currency, status, canceled_reason, \
    captured_minor, refunded_minor, description, return_url, notify_url, created_at, expires_at";

fn read(row: &Row<'_>) -> rusqlite::Result<Payment> {
    Ok(Payment {
        id: row.get(0)?,
        reference: row.get(1)?,
        amount_minor: row.get(2)?,
        currency: row.get(3)?,
        status: match row.get_ref(4)?.as_str()? {
            "succeeded" => Status::Succeeded,
            "canceled" => Status::Canceled,
            _ => Status::Pending,
        },
        canceled_reason: row.get(5)?,
        captured_minor: row.get(6)?,
        refunded_minor: row.get(7)?,
        description: row.get(8)?,
        return_url: row.get(9)?,
        notify_url: row.get(10)?,
        created_at: moment(row.get(11)?),
        expires_at: moment(row.get(12)?),
    })
}

/// Opens a payment; `None` if its reference is taken.
pub(crate) fn open(page: &Page<'_>, new: NewPayment) -> rusqlite::Result<Option<Payment>> {
    let payment = Payment {
        id: page.id("pay"),
        reference: new.reference,
        amount_minor: new.amount_minor,
        currency: new.currency,
        status: Status::Pending,
        canceled_reason: None,
        captured_minor: 0,
        refunded_minor: 0,
        description: new.description,
        return_url: new.return_url,
        notify_url: new.notify_url,
        created_at: page.now,
        expires_at: new.expires_at,
    };
    let inserted = page.tx.execute(
        "insert into payments (id, reference, amount_minor, currency, status, description,
            return_url, notify_url, created_at, expires_at)
         values (?1, ?2, ?3, ?4, 'pending', ?5, ?6, ?7, ?8, ?9)
         on conflict (reference) do nothing",
        params![
            payment.id,
            payment.reference,
            payment.amount_minor,
            payment.currency,
            payment.description,
            payment.return_url,
            payment.notify_url,
            micros(payment.created_at),
            micros(payment.expires_at),
        ],
    )?;
    Ok((inserted == 1).then_some(payment))
}

pub(crate) fn by_id(page: &Page<'_>, id: &str) -> rusqlite::Result<Option<Payment>> {
    let text = format!("select {COLUMNS} from payments where id = ?1");
    page.tx.prepare_cached(&text)?.query_row([id], read).optional()
}

pub(crate) fn by_reference(page: &Page<'_>, reference: &str) -> rusqlite::Result<Option<Payment>> {
    let text = format!("select {COLUMNS} from payments where reference = ?1");
    page.tx.prepare_cached(&text)?.query_row([reference], read).optional()
}

/// Payments after `after` (an id, or empty), in the order they were opened.
pub(crate) fn list(page: &Page<'_>, after: &str, limit: u32) -> rusqlite::Result<Vec<Payment>> {
    let text = format!("select {COLUMNS} from payments where id > ?1 order by id limit ?2");
    page.tx.prepare_cached(&text)?.query_map(params![after, limit], read)?.collect()
}

/// Ends a payment and notes down the news. The caller has checked that it may end this way.
pub(crate) fn end(page: &Page<'_>, payment: &Payment, end: End) -> rusqlite::Result<Payment> {
    let (status, kind) = match end {
        End::Paid => (Status::Succeeded, "payment.succeeded"),
        End::Declined | End::Voided | End::Expired => (Status::Canceled, "payment.canceled"),
    };
    let captured = if end == End::Paid { payment.amount_minor } else { 0 };
    page.tx.execute(
        "update payments set status = ?2, canceled_reason = ?3, captured_minor = ?4 where id = ?1",
        params![payment.id, status.word(), end.reason(), captured],
    )?;
    events::add(page, kind, payment, None)?;
    Ok(Payment {
        status,
        canceled_reason: end.reason().map(str::to_owned),
        captured_minor: captured,
        ..payment.clone()
    })
}

/// Ends every open payment whose term is over.
pub(super) fn end_overdue(page: &Page<'_>) -> rusqlite::Result<()> {
    let text =
        format!("select {COLUMNS} from payments where status = 'pending' and expires_at <= ?1");
    let overdue: Vec<Payment> = {
        let mut statement = page.tx.prepare_cached(&text)?;
        statement.query_map([micros(page.now)], read)?.collect::<rusqlite::Result<_>>()?
    };
    for payment in overdue {
        end(page, &payment, End::Expired)?;
    }
    Ok(())
}

/// Notes down that some of the captured money went back; `false` if more than is left.
pub(super) fn give_back(page: &Page<'_>, id: &str, minor: i64) -> rusqlite::Result<bool> {
    let changed = page.tx.execute(
        "update payments set refunded_minor = refunded_minor + ?2
         where id = ?1 and captured_minor - refunded_minor >= ?2",
        params![id, minor],
    )?;
    Ok(changed == 1)
}
