//! Fresh migrated databases for tests, on either engine, in parallel.
//!
//! SQLite copies a migrated template file; PostgreSQL copies a migrated template database of the
//! server that `HOLDFAST_TEST_POSTGRES` names (`cargo xtask test` starts one).

mod back_door;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

pub use back_door::Beside;
pub(crate) use back_door::{append_only_triggers, sqlite_dump, sqlite_tables};

pub use crate::sqlite::{Call, Gate, Memory, Turn};

use crate::db::{Db, EngineKind, Options};
use crate::idempotency::fingerprint;
use crate::inject::Injector;
use crate::migrate::Schema;

/// A fresh database. On SQLite its directory goes with it; a test server's databases go with the
/// server.
pub struct TestDb {
    /// The open database.
    pub db: Db,
    /// Breaks statements and answers on demand.
    pub injector: Arc<Injector>,
    /// Its address, to open it again.
    pub url: String,
    _directory: Option<TempDir>,
}

/// Which variable names the PostgreSQL server tests may use.
pub const SERVER: &str = "HOLDFAST_TEST_POSTGRES";

impl TestDb {
    /// A fresh database of `engine` with the tables of `schemas`.
    ///
    /// # Panics
    /// When the database cannot be made: a test cannot go on without.
    #[expect(clippy::expect_used, reason = "a test cannot go on without its database")]
    pub fn new(engine: EngineKind, schemas: &[&'static Schema]) -> Self {
        let injector = Arc::new(Injector::default());
        let (url, directory) = match engine {
            EngineKind::Sqlite => sqlite_copy(schemas),
            EngineKind::Postgres => (postgres_copy(schemas), None),
        };
        let options = Options { connections: 2, ..Options::new(url.clone()) };
        let db = Db::open_with(&options, schemas, Some(injector.clone()))
            .expect("the fresh database opens");
        Self { db, injector, url, _directory: directory }
    }
}

impl TestDb {
    /// Opens the same database once more, with faults of its own: another node on PostgreSQL, or
    /// the next process, once the first has closed it.
    ///
    /// # Panics
    /// When it cannot be opened.
    #[expect(clippy::expect_used, reason = "a test cannot go on without its database")]
    pub fn open_again(&self, injector: &Arc<Injector>) -> Db {
        let options = Options { connections: 2, ..Options::new(self.url.clone()) };
        Db::open_with(&options, &[], Some(injector.clone())).expect("it opens again")
    }
}

impl TestDb {
    /// Closes the database; gives everything that lies in it, to be searched: of SQLite the bytes
    /// of the file, what was deleted and not overwritten among them, of PostgreSQL every table.
    ///
    /// # Panics
    /// When it cannot be read.
    #[expect(clippy::expect_used, reason = "a test cannot go on without what it looks at")]
    pub async fn contents(&self) -> String {
        self.db.close();
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            let bytes = std::fs::read(path).expect("the file is there");
            let log = std::fs::read(format!("{path}-wal")).unwrap_or_default();
            return String::from_utf8_lossy(&[bytes, log].concat()).into_owned();
        }
        let (client, connection) =
            tokio_postgres::connect(&self.url, tokio_postgres::NoTls).await.expect("the server");
        let line = tokio::spawn(connection);
        let all = "select cast(database_to_xml(true, false, '') as text)";
        let row = client.query_one(all, &[]).await.expect("every table");
        drop(client);
        let _ = line.await;
        row.get(0)
    }
}

