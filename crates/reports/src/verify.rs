//! Looking whether everything that must hold does.

use std::fmt;

use kernel::{Fault, SignedDuration, Timestamp, Uuid};
use serde::Serialize;
use store::{Db, FromColumn, Read, Value};

use crate::chain;
use crate::invariants::{ALL, How, Invariant};

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// Invariants looked at.
    pub checked: usize,
    /// Places that are wrong, over all invariants.
    pub violations: i64,
    /// Each invariant, in the order of their numbers.
    pub invariants: Vec<Finding>,
}

/// What was found of one invariant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// Its name: `I01_no_negative_stock`.
    pub name: &'static str,
    /// What it says, in one sentence.
    pub says: &'static str,
    /// Places that are wrong.
    pub violations: i64,
    /// The first 20 of them: ids of orders, variants, carts, attempts or notices, numbers of
    /// orders, or keys.
    pub rows: Vec<String>,
}

/// Looks at every invariant in one snapshot, without writing. What should have happened by itself
/// (a hold that ends, an event that is handed on) is missed only when it is later than `grace`
/// at `now`.
///
/// O(n log n) in the rows of the database; on SQLite on a connection of its own.
pub async fn verify(db: &Db, now: Timestamp, grace: SignedDuration) -> Result<Report, Fault> {
    let deadline = now.checked_sub(grace).unwrap_or(Timestamp::MIN);
    let look = move |read: &mut Read<'_>| {
        ALL.iter().map(|invariant| find(read, invariant, deadline)).collect::<Result<Vec<_>, _>>()
    };
    let invariants: Vec<Finding> = db.read_long(look).await?;
    let violations = invariants.iter().map(|finding| finding.violations).sum();
    Ok(Report { checked: invariants.len(), violations, invariants })
}

fn find(read: &mut Read<'_>, invariant: &Invariant, deadline: Timestamp) -> Result<Finding, Fault> {
    let Invariant { name, says, finds, how } = *invariant;
    let wrong: Vec<(Place, i64)> = match how {
        How::Alone => read.rows(finds, &[])?,
        How::InTime => read.rows(finds, &[&deadline])?,
        How::AlongTheChain => {
            let (rows, violations) = chain::breaks(read, finds)?;
            return Ok(Finding { name, says, violations, rows });
        }
    };
    let violations = wrong.first().map_or(0, |(_, all)| *all);
    let rows = wrong.into_iter().map(|(Place(place), _)| place).collect();
    Ok(Finding { name, says, violations, rows })
}

/// An id or a text, whichever the statement finds its places by.
struct Place(String);

impl FromColumn for Place {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Uuid(id) => Some(Self(id.to_string())),
            Value::Bytes(id) => Uuid::from_slice(id).ok().map(|id| Self(id.to_string())),
            Value::Text(text) => Some(Self(text.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for Report {
    /// A line for each invariant, the places below those that are broken, and the sum at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.invariants.iter().map(|finding| finding.name.len()).max().unwrap_or(0);
        for Finding { name, says, violations, rows } in &self.invariants {
            let word = if *violations == 0 { "holds " } else { "BROKEN" };
            writeln!(f, "{word}  {name:width$}  {says}")?;
            for row in rows {
                writeln!(f, "          {row}")?;
            }
            let shown = i64::try_from(rows.len()).unwrap_or(i64::MAX);
            if *violations > shown {
                writeln!(f, "          and {} more", violations - shown)?;
            }
        }
        match self.violations {
            0 => writeln!(f, "{} invariants hold.", self.checked),
            1 => writeln!(f, "{} invariants checked: 1 violation.", self.checked),
            n => writeln!(f, "{} invariants checked: {n} violations.", self.checked),
        }
    }
}
