//! The audit log, walked along: a second reading of how its hashes are made, that shares nothing
//! with the one that writes them.

use std::fmt::Write as _;

use kernel::{Fault, Timestamp, Uuid};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use store::{Read, Statement, from_row};

/// Places that are named.
const SHOWN: usize = 20;

/// A line as it stands, and what the head says of the last one.
struct Line {
    seq: Option<i64>,
    at: Option<Timestamp>,
    operation: Option<Uuid>,
    stage: Option<String>,
    actor: Option<Uuid>,
    api_key: Option<Uuid>,
    action: Option<String>,
    object: Option<String>,
    outcome: Option<String>,
    facts: Option<String>,
    previous: Option<String>,
    hash: Option<String>,
    last: i64,
    last_hash: String,
}

from_row!(Line {
    seq,
    at,
    operation,
    stage,
    actor,
    api_key,
    action,
    object,
    outcome,
    facts,
    previous,
    hash,
    last,
    last_hash
});

impl Line {
    fn hash(&self) -> String {
        let at = self.at.map(Timestamp::as_microsecond);
        let list = json!([
            self.seq,
            at,
            self.operation,
            self.stage,
            self.actor,
            self.api_key,
            self.action,
            self.object,
            self.outcome,
            self.facts,
            self.previous,
        ]);
        let digest = Sha256::digest(list.to_string().as_bytes());
        digest.iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

/// The first places where the chain is broken, and how many there are.
pub(crate) fn breaks(
    read: &mut Read<'_>,
    lines: &'static Statement,
) -> Result<(Vec<String>, i64), Fault> {
    let (mut places, mut count) = (Vec::new(), 0);
    let mut broken = |place: String| {
        count += 1;
        if places.len() < SHOWN {
            places.push(place);
        }
    };
    let (mut before, mut hash) = (0, String::new());
    let mut head = None;
    loop {
        let page: Vec<Line> = read.rows(lines, &[&before])?;
        let mut more = false;
        for line in page {
            head = Some((line.last, line.last_hash.clone()));
            let Some(seq) = line.seq else { break };
            more = true;
            let fits = seq == before + 1 && line.previous.as_ref() == Some(&hash);
            let computed = line.hash();
            if !fits || line.hash.as_ref() != Some(&computed) {
                broken(format!("line {seq}"));
            }
            // Go on from what stands there: one broken line is one place.
            (before, hash) = (seq, line.hash.unwrap_or_default());
        }
        if !more {
            break;
        }
    }
    match head {
        Some((last, last_hash)) if last == before && last_hash == hash => {}
        _ => broken(format!("the end, behind line {before}")),
    }
    Ok((places, count))
}