/// Names a template by what is in it, so that an old one is never taken for a new one.
fn template_name(schemas: &[&'static Schema]) -> String {
    let mut all = String::new();
    for schema in schemas {
        all.push_str(schema.feature);
        for step in schema.migrations {
            all.push_str(step.sql);
        }
    }
    format!("holdfast_template_{}", &fingerprint(all.as_bytes())[..12])
}

static MAKING: Mutex<()> = Mutex::new(());

#[expect(clippy::expect_used, reason = "a test cannot go on without its database")]
fn sqlite_copy(schemas: &[&'static Schema]) -> (String, Option<TempDir>) {
    let directory = TempDir::with_prefix("holdfast-test-").expect("a temporary directory");
    let template = {
        let _one_at_a_time = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("{}-{}.db", template_name(schemas), std::process::id());
        let template: PathBuf = std::env::temp_dir().join(name);
        if !template.exists() {
            let fresh = directory.path().join("template.db");
            let url = format!("sqlite:{}", fresh.display());
            Db::open(&Options { connections: 1, ..Options::new(url) }, schemas)
                .expect("the tables are made")
                .close();
            std::fs::rename(fresh, &template).expect("the template is kept");
        }
        template
    };
    let path = directory.path().join("shop.db");
    std::fs::copy(template, &path).expect("the template is copied");
    (format!("sqlite:{}", path.display()), Some(directory))
}

#[expect(clippy::expect_used, clippy::panic, reason = "a test cannot go on without its database")]
fn postgres_copy(schemas: &[&'static Schema]) -> String {
    #[expect(clippy::disallowed_methods, reason = "how the test command tells tests its server")]
    let Ok(server) = std::env::var(SERVER) else {
        panic!("{SERVER} is not set: run the tests with `cargo xtask test`");
    };
    let template = template_name(schemas);
    let make = async {
        let (client, connection) =
            tokio_postgres::connect(&server, tokio_postgres::NoTls).await.expect("the test server");
        tokio::spawn(connection);
        // Several test processes share the server: one of them makes the template.
        client.batch_execute("select pg_advisory_lock(4711)").await.expect("the lock");
        let there = client
            .query_opt("select 1 from pg_database where datname = $1", &[&template])
            .await
            .expect("the list of databases");
        if there.is_none() {
            let fresh = format!("{template}_fresh");
            let drop = format!("drop database if exists {fresh}");
            client.batch_execute(&drop).await.expect("no half-made template");
            client.batch_execute(&format!("create database {fresh}")).await.expect("a database");
            let url = beside(&server, &fresh);
            let config = url.parse().expect("a database address");
            tokio::task::spawn_blocking({
                let schemas = schemas.to_vec();
                move || crate::postgres::migrate(&config, &schemas)
            })
            .await
            .expect("migrations end")
            .expect("the tables are made");
            let rename = format!("alter database {fresh} rename to {template}");
            client.batch_execute(&rename).await.expect("the template is kept");
        }
        client.batch_execute("select pg_advisory_unlock(4711)").await.expect("the lock");
        let name = format!("holdfast_test_{}", crate::testing::unique());
        let copy = format!("create database {name} template {template}");
        client.batch_execute(&copy).await.expect("the template is copied");
        name
    };
    // A test may already run on a runtime; this one has a thread of its own.
    let name = std::thread::scope(|scope| {
        let run = || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime")
                .block_on(make)
        };
        scope.spawn(run).join().expect("the copy is made")
    });
    beside(&server, &name)
}

fn beside(server: &str, name: &str) -> String {
    let (start, _) = server.rsplit_once('/').unwrap_or((server, ""));
    format!("{start}/{name}")
}

fn unique() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Writes a test once and runs it on both engines: the body gets a [`TestDb`] with the tables of
/// `schemas`.
#[macro_export]
macro_rules! on_both_engines {
    ($schemas:expr; $($(#[$meta:meta])* async fn $name:ident($db:ident: TestDb) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "the test uses what its module uses")]
            use super::*;

            async fn test($db: $crate::testing::TestDb) $body

            $(#[$meta])*
            #[tokio::test]
            async fn sqlite() {
                test($crate::testing::TestDb::new($crate::EngineKind::Sqlite, $schemas)).await;
            }

            $(#[$meta])*
            #[tokio::test]
            async fn postgres() {
                test($crate::testing::TestDb::new($crate::EngineKind::Postgres, $schemas)).await;
            }
        }
    )+};
}

/// Prepares every statement of `schemas` on `db`'s engine; gives how many there were.
///
/// # Errors
/// The names of those the engine does not take, with its words.
pub async fn prepare_all(db: &Db, schemas: &[&'static Schema]) -> Result<usize, Vec<String>> {
    let texts: Vec<_> = schemas.iter().flat_map(|schema| schema.statements).collect();
    let mut refused = Vec::new();
    for text in &texts {
        let text: &'static dyn crate::Texts = **text;
        let tried = db.read(move |read| read.prepare(text)).await;
        if let Err(fault) = tried {
            refused.push(format!("{}: {fault}", text.name()));
        }
    }
    if refused.is_empty() { Ok(texts.len()) } else { Err(refused) }
}
