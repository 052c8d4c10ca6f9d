//! The shop under load: one of our own on a throw-away database, or one that already runs.

mod armed;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use hyper::StatusCode;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use proxy::{Line, Proxy};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::api::{self, Token};
use crate::cli::{Common, Engine};
use crate::client::Connection;
use crate::clock::now;
use crate::postgres::Database;
use crate::target;
use crate::usage;
use crate::verify::{Verified, verify};

pub use armed::Fresh;

/// Where a shop with crash points looks for those that are armed.
const FAILPOINTS: &str = "FAILPOINTS";
const OWNER: &str = "owner@load.example";
const START_MAX: Duration = Duration::from_mins(1);
const KILL_MAX: Duration = Duration::from_secs(5);
const STOP_MAX: Duration = Duration::from_secs(30);

/// A shop that answers.
#[derive(Debug)]
pub struct Shop {
    pub address: SocketAddr,
    pub admin: Token,
    /// How it is called in reports.
    pub engine: &'static str,
    /// What `verify` reads; none for a target whose database was not named.
    database: Option<String>,
    binary: Option<PathBuf>,
    own: Option<Own>,
}

/// What was started and goes away again. Fields are dropped in this order.
#[derive(Debug)]
struct Own {
    process: Option<Serving>,
    settings: Vec<String>,
    /// Crash points and words that every start from here on is told.
    failpoints: Option<String>,
    log: PathBuf,
    start: Duration,
    disk: String,
    /// What is between the shop and its database, when that is to be slow.
    line: Option<Proxy>,
    database: Option<Database>,
    home: TempDir,
}

impl Shop {
    /// As the command line says.
    pub async fn open(common: &Common, tag: &str) -> anyhow::Result<Self> {
        match (&common.target, &common.admin) {
            (Some(url), Some(admin)) => Self::visit(common, url, admin).await,
            _ => Self::start(common, tag, None).await,
        }
    }

    /// One of our own whose SQLite file lies in this directory; everything else beside it.
    pub async fn open_in(common: &Common, tag: &str, directory: &Path) -> anyhow::Result<Self> {
        Self::start(common, tag, Some(directory)).await
    }

    async fn visit(common: &Common, url: &str, admin: &str) -> anyhow::Result<Self> {
        let address = target::loopback(url)?;
        let Some((email, password)) = admin.split_once(':') else {
            bail!("--admin is given as email:password");
        };
        let admin = api::log_in(&mut Connection::to(address), email, password).await?;
        Self::visited(common, address, admin).await
    }

    /// A shop that was found and signed in to.
    pub async fn visited(
        common: &Common,
        address: SocketAddr,
        admin: Token,
    ) -> anyhow::Result<Self> {
        let binary = match &common.database {
            Some(_) => Some(find_binary(common.binary.as_deref()).await?),
            None => None,
        };
        let engine = match common.database.as_deref() {
            Some(database) if database.starts_with("postgres") => Engine::Postgres.name(),
            Some(_) => Engine::Sqlite.name(),
            None => "unknown",
        };
        Ok(Self { address, admin, engine, database: common.database.clone(), binary, own: None })
    }

