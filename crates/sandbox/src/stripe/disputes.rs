//! Disputes: payers who went to their bank. The control plane opens and decides them.

use crate::answer::{Answer, Outcome};
use crate::book::Page;
use crate::book::payments::Payment;
use crate::book::steps::{self, News};

use super::{error, told};

/// `GET /v1/disputes/{id}`
pub(super) fn show(page: &Page<'_>, id: &str) -> Outcome {
    let intent = id.strip_prefix("du_").map(|rest| format!("pi_{rest}"));
    let found = intent.map(|intent| told::find(page, &intent)).transpose()?.flatten();
    let found = found.filter(told::was_disputed);
    let found = found.ok_or_else(|| error::no_such("dispute", id))?;
    Ok(Answer::ok(told::dispute(&found)))
}

/// The bank has decided: the shop keeps the money, or the payer has it back.
pub(crate) fn decided(page: &Page<'_>, payment: &Payment, lost: bool) -> rusqlite::Result<Payment> {
    let now = steps::note(page, payment, "dispute_lost", lost, None)?;
    steps::note(page, &now, "disputed", false, Some(News::DisputeClosed))
}
