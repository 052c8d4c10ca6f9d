//! The audit log: what the people of the shop did, and what happened to their accounts.
//!
//! Nothing in it is ever altered or taken away; the database refuses both. Each line carries the
//! SHA-256 of itself and of the hash before it, and the head says which line is the last: what is
//! changed, left out, put in or cut off does not fit. An operation is written down before it is
//! carried out and again when it is over; one that was begun and has no end was cut short by a
//! crash, and may have happened.

use kernel::{AccountId, ApiKeyId, Env, Fault, Timestamp, Uuid};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use store::sea_query::{Alias, Expr, ExprTrait as _, Order, Query};
use store::{Db, Read, Tx, from_row};

use crate::sql;

/// Lines on a page at most.
pub const PAGE_MAX: u32 = 500;

/// How far what a line tells of has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// It is about to be carried out.
    Begun,
    /// It is over.
    Ended,
    /// It happened: nothing was carried out.
    Noted,
}

impl Stage {
    fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Ended => "ended",
            Self::Noted => "noted",
        }
    }
}

/// Who did it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Actor {
    /// The account, or the one that made the key.
    pub account: AccountId,
    /// The key that was used.
    pub key: Option<ApiKeyId>,
}

impl From<AccountId> for Actor {
    fn from(account: AccountId) -> Self {
        Self { account, key: None }
    }
}

/// A line to be written.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What is begun and what ends has the same.
    pub operation: Uuid,
    /// How far it is.
    pub stage: Stage,
    /// Who does it, where that is known.
    pub actor: Option<Actor>,
    /// What: a method and a route, or the name of an event.
    pub action: String,
    /// What it is done to.
    pub object: String,
    /// What came of it: `done`, or the code of a refusal; empty while nobody knows.
    pub outcome: String,
    /// More about it.
    pub facts: Map<String, Value>,
}

impl Entry {
    /// An event: something that happened and is over.
    pub fn noted(env: &Env, actor: Option<Actor>, action: &str, object: String) -> Self {
        Self {
            operation: env.id(),
            stage: Stage::Noted,
            actor,
            action: action.to_owned(),
            object,
            outcome: "done".to_owned(),
            facts: Map::new(),
        }
    }

    /// With another outcome than `done`.
    #[must_use]
    pub fn with_outcome(mut self, outcome: &str) -> Self {
        outcome.clone_into(&mut self.outcome);
        self
    }

    /// With a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }
}

/// A line as it stands in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// 1, 2, 3 …
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// What is begun and what ends has the same.
    pub operation: Uuid,
    /// `begun`, `ended`, `noted`.
    pub stage: String,
    /// Who.
    pub actor: Option<AccountId>,
    /// With which key.
    pub api_key: Option<ApiKeyId>,
    /// What.
    pub action: String,
    /// To what.
    pub object: String,
    /// What came of it.
    pub outcome: String,
    /// More, a JSON object.
    pub facts: String,
    /// The hash of the line before; empty on the first.
    pub previous: String,
    /// SHA-256 over all of this, in hex.
    pub hash: String,
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
    hash
});

impl Line {
    /// The hash that these contents have: of a JSON list of them in this order, times in
    /// microseconds since 1970.
    fn computed(&self) -> String {
        let canonical = json!([
            self.seq,
            self.at.as_microsecond(),
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
        crate::hex(&Sha256::digest(canonical.to_string().as_bytes()))
    }
}

/// Writes a line behind the last one.
pub fn append(tx: &mut Tx<'_>, entry: &Entry, at: Timestamp) -> Result<(), Fault> {
    let head: Option<(i64, String)> = tx.row(&sql::AUDIT_HEAD, &[])?;
    let (last, previous) = head.ok_or_else(|| Fault::Broken("the audit log has no head".into()))?;
    let mut line = Line {
        seq: last + 1,
        at,
        operation: entry.operation,
        stage: entry.stage.as_str().to_owned(),
        actor: entry.actor.map(|actor| actor.account),
        api_key: entry.actor.and_then(|actor| actor.key),
        action: entry.action.clone(),
        object: entry.object.clone(),
        outcome: entry.outcome.clone(),
        facts: Value::Object(entry.facts.clone()).to_string(),
        previous,
        hash: String::new(),
    };
    line.hash = line.computed();
    tx.execute(
        &sql::AUDIT_ADD,
        &[
            &line.seq,
            &line.at,
            &line.operation,
            &line.stage,
            &line.actor,
            &line.api_key,
            &line.action,
            &line.object,
            &line.outcome,
            &line.facts,
            &line.previous,
            &line.hash,
        ],
    )?;
    tx.execute(&sql::AUDIT_HEAD_MOVE, &[&line.seq, &line.hash])?;
    Ok(())
}

/// Writes a line in a transaction of its own.
pub async fn write(db: &Db, env: &Env, entry: Entry) -> Result<(), Fault> {
    let at = env.now();
    db.write(move |tx| append(tx, &entry, at)).await
}

/// Which lines are wanted.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Filter {
    /// Of this account only.
    pub actor: Option<AccountId>,
    /// Of this action only.
    pub action: Option<String>,
    /// Of this object only.
    pub object: Option<String>,
    /// Before this line only.
    pub before: Option<i64>,
}

/// The newest lines that are wanted, at most `limit` of them.
pub fn page(read: &mut Read<'_>, filter: &Filter, limit: u32) -> Result<Vec<Line>, Fault> {
    let column = |name: &'static str| Expr::col(Alias::new(name));
    let mut query = Query::select();
    query
        .columns(
            [
                "seq",
                "at",
                "operation",
                "stage",
                "actor",
                "api_key",
                "action",
                "object",
                "outcome",
                "facts",
                "previous",
                "hash",
            ]
            .map(Alias::new),
        )
        .from(Alias::new("audit"))
        .order_by(Alias::new("seq"), Order::Desc)
        .limit(u64::from(limit));
    if let Some(actor) = filter.actor {
        query.and_where(column("actor").eq(actor.0));
    }
    if let Some(action) = &filter.action {
        query.and_where(column("action").eq(action.as_str()));
    }
    if let Some(object) = &filter.object {
        query.and_where(column("object").eq(object.as_str()));
    }
    if let Some(before) = filter.before {
        query.and_where(column("seq").lt(before));
    }
    read.select(&query)
}

/// Lines behind `after`, oldest first, at most `limit` of them.
pub fn following(read: &mut Read<'_>, after: i64, limit: u32) -> Result<Vec<Line>, Fault> {
    read.rows(&sql::AUDIT_FOLLOWING, &[&after, &i64::from(limit)])
}
