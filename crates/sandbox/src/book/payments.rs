//! Payments of every provider, in one table.

use kernel::Timestamp;
use rusqlite::types::Type;
use rusqlite::{OptionalExtension as _, Row, params};
use serde_json::{Value, json};

use super::{Page, micros, moment};
use crate::gateway::Gateway;

/// A payment to open, already checked.
pub(crate) struct NewPayment {
    pub id: String,
    /// The other id of a provider that has two.
    pub second_id: Option<String>,
    pub gateway: Gateway,
    pub reference: String,
    pub amount_minor: i64,
    pub currency: String,
    /// Two steps: the payer authorises, the shop captures.
    pub manual: bool,
    pub description: String,
    pub return_url: String,
    pub notify_url: String,
    pub expires_at: Timestamp,
    /// What only this provider knows.
    pub extra: Value,
}

/// A payment as the book has it.
#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub seq: i64,
    pub id: String,
    pub second_id: Option<String>,
    pub gateway: Gateway,
    pub reference: String,
    pub amount_minor: i64,
    pub currency: String,
    pub manual: bool,
    pub status: Status,
    pub canceled_reason: Option<String>,
    pub captured_minor: i64,
    pub refunded_minor: i64,
    pub description: String,
    pub return_url: String,
    pub notify_url: String,
    pub created_at: Timestamp,
    /// The end of the payer's term.
    pub expires_at: Timestamp,
    pub paid_at: Option<Timestamp>,
    pub captured_at: Option<Timestamp>,
    /// The end of the shop's term to capture.
    pub hold_until: Option<Timestamp>,
    pub canceled_at: Option<Timestamp>,
    pub extra: Value,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Status {
    /// Waits for the payer.
    Pending,
    /// The payer has done their part, the money takes days.
    Processing,
    /// The money is held and waits for the shop.
    Authorized,
    Succeeded,
    Canceled,
}

