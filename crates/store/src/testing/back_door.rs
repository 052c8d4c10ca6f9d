//! What only a test may do: write past every rule, read everything, and copy a whole database.

use std::fmt::Write as _;

use kernel::Fault;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::{TestDb, beside, unique};
use crate::db::{Db, Options};

/// Takes the rules away that stand in the way of planting what they forbid.
const NO_CHECKS: &str = "
    set session_replication_role = replica;
    do $$ declare c record; begin
        for c in select conname, conrelid::regclass as owner from pg_constraint
            where contype = 'c' and connamespace = 'public'::regnamespace
        loop execute format('alter table %s drop constraint %I', c.owner, c.conname); end loop;
    end $$;
";

const TABLES: &str =
    "select tablename from pg_tables where schemaname = 'public' order by tablename";

impl TestDb {
    /// Runs `sql` past the store, without checks and foreign keys, so that a test can plant what
    /// the shop itself would never write. An id is written `uuid '…'` for both engines.
    ///
    /// # Errors
    /// What the engine said.
    pub async fn raw(&self, sql: &str) -> Result<(), Fault> {
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            let conn = sqlite(path)?;
            return conn.execute_batch(&with_blobs(sql)).map_err(broken);
        }
        let client = postgres(&self.url).await?;
        client.batch_execute(&format!("{NO_CHECKS} {sql}")).await.map_err(broken)
    }

    /// Every row of every table, as text, in an order that does not change: two dumps are equal
    /// when nothing was written between them.
    ///
    /// # Errors
    /// What the engine said.
    pub async fn dump(&self) -> Result<Vec<String>, Fault> {
        let mut lines = if let Some(path) = self.url.strip_prefix("sqlite:") {
            sqlite_dump(&sqlite(path)?).map_err(broken)?
        } else {
            postgres_dump(&postgres(&self.url).await?).await.map_err(broken)?
        };
        lines.sort_unstable();
        Ok(lines)
    }

    /// A copy of this database, which must be closed, opened on its own.
    ///
    /// # Errors
    /// What the engine said.
    pub async fn copy(&self) -> Result<Self, Fault> {
        let (url, directory) = if let Some(path) = self.url.strip_prefix("sqlite:") {
            let directory = TempDir::with_prefix("holdfast-test-").map_err(broken)?;
            let copy = directory.path().join("shop.db");
            std::fs::copy(path, &copy).map_err(broken)?;
            (format!("sqlite:{}", copy.display()), Some(directory))
        } else {
            let name = format!("holdfast_test_{}", unique());
            let (_, template) = self.url.rsplit_once('/').unwrap_or_default();
            let client = postgres(&beside(&self.url, "postgres")).await?;
            let copy = format!("create database {name} template {template}");
            client.batch_execute(&copy).await.map_err(broken)?;
            (beside(&self.url, &name), None)
        };
        let options = Options { url: url.clone(), connections: 1 };
        let injector = self.injector.clone();
        let db = Db::open_with(&options, &[], Some(injector.clone())).map_err(broken)?;
        Ok(Self { db, injector, url, _directory: directory })
    }
}

fn broken(cause: impl std::error::Error) -> Fault {
    let mut words = cause.to_string();
    let mut deeper = cause.source();
    while let Some(cause) = deeper {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        deeper = cause.source();
    }
    Fault::Broken(words)
}

fn sqlite(path: &str) -> Result<Connection, Fault> {
    let conn = Connection::open(path).map_err(broken)?;
    conn.execute_batch(
        "pragma busy_timeout = 5000; pragma foreign_keys = off; \
         pragma ignore_check_constraints = on;",
    )
    .map_err(broken)?;
    Ok(conn)
}

async fn postgres(url: &str) -> Result<Client, Fault> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.map_err(broken)?;
    tokio::spawn(connection);
    Ok(client)
}

/// `uuid '0190…'` as SQLite writes it: `x'0190…'` without the dashes.
fn with_blobs(sql: &str) -> String {
    let mut parts = sql.split("uuid '");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (id, rest) = part.split_once('\'').unwrap_or((part, ""));
        text.push_str("x'");
        text.push_str(&id.replace('-', ""));
        text.push('\'');
        text.push_str(rest);
    }
    text
}

fn sqlite_dump(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut tables = conn.prepare("select name from sqlite_master where type = 'table'")?;
    let tables: Vec<String> =
        tables.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut lines = Vec::new();
    for table in tables {
        let mut rows = conn.prepare(&format!("select * from {table}"))?;
        let columns = rows.column_count();
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let mut line = table.clone();
            for column in 0..columns {
                line.push(' ');
                match row.get_ref(column)? {
                    ValueRef::Text(it) => line.push_str(&String::from_utf8_lossy(it)),
                    other => write!(line, "{other:?}").unwrap_or_default(),
                }
            }
            lines.push(line);
        }
    }
    Ok(lines)
}

async fn postgres_dump(client: &Client) -> Result<Vec<String>, tokio_postgres::Error> {
    let mut lines = Vec::new();
    for row in client.query(TABLES, &[]).await? {
        let table: String = row.get(0);
        let text = format!("select t::text from \"{table}\" t");
        for message in client.simple_query(&text).await? {
            if let SimpleQueryMessage::Row(row) = message {
                lines.push(format!("{table} {}", row.get(0).unwrap_or_default()));
            }
        }
    }
    Ok(lines)
}
