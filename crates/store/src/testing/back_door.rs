//! What only a test may do: write past every rule, read everything, and put everything back.

use std::fmt::Write as _;

use kernel::Fault;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::TestDb;

/// Takes the rules away that stand in the way of planting what they forbid.
const NO_CHECKS: &str = "
    set session_replication_role = replica;
    do $$ declare c record; begin
        for c in select conname, conrelid::regclass as owner from pg_constraint
            where contype = 'c' and connamespace = 'public'::regnamespace
        loop execute format('alter table %s drop constraint %I', c.owner, c.conname); end loop;
    end $$;
";

/// What was kept goes back as it was: no trigger and no foreign key is asked.
const AS_IT_WAS: &str = "set session_replication_role = replica;";

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
            let triggers = append_only_triggers(&conn).map_err(broken)?;
            return conn.execute_batch(&(triggers + &with_blobs(sql))).map_err(broken);
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
            postgres_dump(&postgres(&self.url).await?).await?
        };
        lines.sort_unstable();
        Ok(lines)
    }

    /// Keeps every row as it is now, for [`TestDb::restore`].
    ///
    /// # Errors
    /// What the engine said.
    pub async fn keep(&self) -> Result<(), Fault> {
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            return sqlite(path)?
                .execute_batch(&format!("vacuum into '{path}-kept'"))
                .map_err(broken);
        }
        let client = postgres(&self.url).await?;
        let tables = postgres_tables(&client).await?;
        let copies = each(&tables, |t| format!("create table kept.{t} as table public.{t};"));
        client.batch_execute(&format!("create schema kept; {copies}")).await.map_err(broken)
    }

    /// Puts back every row that was kept, past every check. Indexes and checks that were taken
    /// away stay away.
    ///
    /// # Errors
    /// What the engine said.
    pub async fn restore(&self) -> Result<(), Fault> {
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            let conn = sqlite(path)?;
            conn.execute_batch(&format!("attach '{path}-kept' as kept")).map_err(broken)?;
            let triggers = append_only_triggers(&conn).map_err(broken)?;
            conn.execute_batch(&triggers).map_err(broken)?;
            let tables = sqlite_tables(&conn).map_err(broken)?;
            let back = each(&tables, |t| {
                format!("delete from main.{t}; insert into main.{t} select * from kept.{t};")
            });
            return conn.execute_batch(&format!("begin immediate; {back} commit")).map_err(broken);
        }
        let client = postgres(&self.url).await?;
        let back = each(&postgres_tables(&client).await?, |t| {
            format!("delete from public.{t}; insert into public.{t} select * from kept.{t};")
        });
        client.batch_execute(&format!("{AS_IT_WAS} {back}")).await.map_err(broken)
    }
}

/// A connection of its own to the server behind a [`TestDb`].
pub struct Beside(Client);

impl TestDb {
    /// Looks at the server from beside the store.
    ///
    /// # Errors
    /// When there is no server, or it does not answer.
    pub async fn beside(&self) -> Result<Beside, Fault> {
        postgres(&self.url).await.map(Beside)
    }
}

impl Beside {
    /// How many sessions of this database wait for a lock that another one holds.
    ///
    /// # Errors
    /// What the engine said.
    pub async fn waiting_for_locks(&self) -> Result<usize, Fault> {
        let look = "select pid from pg_stat_activity where datname = current_database()
             and wait_event_type = 'Lock' and cardinality(pg_blocking_pids(pid)) > 0";
        self.0.query(look, &[]).await.map(|waiting| waiting.len()).map_err(broken)
    }

    /// From the next connection on a deadlock is seen at once: for tests that try many orders of
    /// events.
    ///
    /// # Errors
    /// What the engine said.
    pub async fn see_deadlocks_at_once(&self) -> Result<(), Fault> {
        let name = self.0.query_one("select current_database()", &[]).await.map_err(broken)?;
        let name: &str = name.get(0);
        let set = format!("alter database {name} set deadlock_timeout = '20ms'");
        self.0.batch_execute(&set).await.map_err(broken)
    }
}

fn each(tables: &[String], one: impl Fn(&str) -> String) -> String {
    tables.iter().map(|table| one(table)).collect::<Vec<_>>().join(" ")
}

async fn postgres_tables(client: &Client) -> Result<Vec<String>, Fault> {
    let rows = client.query(TABLES, &[]).await.map_err(broken)?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

pub(crate) fn sqlite_tables(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut tables = conn.prepare("select name from sqlite_master where type = 'table'")?;
    tables.query_map([], |row| row.get(0))?.collect()
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

pub(crate) fn sqlite_dump(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut lines = Vec::new();
    for table in sqlite_tables(conn)? {
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

async fn postgres_dump(client: &Client) -> Result<Vec<String>, Fault> {
    let tables = postgres_tables(client).await?;
    let all = each(&tables, |t| format!("select '{t} ' || t::text from public.\"{t}\" t;"));
    let mut lines = Vec::new();
    for message in client.simple_query(&all).await.map_err(broken)? {
        if let SimpleQueryMessage::Row(row) = message {
            lines.push(row.get(0).unwrap_or_default().to_owned());
        }
    }
    Ok(lines)
}

/// Takes away what refuses to have rows altered; past every rule means past this one as well.
pub(crate) fn append_only_triggers(conn: &Connection) -> rusqlite::Result<String> {
    let mut found = conn.prepare(
        "select name from main.sqlite_master where type = 'trigger' and name like 'append_only_%'",
    )?;
    let names = found.query_map([], |row| row.get::<_, String>(0))?;
    names.map(|name| name.map(|name| format!("drop trigger main.{name};"))).collect()
}