impl Status {
    const ALL: [Self; 5] =
        [Self::Pending, Self::Processing, Self::Authorized, Self::Succeeded, Self::Canceled];

    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Authorized => "authorized",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

impl Payment {
    /// As the plain protocol and the book's own pages tell it.
    pub fn json(&self, base_url: &str) -> Value {
        let card = json!({
            "kind": "card", "brand": "Sandbox", "last4": "4242", "fingerprint": "sandbox-4242",
        });
        let paid = matches!(self.status, Status::Authorized | Status::Succeeded);
        json!({
            "id": self.id,
            "second_id": self.second_id,
            "gateway": self.gateway,
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

    /// A text that only this provider knows.
    pub fn text(&self, name: &str) -> &str {
        self.extra[name].as_str().unwrap_or_default()
    }
}

const COLUMNS: &str = "seq, id, second_id, gateway, reference, amount_minor, currency, manual, \
    status, canceled_reason, captured_minor, refunded_minor, description, return_url, notify_url, \
    created_at, expires_at, paid_at, captured_at, hold_until, canceled_at, extra";

fn read(row: &Row<'_>) -> rusqlite::Result<Payment> {
    let when = |at: usize| row.get::<_, Option<i64>>(at).map(|at| at.map(moment));
    let foreign =
        |at: usize| rusqlite::Error::InvalidColumnType(at, "a word we know".to_owned(), Type::Text);
    let status = row.get_ref(8)?.as_str()?;
    Ok(Payment {
        seq: row.get(0)?,
        id: row.get(1)?,
        second_id: row.get(2)?,
        gateway: Gateway::named(row.get_ref(3)?.as_str()?).ok_or_else(|| foreign(3))?,
        reference: row.get(4)?,
        amount_minor: row.get(5)?,
        currency: row.get(6)?,
        manual: row.get(7)?,
        status: Status::ALL.into_iter().find(|s| s.word() == status).ok_or_else(|| foreign(8))?,
        canceled_reason: row.get(9)?,
        captured_minor: row.get(10)?,
        refunded_minor: row.get(11)?,
        description: row.get(12)?,
        return_url: row.get(13)?,
        notify_url: row.get(14)?,
        created_at: moment(row.get(15)?),
        expires_at: moment(row.get(16)?),
        paid_at: when(17)?,
        captured_at: when(18)?,
        hold_until: when(19)?,
        canceled_at: when(20)?,
        extra: serde_json::from_str(row.get_ref(21)?.as_str()?).unwrap_or_default(),
    })
}

/// Opens a payment; `None` if its reference is taken.
pub(crate) fn open(page: &Page<'_>, new: &NewPayment) -> rusqlite::Result<Option<Payment>> {
    page.tx.execute(
        "insert into payments (id, second_id, gateway, reference, amount_minor, currency, manual,
            status, description, return_url, notify_url, created_at, expires_at, extra)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'pending', ?8, ?9, ?10, ?11, ?12, ?13)
         on conflict do nothing",
        params![
            new.id,
            new.second_id,
            new.gateway.name(),
            new.reference,
            new.amount_minor,
            new.currency,
            new.manual,
            new.description,
            new.return_url,
            new.notify_url,
            micros(page.now),
            micros(new.expires_at),
            new.extra.to_string(),
        ],
    )?;
    by_id(page, &new.id)
}

/// Writes what may have changed.
pub(super) fn save(page: &Page<'_>, payment: &Payment) -> rusqlite::Result<()> {
    page.tx.execute(
        "update payments set status = ?2, canceled_reason = ?3, captured_minor = ?4,
            refunded_minor = ?5, paid_at = ?6, captured_at = ?7, hold_until = ?8,
            canceled_at = ?9, extra = ?10
         where seq = ?1",
        params![
            payment.seq,
            payment.status.word(),
            payment.canceled_reason,
            payment.captured_minor,
            payment.refunded_minor,
            payment.paid_at.map(micros),
            payment.captured_at.map(micros),
            payment.hold_until.map(micros),
            payment.canceled_at.map(micros),
            payment.extra.to_string(),
        ],
    )?;
    Ok(())
}

/// By either of its ids.
pub(crate) fn by_id(page: &Page<'_>, id: &str) -> rusqlite::Result<Option<Payment>> {
    let text = format!("select {COLUMNS} from payments where id = ?1 or second_id = ?1");
    page.tx.prepare_cached(&text)?.query_row([id], read).optional()
}

/// By either id, at one provider.
pub(crate) fn of(page: &Page<'_>, gateway: Gateway, id: &str) -> rusqlite::Result<Option<Payment>> {
    Ok(by_id(page, id)?.filter(|payment| payment.gateway == gateway))
}

/// The newest with this reference at one provider.
pub(crate) fn by_reference(
    page: &Page<'_>,
    gateway: Gateway,
    reference: &str,
) -> rusqlite::Result<Option<Payment>> {
    let text = format!(
        "select {COLUMNS} from payments where reference = ?1 and gateway = ?2
         order by seq desc limit 1"
    );
    page.tx.prepare_cached(&text)?.query_row([reference, gateway.name()], read).optional()
}

/// Payments after `after` (an id, or empty), in the order they were opened.
pub(crate) fn list(page: &Page<'_>, after: &str, limit: u32) -> rusqlite::Result<Vec<Payment>> {
    let text = format!(
        "select {COLUMNS} from payments
         where seq > coalesce((select seq from payments where id = ?1), 0) order by seq limit ?2"
    );
    page.tx.prepare_cached(&text)?.query_map(params![after, limit], read)?.collect()
}

/// Everything of one provider, newest first. A sandbox is small: lists filter what they read.
pub(crate) fn all(page: &Page<'_>, gateway: Gateway) -> rusqlite::Result<Vec<Payment>> {
    let text = format!("select {COLUMNS} from payments where gateway = ?1 order by seq desc");
    page.tx.prepare_cached(&text)?.query_map([gateway.name()], read)?.collect()
}

/// Payments whose payer's or shop's term is over.
pub(super) fn overdue(page: &Page<'_>) -> rusqlite::Result<Vec<Payment>> {
    let text = format!(
        "select {COLUMNS} from payments where status = 'pending' and expires_at <= ?1
         union all
         select {COLUMNS} from payments where status = 'authorized' and hold_until <= ?1"
    );
    page.tx.prepare_cached(&text)?.query_map([micros(page.now)], read)?.collect()
}
