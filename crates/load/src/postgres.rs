//! A throw-away database on PostgreSQL: in a server that was named, or in a private one.
//!
//! Debian's programs do the work (`initdb`, `postgres`, `psql`), so that this tool needs no
//! database driver. PostgreSQL refuses to run as root; root lends it the `postgres` user.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use tempfile::TempDir;
use tokio::process::Child;
use url::Url;

use crate::clock::now;

/// Where Debian keeps one directory for each major version.
const DEBIAN_DIR: &str = "/usr/lib/postgresql";
const ACCOUNT: &str = "postgres";
const START_MAX: Duration = Duration::from_secs(30);

/// A database that is gone when this is dropped.
#[derive(Debug)]
pub struct Database {
    /// What the shop is given as `database.url`.
    pub url: String,
    // Dropped before the server it is in.
    _in_named_server: Option<Dropped>,
    _private_server: Option<Server>,
}

impl Database {
    /// A fresh database in the server at `named`, or in a private server below `parent`.
    pub async fn create(
        named: Option<&str>,
        parent: Option<&Path>,
        name: &str,
    ) -> anyhow::Result<Self> {
        if let Some(server) = named {
            let programs = programs().ok();
            let psql = programs.map_or_else(|| PathBuf::from("psql"), |dir| dir.join("psql"));
            let (maintenance, url) = urls(server, name)?;
            query(&psql, &maintenance, &format!("create database {name}"))?;
            let dropped = Dropped { psql, maintenance, name: name.to_owned() };
            return Ok(Self { url, _in_named_server: Some(dropped), _private_server: None });
        }
        let server = Server::start(parent).await?;
        let (maintenance, url) = urls(&server.url, name)?;
        query(&server.programs.join("psql"), &maintenance, &format!("create database {name}"))?;
        Ok(Self { url, _in_named_server: None, _private_server: Some(server) })
    }
}

impl Database {
    /// Another fresh database in the same server.
    pub fn sibling(&self, name: &str) -> anyhow::Result<Sibling> {
        let (maintenance, url) = urls(&self.url, name)?;
        let maintenance = urls(&maintenance, "postgres")?.1;
        let programs = programs().ok();
        let psql = programs.map_or_else(|| PathBuf::from("psql"), |dir| dir.join("psql"));
        query(&psql, &maintenance, &format!("create database {name}"))?;
        let dropped = Dropped { psql, maintenance, name: name.to_owned() };
        Ok(Sibling { url, _dropped: dropped })
    }
}

/// A second database; gone when this is dropped.
#[derive(Debug)]
pub struct Sibling {
    /// What a shop is given as `database.url`.
    pub url: String,
    _dropped: Dropped,
}

/// The URL to make and drop databases with, and that of the database called `name`.
fn urls(server: &str, name: &str) -> anyhow::Result<(String, String)> {
    let mut url = Url::parse(server).context("the PostgreSQL address is not a URL")?;
    ensure!(
        matches!(url.scheme(), "postgres" | "postgresql"),
        "the PostgreSQL address starts with postgres://"
    );
    if url.path().len() <= 1 {
        url.set_path("/postgres");
    }
    let maintenance = url.to_string();
    url.set_path(&format!("/{name}"));
    Ok((maintenance, url.to_string()))
}