    async fn start(common: &Common, tag: &str, database_in: Option<&Path>) -> anyhow::Result<Self> {
        let binary = find_binary(common.binary.as_deref()).await?;
        let parent = common.dir.clone().unwrap_or_else(std::env::temp_dir);
        let home = tempfile::Builder::new()
            .prefix("load-shop-")
            .tempdir_in(&parent)
            .with_context(|| format!("no throw-away directory in {}", parent.display()))?;
        let disk = usage::file_system(home.path()).unwrap_or_else(|| "unknown".to_owned());
        let (url, database) = match common.engine {
            Engine::Sqlite => {
                let file = database_in.unwrap_or(home.path()).join("shop.db");
                (format!("sqlite:{}", file.display()), None)
            }
            Engine::Postgres => {
                let name = format!("holdfast_load_{tag}");
                let named = common.postgres.as_deref().filter(|url| !url.is_empty());
                let database = Database::create(named, common.dir.as_deref(), &name).await?;
                (database.url.clone(), Some(database))
            }
        };
        let password = create_owner(&binary, &url).await?;
        let (line, served) = match common.db_delay {
            Some(delay) => {
                ensure!(database.is_some(), "--db-delay needs --engine postgres");
                let (line, served) = Proxy::before(&url).context("a line to PostgreSQL")?;
                line.carry(Line { latency: delay, ..Line::default() });
                (Some(line), served)
            }
            None => (None, url.clone()),
        };
        let mut settings = vec![
            format!("database.url={served}"),
            "server.listen=127.0.0.1:0".to_owned(),
            "sandbox.listen=127.0.0.1:0".to_owned(),
            format!("media.directory={}", home.path().join("media").display()),
            // A payment provider does not forget its payments when the shop is killed.
            format!("sandbox.data={}", home.path().join("sandbox.db").display()),
            // Passwords are not what is measured, and thousands of accounts are made.
            "identity.password_memory_kib=8".to_owned(),
            // A run may take longer than a token of a shop in life.
            "identity.access_token_minutes=1440".to_owned(),
            "identity.password_passes=1".to_owned(),
            // Nobody reads the codes of thousands.
            "accounts.confirm=false".to_owned(),
        ];
        settings.extend(common.settings.iter().cloned());
        let log = home.path().join("serve.log");
        let (process, address, start) = Serving::start(&binary, &settings, &log, None).await?;
        let own = Own {
            process: Some(process),
            settings,
            failpoints: None,
            log,
            start,
            disk,
            line,
            database,
            home,
        };
        let admin = api::log_in(&mut Connection::to(address), OWNER, &password).await?;
        Ok(Self {
            address,
            admin,
            engine: common.engine.name(),
            database: Some(url),
            binary: Some(binary),
            own: Some(own),
        })
    }

    /// A shop that a test plays.
    #[cfg(test)]
    pub fn played(address: SocketAddr, admin: Token) -> Self {
        Self { address, admin, engine: "played", database: None, binary: None, own: None }
    }

    /// The pid of the process we started.
    pub fn pid(&self) -> Option<u32> {
        self.own.as_ref()?.process.as_ref()?.child.id()
    }

    /// From starting the binary to its first answer.
    pub fn start_time(&self) -> Option<Duration> {
        self.own.as_ref().map(|own| own.start)
    }

    /// The file system of the throw-away database.
    pub fn disk(&self) -> Option<&str> {
        self.own.as_ref().map(|own| own.disk.as_str())
    }

    /// Most resident memory of our process so far.
    pub fn resident_peak_bytes(&self) -> Option<u64> {
        self.pid().and_then(usage::resident_peak_bytes)
    }

    /// How late every word between our shop and its database is from now on, where --db-delay
    /// has put a line there.
    pub fn carry_late(&self, latency: Duration) {
        if let Some(line) = self.own.as_ref().and_then(|own| own.line.as_ref()) {
            line.carry(Line { latency, ..Line::default() });
        }
    }

    /// Whether there is a database to read.
    pub fn has_books(&self) -> bool {
        self.database.is_some()
    }

    /// Whether the books add up; none when there is no database to read.
    pub async fn verify(&self) -> anyhow::Result<Option<Verified>> {
        match (&self.binary, &self.database) {
            (Some(binary), Some(database)) => verify(binary, database).await.map(Some),
            _ => Ok(None),
        }
    }

    /// Stops our own shop as an operator would; a target is left alone.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(own) = &mut self.own else { return Ok(()) };
        let Some(process) = own.process.take() else { return Ok(()) };
        process.stop().await.with_context(|| tail(&own.log))
    }

    /// `kill -9`. Only ever the process we started.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        let process = self.own.as_mut().and_then(|own| own.process.take());
        process.context("there is no shop of our own to kill")?.kill().await
    }

    /// Starts again on the same database after [`Shop::kill`] or [`Shop::stop`].
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        let (Some(own), Some(binary)) = (&mut self.own, &self.binary) else {
            bail!("only a shop of our own is started again");
        };
        let failpoints = own.failpoints.as_deref();
        let (process, address, start) =
            Serving::start(binary, &own.settings, &own.log, failpoints).await?;
        own.process = Some(process);
        own.start = start;
        self.address = address;
        Ok(())
    }
}

/// What a shop says on its standard output.
struct Said(Lines<BufReader<ChildStdout>>);

impl Said {
    /// Where it listens, as soon as it does.
    async fn listening(&mut self) -> anyhow::Result<SocketAddr> {
        let said = async {
            while let Some(line) = self.0.next_line().await? {
                if let Some(url) = line.trim().strip_prefix("listening on ") {
                    return target::loopback(url);
                }
            }
            bail!("the shop ended before it listened")
        };
        let late = || bail!("the shop does not listen after {} s", START_MAX.as_secs());
        tokio::time::timeout(START_MAX, said).await.unwrap_or_else(|_| late())
    }

