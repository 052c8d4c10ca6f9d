//! Answers that anybody may read, kept until something is written.
//!
//! A list of products is the same for everybody and is asked for far more often than anything in
//! it changes. It is kept as the bytes it is sent in, with the count of commits from before it was
//! read: while the count stands still, it is what the database would say.

use std::future::Future;

use bytes::Bytes;
use http::Uri;
use kernel::{SignedDuration, Timestamp};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde::Serialize;
use store::EngineKind;

use crate::App;
use crate::answer::{Answer, written};
use crate::problem::Problem;

/// Answers that are kept, as a rule.
const KEPT: usize = 2_000;
/// Bytes of all of them.
const BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Characters of an address whose answer is kept.
const ADDRESS_MAX: usize = 300;
/// On PostgreSQL other processes write too: an answer is at most this old.
const AGE_MAX: SignedDuration = SignedDuration::from_secs(1);

/// See the module's words.
pub(crate) struct KeptAnswers(Cache<String, Kept, Weight>);

#[derive(Clone)]
struct Kept {
    body: Bytes,
    commits: u64,
    read_at: Timestamp,
}

#[derive(Clone)]
struct Weight;

impl Weighter<String, Kept> for Weight {
    fn weight(&self, address: &String, kept: &Kept) -> u64 {
        (address.len() + kept.body.len()) as u64
    }
}

impl KeptAnswers {
    pub(crate) fn new() -> Self {
        Self(Cache::with_weighter(KEPT, BYTES_MAX, Weight))
    }
}

impl App {
    /// The kept answer to `address`, or the one that `read` makes. It must depend on nothing but
    /// the address and the database.
    pub(crate) async fn kept<T: Serialize>(
        &self,
        address: &Uri,
        read: impl Future<Output = Result<T, Problem>>,
    ) -> Answer {
        let address = address.path_and_query().map_or("", |address| address.as_str());
        let (db, now) = (&self.shop.db, self.shop.env.now());
        let commits = db.commits();
        let answers = &self.kept_answers().0;
        if let Some(kept) = answers.get(address)
            && kept.commits == commits
            && (db.engine() == EngineKind::Sqlite || is_young(kept.read_at, now))
        {
            return Ok(written(kept.body));
        }
        let body = serde_json::to_vec(&read.await?).map(Bytes::from).map_err(|error| {
            tracing::error!(%error, "an answer could not be written");
            Problem::internal()
        })?;
        if address.len() <= ADDRESS_MAX {
            let kept = Kept { body: body.clone(), commits, read_at: now };
            answers.insert(address.to_owned(), kept);
        }
        Ok(written(body))
    }
}

fn is_young(read_at: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(read_at);
    (SignedDuration::ZERO..AGE_MAX).contains(&age)
}
