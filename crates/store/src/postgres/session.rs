//! One connection with its prepared statements, driven by the thread that owns it.

use std::collections::HashMap;
use std::time::Duration;

use kernel::{Fault, Uuid};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Statement};

use super::worker::Role;
use crate::db::OpenError;
use crate::migrate::Schema;
use crate::value::{Columns, Param, Row, Value};

type Take<'t> = dyn FnMut(&Row<'_>) -> Result<(), Fault> + 't;

/// Different texts a connection keeps prepared; lists with rare filters make room again.
const PREPARED_MAX: usize = 512;

/// Any number will do, as long as every Holdfast uses the same: only one migrates at a time.
const MIGRATION_LOCK: i64 = 0x486F_6C64;

pub(crate) struct Session {
    runtime: Runtime,
    client: Client,
    prepared: HashMap<String, Statement>,
    /// Sent together with the first statement of a transaction.
    begin: Option<&'static str>,
}

impl Session {
    pub(super) fn connect(config: &Config, role: Role) -> Result<Self, Fault> {
        let runtime = runtime()?;
        let client = runtime.block_on(async {
            let client = connect(config).await?;
            client.batch_execute(role.settings()).await.map_err(|e| fault(&e))?;
            Ok::<_, Fault>(client)
        })?;
        Ok(Self { runtime, client, prepared: HashMap::new(), begin: None })
    }

    /// The transaction begins with its first statement.
    pub(super) fn begin(&mut self, text: &'static str) {
        self.begin = Some(text);
    }

    /// Ends the transaction, if a statement has begun it.
    pub(super) fn end(&mut self, text: &'static str) -> Result<(), Fault> {
        if self.begin.take().is_some() {
            return Ok(());
        }
        self.runtime.block_on(self.client.batch_execute(text)).map_err(|e| fault(&e))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Lets the thread wait without leaving the connection alone.
    pub(super) fn pause(&self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }

    pub(crate) fn query(
        &mut self,
        text: &'static str,
        params: &[&dyn Param],
        take: &mut Take<'_>,
    ) -> Result<(), Fault> {
        let values: Vec<Value<'_>> = params.iter().map(|param| param.value()).collect();
        self.query_values(text, &values, take)
    }

    pub(crate) fn query_values(
        &mut self,
        text: &str,
        values: &[Value<'_>],
        take: &mut Take<'_>,
    ) -> Result<(), Fault> {
        let params: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| v as _).collect();
        self.ask(text, &params, take)
    }

    pub(crate) fn query_by_key(
        &mut self,
        text: &'static str,
        keys: &[Uuid],
        take: &mut Take<'_>,
    ) -> Result<(), Fault> {
        self.ask(text, &[&keys], take)
    }

    pub(crate) fn execute(
        &mut self,
        text: &'static str,
        params: &[&dyn Param],
    ) -> Result<u64, Fault> {
        let values: Vec<Value<'_>> = params.iter().map(|param| param.value()).collect();
        let params: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| v as _).collect();
        self.tell(text, &params)
    }

    /// Runs a set verb: each column goes over as one array.
    pub(crate) fn execute_columns(
        &mut self,
        text: &'static str,
        columns: &[Vec<Value<'_>>],
    ) -> Result<u64, Fault> {
        let params: Vec<&(dyn ToSql + Sync)> = columns.iter().map(|c| c as _).collect();
        self.tell(text, &params)
    }

    fn ask(
        &mut self,
        text: &str,
        params: &[&(dyn ToSql + Sync)],
        take: &mut Take<'_>,
    ) -> Result<(), Fault> {
        let statement = self.prepare(text)?;
        let begin = self.begin.take();
        let rows = self.runtime.block_on(async {
            let rows = self.client.query(&statement, params);
            match begin {
                Some(begin) => {
                    tokio::try_join!(self.client.batch_execute(begin), rows).map(|x| x.1)
                }
                None => rows.await,
            }
        });
        for row in rows.map_err(|e| fault(&e))? {
            take(&Row(Columns::Postgres(&row)))?;
        }
        Ok(())
    }

    fn tell(&mut self, text: &str, params: &[&(dyn ToSql + Sync)]) -> Result<u64, Fault> {
        let statement = self.prepare(text)?;
        let begin = self.begin.take();
        let touched = self.runtime.block_on(async {
            let touched = self.client.execute(&statement, params);
            match begin {
                Some(begin) => {
                    tokio::try_join!(self.client.batch_execute(begin), touched).map(|x| x.1)
                }
                None => touched.await,
            }
        });
        touched.map_err(|e| fault(&e))
    }

    pub(crate) fn prepare(&mut self, text: &str) -> Result<Statement, Fault> {
        if let Some(statement) = self.prepared.get(text) {
            return Ok(statement.clone());
        }
        let statement = self.runtime.block_on(self.client.prepare(text)).map_err(|e| fault(&e))?;
        if self.prepared.len() >= PREPARED_MAX {
            self.prepared.clear();
        }
        self.prepared.insert(text.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// Brings every feature's tables up to date, under a lock that other nodes wait for. On a thread
/// of its own: the caller may be on a runtime's.
pub(crate) fn migrate(config: &Config, schemas: &[&'static Schema]) -> Result<(), OpenError> {
    let engine = |fault: Fault| OpenError::Engine(fault.to_string());
    let work = async {
        let mut client = connect(config).await.map_err(engine)?;
        let lock = format!("select pg_advisory_lock({MIGRATION_LOCK})");
        client.batch_execute(&lock).await.map_err(|e| engine(fault(&e)))?;
        for schema in schemas {
            schema.migrate_postgres(&mut client).await?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let done = scope.spawn(|| runtime().map_err(engine)?.block_on(work)).join();
        done.unwrap_or_else(|_| Err(OpenError::Engine("the migration's thread ended".into())))
    })
}

async fn connect(config: &Config) -> Result<Client, Fault> {
    let mut config = config.clone();
    config.application_name("holdfast");
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(3));
    }
    config.tcp_user_timeout(Duration::from_secs(10));
    let (client, connection) = config.connect(NoTls).await.map_err(|e| fault(&e))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(%error, "a database connection ended");
        }
    });
    Ok(client)
}

fn runtime() -> Result<Runtime, Fault> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Fault::Unavailable(format!("cannot start a runtime: {e}")))
}

/// What an error of the server, or of the way to it, means for the caller.
pub(super) fn fault(error: &tokio_postgres::Error) -> Fault {
    let Some(cause) = error.as_db_error() else {
        // Broken pipe, time-out, closed, refused: whatever was asked, its outcome is unknown.
        return if error.is_closed() || error_is_io(error) {
            Fault::Unavailable(words(error))
        } else {
            Fault::Broken(words(error))
        };
    };
    let code = cause.code();
    if [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code) {
        return Fault::Contention;
    }
    match code.code().get(..2) {
        Some("23") => {
            Fault::Constraint(cause.constraint().unwrap_or_else(|| cause.message()).to_owned())
        }
        _ if *code == SqlState::DISK_FULL => Fault::StorageFull,
        Some("08" | "53" | "57" | "58" | "25" | "28" | "3D") => {
            Fault::Unavailable(cause.message().to_owned())
        }
        _ => Fault::Broken(format!("{} ({})", cause.message(), code.code())),
    }
}

fn error_is_io(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

fn words(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
