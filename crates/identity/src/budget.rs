//! Budgets: how often something may be done in a span of time.

use kernel::{Fault, SignedDuration, Timestamp};
use store::Tx;

use crate::sql;

/// At most `max` in `window`, counted under `key` from the first one on.
pub(crate) struct Budget {
    pub(crate) key: String,
    pub(crate) max: i64,
    pub(crate) window: SignedDuration,
}

/// Takes one from each of `budgets`, or from none of them; then gives the time after which all
/// have something left. Whoever is refused does not use up what others need.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    budgets: &[Budget],
    now: Timestamp,
) -> Result<Option<SignedDuration>, Fault> {
    let mut wait = None;
    for Budget { key, max, window } in budgets {
        let found: Option<(Timestamp, i64)> = tx.row(&sql::BUDGET, &[key])?;
        let ends = found.map(|(since, _)| since.saturating_add(*window).unwrap_or(since));
        let (Some(ends), Some((_, used))) = (ends, found) else { continue };
        if now < ends && used >= *max {
            wait = wait.max(Some(ends.duration_since(now)));
        }
    }
    if wait.is_some() {
        return Ok(wait);
    }
    for Budget { key, window, .. } in budgets {
        let over = now.saturating_sub(*window).unwrap_or(now);
        tx.execute(&sql::BUDGET_TAKE, &[key, &now, &over])?;
    }
    Ok(None)
}