    /// Whatever else it prints must not fill the pipe.
    fn drain(mut self) {
        tokio::spawn(async move { while let Ok(Some(_)) = self.0.next_line().await {} });
    }
}

/// A running `holdfast serve`; killed when dropped.
#[derive(Debug)]
struct Serving {
    child: Child,
}

impl Serving {
    async fn start(
        binary: &Path,
        settings: &[String],
        log: &Path,
        failpoints: Option<&str>,
    ) -> anyhow::Result<(Self, SocketAddr, Duration)> {
        let begun = now();
        let (serving, mut lines) = Self::spawn(binary, settings, log, failpoints)?;
        let address = lines.listening().await.with_context(|| tail(log))?;
        lines.drain();
        let answer = Connection::to(address).send(api::get("/readyz", None)).await?;
        ensure!(
            answer.status == StatusCode::OK,
            "{}",
            api::in_full("the shop listens but is not ready", &answer)
        );
        Ok((serving, address, begun.elapsed()))
    }

    /// Starts the process, with crash points armed when they are named.
    fn spawn(
        binary: &Path,
        settings: &[String],
        log: &Path,
        failpoints: Option<&str>,
    ) -> anyhow::Result<(Self, Said)> {
        let errors = fs::OpenOptions::new().create(true).append(true).open(log)?;
        let mut command = Command::new(binary);
        // The tools sign in with a password alone.
        command.args(["serve", "--set", "accounts.second_factor=off"]);
        for setting in settings {
            command.args(["--set", setting]);
        }
        match failpoints {
            Some(failpoints) => command.env(FAILPOINTS, failpoints),
            None => command.env_remove(FAILPOINTS),
        };
        let mut child = command
            // Its own group: Ctrl-C comes to us, and we stop it.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("`{}` could not be started", binary.display()))?;
        let stdout = child.stdout.take().context("the shop has no standard output")?;
        Ok((Self { child }, Said(BufReader::new(stdout).lines())))
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().context("the shop has already ended by itself")?;
        kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGTERM)?;
        let ended = tokio::time::timeout(STOP_MAX, self.child.wait()).await;
        let status = ended.with_context(|| {
            format!("the shop was asked to stop and has not after {} s", STOP_MAX.as_secs())
        })??;
        ensure!(status.success(), "the shop was asked to stop and ended with {status}");
        Ok(())
    }

    async fn kill(mut self) -> anyhow::Result<()> {
        let already = self.child.try_wait()?;
        ensure!(already.is_none(), "the shop had already ended by itself: {already:?}");
        self.child.kill().await.context("the shop could not be killed")
    }
}

impl Drop for Serving {
    /// Whatever ends the run: the process is gone before its files are.
    fn drop(&mut self) {
        if self.child.start_kill().is_err() {
            return;
        }
        let begun = now();
        while begun.elapsed() < KILL_MAX && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(10)..].join("\n");
    if last.is_empty() { "it said nothing".to_owned() } else { format!("its last words: {last}") }
}

async fn create_owner(binary: &Path, database: &str) -> anyhow::Result<String> {
    let output = Command::new(binary)
        .args(["account", "create", "--login", OWNER, "--role", "owner", "--set"])
        .arg(format!("database.url={database}"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("`{}` could not be run", binary.display()))?;
    ensure!(
        output.status.success(),
        "`holdfast account create` failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let password = text.lines().find_map(|line| line.trim().strip_prefix("password: "));
    let password = password.context("`holdfast account create` printed no password")?;
    Ok(password.to_owned())
}

/// The shop's binary: the one that was named, the one next to this program, or a fresh build.
pub async fn find_binary(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(named) = named {
        ensure!(named.is_file(), "there is no `{}`", named.display());
        return Ok(named.to_owned());
    }
    let own = std::env::current_exe().context("where this program is")?;
    let beside = own.with_file_name("holdfast");
    if beside.is_file() {
        return Ok(beside);
    }
    eprintln!("load: there is no {} yet; building it (`cargo build -p server`)", beside.display());
    let mut command = Command::new("cargo");
    command.args(["build", "--package", "server"]);
    if own.parent().is_some_and(|directory| directory.ends_with("release")) {
        command.arg("--release");
    }
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().await?;
    ensure!(status.success(), "the shop does not build");
    ensure!(beside.is_file(), "the build did not make {}", beside.display());
    Ok(beside)
}
