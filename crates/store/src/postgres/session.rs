//! One connection with its prepared statements, driven by the thread that owns it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kernel::{Fault, Uuid};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Statement};

use super::pipeline::{Encoded, Pipeline};
use super::worker::Role;
use crate::db::OpenError;
use crate::migrate::Schema;
use crate::value::{Param, Value};

/// Different texts a connection keeps prepared; lists with rare filters make room again.
const PREPARED_MAX: usize = 512;

/// Time for a connection until it can be used: the way, the greeting and its settings.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// Any number will do, as long as every Holdfast uses the same: only one migrates at a time.
const MIGRATION_LOCK: i64 = 0x486F_6C64;

/// The other side of a connection.
#[derive(Clone)]
pub(super) struct Server {
    pub config: Config,
    /// How long it may keep silent.
    pub patience: Duration,
}

pub(crate) struct Session {
    runtime: Runtime,
    client: Arc<Client>,
    prepared: HashMap<String, Statement>,
    pipeline: Pipeline,
    /// Sent together with the first statement of a transaction.
    begin: Option<&'static str>,
    /// Whether the last reader's snapshot has yet to be closed.
    snapshot_open: bool,
}

impl Session {
    pub(super) fn connect(server: &Server, role: Role) -> Result<Self, Fault> {
        let runtime = runtime()?;
        let connecting = async {
            let client = connect(&server.config).await?;
            client.batch_execute(&role.settings()).await.map_err(|e| fault(&e))?;
            Ok::<_, Fault>(client)
        };
        let connected =
            runtime.block_on(async { tokio::time::timeout(CONNECT_TIME, connecting).await });
        let no_answer = |_| Fault::Unavailable("the database does not answer".into());
        let client = Arc::new(connected.map_err(no_answer)??);
        let pipeline = Pipeline::new(client.clone(), server.patience);
        Ok(Self {
            runtime,
            client,
            prepared: HashMap::new(),
            pipeline,
            begin: None,
            snapshot_open: false,
        })
    }

    /// The transaction begins with its first statement.
    pub(super) fn begin(&mut self, text: &'static str) {
        self.pipeline.clear();
        self.begin = Some(text);
    }

    /// Keeps the transaction, if a statement has begun it and every statement worked; else undoes
    /// it and gives the fault.
    pub(super) fn commit(&mut self) -> Result<(), Fault> {
        if self.begin.take().is_some() {
            return Ok(());
        }
        match self.pipeline.settle(&self.runtime) {
            Ok(_) => self.plain("commit"),
            Err(fault) => {
                // A connection that is gone has undone it already.
                let _ = self.rollback();
                Err(fault)
            }
        }
    }

    /// Undoes the transaction, if a statement has begun it.
    pub(super) fn rollback(&mut self) -> Result<(), Fault> {
        self.pipeline.clear();
        if self.begin.take().is_some() {
            return Ok(());
        }
        self.plain("rollback")
    }

    /// A snapshot, as the settings of a reader's connection have it, begins with its first statement, which also closes the one before.
    pub(super) fn begin_snapshot(&mut self) {
        self.pipeline.clear();
        self.begin = Some(if self.snapshot_open { "commit and chain" } else { "begin" });
    }

    /// Nothing more is asked of the snapshot. It is closed by the next one, or by
    /// [`Session::close_snapshot`] when there is none.
    pub(super) fn leave_snapshot(&mut self) {
        if self.begin.take().is_none() {
            self.snapshot_open = true;
        }
    }

    /// Closes the last reader's snapshot.
    pub(super) fn close_snapshot(&mut self) -> Result<(), Fault> {
        if std::mem::take(&mut self.snapshot_open) { self.plain("commit") } else { Ok(()) }
    }

    fn plain(&mut self, text: &'static str) -> Result<(), Fault> {
        self.pipeline.wait(&self.runtime, self.client.batch_execute(text))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.pipeline.is_over()
    }

    /// Whether the server has hung up while nobody asked anything. The connection is only looked
    /// at while something waits for it.
    pub(super) fn was_cut(&self) -> bool {
        self.runtime.block_on(async {
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
        });
        self.is_closed()
    }

    /// Lets the thread wait without leaving the connection alone.
    pub(super) fn pause(&self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }

    /// Sends a question; [`Session::fetch`] gives its rows by the number this gives.
    pub(crate) fn ask(
        &mut self,
        text: &'static str,
        params: &[&dyn Param],
    ) -> Result<usize, Fault> {
        let values: Vec<Value<'_>> = params.iter().map(|param| param.value()).collect();
        self.ask_values(text, &values)
    }

    /// As [`Session::ask`], for a text that was built.
    pub(crate) fn ask_values(&mut self, text: &str, values: &[Value<'_>]) -> Result<usize, Fault> {
        let params: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| v as _).collect();
        self.send_question(text, &params)
    }

    /// As [`Session::ask`], for rows of many keys.
    pub(crate) fn ask_by_key(&mut self, text: &'static str, keys: &[Uuid]) -> Result<usize, Fault> {
        self.send_question(text, &[&keys])
    }

    /// The rows of a question.
    pub(crate) fn fetch(&mut self, number: usize) -> Result<Vec<tokio_postgres::Row>, Fault> {
        self.pipeline.fetch(&self.runtime, number)
    }

    /// Waits until all that was sent has been done.
    pub(crate) fn settle(&mut self) -> Result<(), Fault> {
        self.pipeline.settle(&self.runtime).map(|_| ())
    }

    /// Runs a statement without rows; gives the number of rows it touched.
    pub(crate) fn execute(
        &mut self,
        text: &'static str,
        params: &[&dyn Param],
    ) -> Result<u64, Fault> {
        let values: Vec<Value<'_>> = params.iter().map(|param| param.value()).collect();
        let params: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| v as _).collect();
        self.send_order(text, &params, None)?;
        self.pipeline.settle(&self.runtime)
    }

    /// Sends a set verb, which has to touch `touches` rows: each column goes over as one array.
    pub(crate) fn send_columns(
        &mut self,
        text: &'static str,
        columns: &[Vec<Value<'_>>],
        touches: u64,
    ) -> Result<(), Fault> {
        let params: Vec<&(dyn ToSql + Sync)> = columns.iter().map(|c| c as _).collect();
        self.send_order(text, &params, Some(touches))
    }

    fn send_question(
        &mut self,
        text: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<usize, Fault> {
        let statement = self.prepare(text)?;
        let params = Encoded::all(&statement, params)?;
        self.send_begin();
        Ok(self.pipeline.send_question(&self.runtime, statement, params))
    }

    fn send_order(
        &mut self,
        text: &str,
        params: &[&(dyn ToSql + Sync)],
        touches: Option<u64>,
    ) -> Result<(), Fault> {
        let statement = self.prepare(text)?;
        let params = Encoded::all(&statement, params)?;
        self.send_begin();
        self.pipeline.send_order(&self.runtime, statement, params, touches);
        Ok(())
    }

    fn send_begin(&mut self) {
        if let Some(begin) = self.begin.take() {
            self.pipeline.send_plain(&self.runtime, begin);
        }
    }

    pub(crate) fn prepare(&mut self, text: &str) -> Result<Statement, Fault> {
        if let Some(statement) = self.prepared.get(text) {
            return Ok(statement.clone());
        }
        // In a transaction that a statement on its way has broken, nothing can be prepared: that
        // statement's fault is the one to tell.
        self.pipeline.settle(&self.runtime)?;
        let statement = self.pipeline.wait(&self.runtime, self.client.prepare(text))?;
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
