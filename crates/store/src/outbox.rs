//! Facts that must follow a commit. Whoever changes something writes the fact in the same
//! transaction; the relay hands it on afterwards, at least once.

use kernel::{Fault, Timestamp, Uuid};

use crate::sql;
use crate::tx::{Read, Tx};
use crate::value::{FromRow, Param, Row};

/// The kind of a fact that is told to a person, by mail or by SMS. Letters are handed on beside
/// everything else: a mail server may take its time, and nobody else has to wait for it.
pub const LETTER: &str = "letter";

/// A fact to be told.
#[derive(Clone, Debug)]
pub struct Event {
    /// What it is about: an order's id.
    pub aggregate: Uuid,
    /// 1, 2, 3 … within the aggregate, without a gap.
    pub seq: i64,
    /// What happened: `order.paid`.
    pub kind: &'static str,
    /// The facts, a JSON object.
    pub payload: String,
    /// When.
    pub at: Timestamp,
}

/// A fact waiting to be handed on.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// What it is about.
    pub aggregate: Uuid,
    /// Its place within the aggregate.
    pub seq: i64,
    /// What happened.
    pub kind: String,
    /// The facts, a JSON object.
    pub payload: String,
    /// When.
    pub created_at: Timestamp,
    /// Tries that failed.
    pub tries: i64,
}

impl FromRow for Waiting {
    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        Ok(Self {
            aggregate: row.get(0)?,
            seq: row.get(1)?,
            kind: row.get(2)?,
            payload: row.get(3)?,
            created_at: row.get(4)?,
            tries: row.get(5)?,
        })
    }
}

/// Writes facts in the transaction that made them true.
pub fn add(tx: &mut Tx<'_>, events: &[Event]) -> Result<(), Fault> {
    tx.insert_many(&sql::OUTBOX_ADD, events, |event| {
        [
            event.aggregate.value(),
            event.seq.value(),
            event.kind.value(),
            event.payload.value(),
            event.at.value(),
            event.at.value(),
        ]
    })
}

/// Up to `limit` facts that are due at `now`, oldest first; all but letters.
pub fn due(read: &mut Read<'_>, now: Timestamp, limit: i64) -> Result<Vec<Waiting>, Fault> {
    read.rows(&sql::OUTBOX_DUE, &[&now, &limit, &false])
}

/// Up to `limit` facts of the kind [`LETTER`] that are due at `now`, oldest first.
pub fn letters_due(read: &mut Read<'_>, now: Timestamp, limit: i64) -> Result<Vec<Waiting>, Fault> {
    read.rows(&sql::OUTBOX_DUE, &[&now, &limit, &true])
}

/// How many facts wait to be handed on.
pub fn waiting(read: &mut Read<'_>) -> Result<i64, Fault> {
    Ok(read.row::<(i64,)>(&sql::OUTBOX_WAITING, &[])?.map_or(0, |row| row.0))
}

/// Notes that `consumer` has handled the fact. False when it had already.
pub fn handled(
    tx: &mut Tx<'_>,
    event: &Waiting,
    consumer: &str,
    now: Timestamp,
) -> Result<bool, Fault> {
    let added = tx.execute(&sql::HANDLED_ADD, &[&event.aggregate, &event.seq, &consumer, &now])?;
    Ok(added == 1)
}

/// Notes that every consumer has handled these facts.
pub fn delivered(tx: &mut Tx<'_>, events: &[Waiting], now: Timestamp) -> Result<(), Fault> {
    tx.update_many(&sql::OUTBOX_DELIVERED, events, |event| {
        [event.aggregate.value(), event.seq.value(), now.value()]
    })
}

/// Puts the fact back until `due_at`, or aside for a person when `dead` says why.
pub fn failed(
    tx: &mut Tx<'_>,
    event: &Waiting,
    due_at: Timestamp,
    dead: Option<&str>,
) -> Result<(), Fault> {
    tx.execute(&sql::OUTBOX_FAILED, &[&event.aggregate, &event.seq, &due_at, &dead]).map(|_| ())
}
