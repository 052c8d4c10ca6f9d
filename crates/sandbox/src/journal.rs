//! What was said: every call with its answer, every page action, every delivery. For assertions;
//! in memory, the oldest falls off.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use kernel::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::faults::{Fault, Op};

const ENTRIES_MAX: usize = 2_000;

#[derive(Default)]
pub(crate) struct Journal(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    written: u64,
    /// Tries to deliver, and those that the shop answered as one that cannot serve: 5xx.
    deliveries: u64,
    unserved: u64,
    kept: VecDeque<Value>,
}

/// Something that was said.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Entry<'a> {
    /// A call of the API. `status` is null where the line was dropped.
    Call {
        op: Op,
        method: &'a str,
        path: &'a str,
        key: Option<&'a str>,
        request: Value,
        faults: &'a [Fault],
        status: Option<u16>,
        answer: Value,
    },
    /// A button on the page for the payer.
    Page { payment: &'a str, action: &'a str, status: &'a str },
    /// A try to deliver a notification. `status` is null where no answer came.
    Delivery {
        event: &'a str,
        #[serde(rename = "type")]
        event_type: &'a str,
        url: &'a str,
        #[serde(rename = "try")]
        attempt: u32,
        faults: &'a [Fault],
        status: Option<u16>,
        error: Option<String>,
    },
}

impl Journal {
    pub fn write(&self, at: Timestamp, entry: &Entry<'_>) {
        let delivery = match entry {
            Entry::Delivery { status, .. } => Some(status.is_some_and(|status| status >= 500)),
            _ => None,
        };
        let Ok(mut entry) = serde_json::to_value(entry) else { return };
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(unserved) = delivery {
            entries.deliveries += 1;
            entries.unserved += u64::from(unserved);
        }
        entries.written += 1;
        entry["seq"] = entries.written.into();
        entry["at"] = at.to_string().into();
        if entries.kept.len() == ENTRIES_MAX {
            entries.kept.pop_front();
        }
        entries.kept.push_back(entry);
    }

    /// All deliveries so far, and those that were answered 5xx.
    pub fn deliveries(&self) -> (u64, u64) {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (entries.deliveries, entries.unserved)
    }

    /// Everything kept, oldest first.
    pub fn read(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).kept.iter().cloned().collect()
    }
}
