//! What every other room relies on, on both engines.

mod breaks;
mod keeping;
mod line;
mod memory;
mod opening;
mod statements;
mod together;

use std::sync::mpsc;

use kernel::{Env, Fault, Timestamp, Uuid};

use crate::testing::TestDb;
use crate::{Db, Migration, Param, Schema, Tx};

crate::sql! {
    query ADD { "insert into things (id, n) values ($1, $2)" }
    query ALL_NUMBERS { "select n from things order by n" }
    query COUNT { "select count(*) from things" }
    query NUMBERS_OF { "select id, n from things where id = any($1) order by id for update" }
    query FIND_LATE { "select id, n from things where id = $1 and n > 0" }
    query ADD_WHOLE {
        "insert into things (id, n, word, yes, at, raw, doc) values ($1, $2, $3, $4, $5, $6, $7)"
    }
    query WHOLE { "select n, word, yes, at, raw, doc from things where id = $1" }
    insert ADD_MANY { "things" (id uuid, n bigint, word text) }
    update SET_MANY { "things" by (id uuid) set (n bigint, word text) }
    delete REMOVE_MANY { "things" by (id uuid, n bigint) }
}

static THINGS: Schema = Schema {
    feature: "things",
    migrations: &[Migration {
        name: "V1__things",
        sql: "create table things (
                  id uuid not null primary key, n bigint not null, word text, yes boolean,
                  at timestamptz, raw bytea, doc jsonb,
                  constraint things_n_is_small check (n < 1000000)
              ) /* key first */;
              create unique index things_word on things (word);",
    }],
    statements: ALL,
};

static SCHEMAS: &[&Schema] = &[&crate::SCHEMA, &THINGS];

fn env() -> Env {
    Env::manual(Timestamp::from_second(1_800_000_000).unwrap(), 7).0
}

fn add(tx: &mut Tx<'_>, id: Uuid, n: i64) -> Result<(), Fault> {
    tx.execute(&ADD, &[&id, &n]).map(|_| ())
}

async fn add_one(db: &Db, n: i64) -> Result<(), Fault> {
    let id = Uuid::from_u128(n.unsigned_abs().into());
    db.write(move |tx| add(tx, id, n)).await
}

async fn numbers(db: &Db) -> Vec<i64> {
    let rows: Vec<(i64,)> = db.read(|read| read.rows(&ALL_NUMBERS, &[])).await.unwrap();
    rows.into_iter().map(|(n,)| n).collect()
}

/// Keeps a writer busy until the sender is used or dropped; the receiver hears when it is.
fn busy(db: &Db) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), Fault>>) {
    let (go, wait) = mpsc::channel::<()>();
    let (say, begun) = mpsc::channel::<()>();
    let (wait, db) = (std::sync::Mutex::new(wait), db.clone());
    let write = async move {
        db.write(move |_| {
            say.send(()).ok();
            wait.lock().unwrap().recv().ok();
            Ok::<_, Fault>(())
        })
        .await
    };
    let running = tokio::spawn(write);
    // On a runtime of its own thread the task has to be given its turn.
    tokio::task::block_in_place(|| begun.recv()).unwrap();
    (go, running)
}
