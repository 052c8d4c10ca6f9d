//! Idempotency keys within a batch: looked up before, remembered while deciding, kept at the end.

use std::collections::HashMap;

use kernel::{Fault, Timestamp, Uuid};
use store::Tx;
use store::idempotency::{self, Answer, Key, Seen};

use super::command::{Command, Done};
use crate::refusal::Refusal;

/// Nobody reads a status here: the answer is a [`Done`], and `web` puts it into words.
const DONE: i64 = 0;

type Name = (Uuid, &'static str, String);

#[derive(Default)]
pub(super) struct Keys {
    known: HashMap<Name, (String, Done)>,
    other_request: Vec<Name>,
    fresh: Vec<(Key, Answer)>,
}

fn name(key: &Key) -> Name {
    (key.scope, key.route, key.key.clone())
}

impl Keys {
    /// Looks up the keys of a batch. Only commands that carry one cost a look; orders do not.
    pub(super) fn load(&mut self, tx: &mut Tx<'_>, commands: &[Command]) -> Result<(), Fault> {
        for key in commands.iter().filter_map(Command::key) {
            match idempotency::seen(tx, key)? {
                Seen::Never => {}
                Seen::OtherRequest => self.other_request.push(name(key)),
                Seen::Answered(answer) => {
                    let done = serde_json::from_str(&answer.body).map_err(|e| {
                        Fault::Broken(format!("the answer kept for a key cannot be read: {e}"))
                    })?;
                    self.known.insert(name(key), (key.fingerprint.clone(), done));
                }
            }
        }
        Ok(())
    }

    /// What was answered to this key before, if anything.
    pub(super) fn answer(&self, key: &Key) -> Result<Option<Done>, Refusal> {
        let name = name(key);
        // The known answer first: the wish it was given to and another one may come in one batch.
        match self.known.get(&name) {
            Some((fingerprint, done)) if *fingerprint == key.fingerprint => Ok(Some(done.clone())),
            Some(_) => Err(Refusal::KeyReused),
            None if self.other_request.contains(&name) => Err(Refusal::KeyReused),
            None => Ok(None),
        }
    }

    /// Remembers an answer. Refusals are not kept: nothing moved, and the next try may find the
    /// shop in another state.
    pub(super) fn keep(&mut self, key: &Key, done: &Done) {
        if let Ok(body) = serde_json::to_string(done) {
            self.known.insert(name(key), (key.fingerprint.clone(), done.clone()));
            self.fresh.push((key.clone(), Answer { status: DONE, body }));
        }
    }

    pub(super) fn write(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Fault> {
        self.fresh.iter().try_for_each(|(key, answer)| idempotency::keep(tx, key, answer, now))
    }
}