fn query(psql: &Path, url: &str, sql: &str) -> anyhow::Result<()> {
    let output = Command::new(psql)
        .args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--command", sql])
        .args(["--dbname", url])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("`{}` could not be run", psql.display()))?;
    ensure!(
        output.status.success(),
        "PostgreSQL refused `{sql}`: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

fn is_ready(pg_isready: &Path, url: &str) -> bool {
    let asked =
        Command::new(pg_isready).args(["--quiet", "--dbname", url]).stdin(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

#[derive(Debug)]
struct Dropped {
    psql: PathBuf,
    maintenance: String,
    name: String,
}

impl Drop for Dropped {
    fn drop(&mut self) {
        let sql = format!("drop database if exists {} with (force)", self.name);
        if let Err(error) = query(&self.psql, &self.maintenance, &sql) {
            eprintln!("load: the database {} is left behind: {error:#}", self.name);
        }
    }
}

/// A private server on a free port of loopback, with the durability PostgreSQL has by default.
#[derive(Debug)]
struct Server {
    url: String,
    programs: PathBuf,
    process: Child,
    home: TempDir,
}

impl Server {
    async fn start(parent: Option<&Path>) -> anyhow::Result<Self> {
        let programs = programs()?;
        let home = tempfile::Builder::new()
            .prefix("load-postgres-")
            .tempdir_in(parent.map_or_else(std::env::temp_dir, Path::to_path_buf))?;
        if geteuid().is_root() {
            let user = User::from_name(ACCOUNT)?.with_context(|| {
                format!("PostgreSQL does not run as root, and there is no user `{ACCOUNT}`")
            })?;
            chown(home.path(), Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
        }
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700))?;
        let data = home.path().join("data");
        let initialised = unprivileged(&programs.join("initdb"))
            .arg("--pgdata")
            .arg(&data)
            .args(["--auth", "trust", "--username", ACCOUNT, "--encoding", "UTF8"])
            .args(["--no-locale", "--no-sync", "--no-instructions"])
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .context("`initdb` could not be run")?;
        ensure!(
            initialised.status.success(),
            "initdb failed: {}",
            String::from_utf8_lossy(&initialised.stderr).trim()
        );
        let port = free_port()?;
        let log = fs::File::create(home.path().join("log"))?;
        let mut command = tokio::process::Command::from(unprivileged(&programs.join("postgres")));
        let process = command
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(home.path())
            .args(["-h", "127.0.0.1", "-p", &port.to_string()])
            .current_dir("/")
            // Its own group: Ctrl-C comes to us, and we stop it after the shop.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("`postgres` could not be run")?;
        // Through its socket, as one does with a server on the same machine; a slash in the place
        // of a host is written as %2F.
        let socket = home.path().display().to_string().replace('/', "%2F");
        let url = format!("postgres://{ACCOUNT}@{socket}:{port}/postgres");
        let mut server = Self { url, programs, process, home };
        server.answers().await?;
        Ok(server)
    }

    async fn answers(&mut self) -> anyhow::Result<()> {
        let begun = now();
        let mut retry = tokio::time::interval(Duration::from_millis(50));
        loop {
            retry.tick().await;
            if is_ready(&self.programs.join("pg_isready"), &self.url) {
                return Ok(());
            }
            let ended = self.process.try_wait()?;
            if ended.is_some() || begun.elapsed() > START_MAX {
                let log = fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
                bail!("the private PostgreSQL does not start: {}", log.trim());
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An immediate shutdown: nothing of it is kept. The postmaster takes its children along.
        let Some(pid) = self.process.id().and_then(|pid| i32::try_from(pid).ok()) else { return };
        if kill(Pid::from_raw(pid), Signal::SIGQUIT).is_err() {
            return;
        }
        let begun = now();
        while begun.elapsed() < Duration::from_secs(10) {
            if matches!(self.process.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        eprintln!("load: the private PostgreSQL (pid {pid}) has not stopped");
    }
}

/// The program as the user PostgreSQL accepts. `setpriv` becomes the program, so the pid is its.
fn unprivileged(program: &Path) -> Command {
    if !geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", ACCOUNT, "--regid", ACCOUNT, "--init-groups", "--"])
        .arg(program)
        .env_remove("LD_LIBRARY_PATH");
    command
}

/// The newest installed version.
fn programs() -> anyhow::Result<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(DEBIAN_DIR)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .map(|(version, path)| (version, path.join("bin")))
        .filter(|(_, path)| path.join("postgres").exists())
        .collect();
    versions.sort_unstable();
    let newest = versions.pop().map(|(_, path)| path);
    newest.with_context(|| {
        format!("no PostgreSQL below {DEBIAN_DIR}; `apt-get install postgresql` brings it")
    })
}

/// A port that nobody listens on just now.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_takes_the_place_of_the_path() {
        let (maintenance, url) = urls("postgres://u:p@localhost:5433", "load_1").unwrap();
        assert_eq!(maintenance, "postgres://u:p@localhost:5433/postgres");
        assert_eq!(url, "postgres://u:p@localhost:5433/load_1");
        let (maintenance, url) = urls("postgresql://u@h/main?sslmode=disable", "x").unwrap();
        assert_eq!(maintenance, "postgresql://u@h/main?sslmode=disable");
        assert_eq!(url, "postgresql://u@h/x?sslmode=disable");
        assert!(urls("mysql://h", "x").is_err());
        assert!(urls("nonsense", "x").is_err());
    }
}
