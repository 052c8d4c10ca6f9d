//! A PostgreSQL of our own: a fresh folder, a free port on loopback, gone at the end.
//! Its durability stays as PostgreSQL ships it: what the tests say about a commit has to be true.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::debian::{self, Account};
use crate::interrupt::{self, Interrupts};
use crate::supervise;

const START_LIMIT: Duration = Duration::from_mins(1);
const STOP_LIMIT: Duration = Duration::from_secs(15);
/// Tests run side by side, each with a small pool of its own.
const MAX_CONNECTIONS: u32 = 200;
/// Between finding a free port and taking it somebody else may take it.
const PORT_ATTEMPTS: u32 = 5;
/// Lines of a log that are shown when something fails.
const LOG_LINES: usize = 20;

/// A running server; dropping it stops it and removes its folder.
pub struct PrivatePostgres<'a> {
    interrupts: &'a Interrupts,
    cluster: Cluster,
    port: u16,
    server: Child,
}

impl<'a> PrivatePostgres<'a> {
    /// Makes an empty cluster and starts it; returns once it accepts connections.
    pub fn start(interrupts: &'a Interrupts) -> anyhow::Result<Self> {
        for _ in 0..PORT_ATTEMPTS {
            if let Some(started) = Self::try_start(interrupts)? {
                return Ok(started);
            }
        }
        bail!("{PORT_ATTEMPTS} free ports in a row were taken before PostgreSQL could have them")
    }

    /// `None` when somebody else took the port first.
    fn try_start(interrupts: &'a Interrupts) -> anyhow::Result<Option<Self>> {
        let cluster = Cluster::create(interrupts)?;
        let port = free_port()?;
        let server = cluster.spawn_server(port)?;
        let mut started = Self { interrupts, cluster, port, server };
        let ready = started.wait_until_ready()?;
        Ok(ready.then_some(started))
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<bool> {
        let started = interrupt::now();
        self.interrupts.wait_for(|| {
            let ended = self.server.try_wait()?;
            if ended.is_none() && self.cluster.reports_ready(self.server.id()) {
                return Ok(Some(true));
            }
            let log = self.cluster.log();
            if let Some(status) = ended {
                if log.contains("Address already in use") {
                    return Ok(Some(false));
                }
                bail!("PostgreSQL ended while starting ({status}); it said:\n{}", tail(&log));
            }
            if started.elapsed() > START_LIMIT {
                let seconds = START_LIMIT.as_secs();
                bail!("PostgreSQL is not ready after {seconds} s; it said:\n{}", tail(&log));
            }
            Ok(None)
        })
    }

    /// How a client reaches it: a superuser without a password.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Where it lives while it runs; no other run on this machine has the same.
    pub fn folder(&self) -> &Path {
        self.cluster.folder.path()
    }
}

impl Drop for PrivatePostgres<'_> {
    fn drop(&mut self) {
        if supervise::has_ended(&mut self.server) {
            let log = self.cluster.log();
            eprintln!("xtask: PostgreSQL ended before it was stopped; it said:\n{}", tail(&log));
            return;
        }
        self.cluster.ask_to_stop();
        let server = &mut self.server;
        if !self.interrupts.settle(STOP_LIMIT, || supervise::has_ended(server)) {
            eprintln!("xtask: PostgreSQL does not stop; killing process {}", server.id());
            supervise::kill(server);
        }
    }
}

/// A folder with a database cluster in it, and the programs and the user that serve it.
struct Cluster {
    programs: PathBuf,
    account: Option<Account>,
    folder: TempDir,
}

impl Cluster {
    fn create(interrupts: &Interrupts) -> anyhow::Result<Self> {
        let programs = debian::postgres_programs()?;
        let account = debian::server_account()?;
        let folder = tempfile::Builder::new()
            .prefix("holdfast-postgres-")
            .tempdir()
            .context("cannot make a temporary folder for PostgreSQL")?;
        if let Some(Account { user, group }) = account {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group))
                .with_context(|| format!("cannot hand {} over", folder.path().display()))?;
        }
        let cluster = Self { programs, account, folder };
        cluster.initialise(interrupts)?;
        Ok(cluster)
    }

    fn initialise(&self, interrupts: &Interrupts) -> anyhow::Result<()> {
        let mut command = self.command(&self.programs.join("initdb"));
        command
            .arg("--pgdata")
            .arg(self.data())
            .args(["--username=postgres", "--auth-host=trust", "--auth-local=reject"])
            .args(["--encoding=UTF8", "--locale=C", "--no-instructions"]);
        self.write_log(&mut command)?;
        let folder = self.folder.path().display();
        let status = supervise::run(&mut command, interrupts)
            .with_context(|| format!("the user that runs PostgreSQL has to reach {folder}"))?;
        if !status.success() {
            bail!("initdb failed in {folder} ({status}); it said:\n{}", tail(&self.log()));
        }
        Ok(())
    }

    /// The child is the server itself, and it goes down with this process even when this process
    /// is killed and can no longer stop it.
    fn spawn_server(&self, port: u16) -> anyhow::Result<Child> {
        let mut command = self.command(Path::new("setpriv"));
        command
            .args(["--pdeathsig", "QUIT", "--"])
            .arg(self.programs.join("postgres"))
            .arg("-D")
            .arg(self.data())
            .args(["-p", &port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories="])
            .args(["-c", &format!("max_connections={MAX_CONNECTIONS}")]);
        self.write_log(&mut command)?;
        supervise::spawn(&mut command)
    }

    fn ask_to_stop(&self) {
        let mut command = self.command(&self.programs.join("pg_ctl"));
        command
            .args(["stop", "--silent", "--mode=immediate"])
            .args(["--timeout", &STOP_LIMIT.as_secs().to_string(), "--pgdata"])
            .arg(self.data());
        // Whether it worked shows in the server's process, which the caller looks at.
        drop(command.stdout(Stdio::null()).stderr(Stdio::null()).status());
    }

    /// A program that runs as the server's user, in its folder, out of reach of the terminal's
    /// Ctrl-C (the tests go first) and of the caller's PostgreSQL settings.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).process_group(0).stdin(Stdio::null());
        if let Some(Account { user, group }) = self.account {
            command.uid(user).gid(group);
        }
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C");
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn write_log(&self, command: &mut Command) -> anyhow::Result<()> {
        let path = self.folder.path().join("log");
        let log = File::options().create(true).append(true).open(&path);
        let log = log.with_context(|| format!("cannot write {}", path.display()))?;
        command.stdout(log.try_clone()?).stderr(log);
        Ok(())
    }

    fn log(&self) -> String {
        std::fs::read(self.folder.path().join("log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    fn reports_ready(&self, server: u32) -> bool {
        std::fs::read_to_string(self.data().join("postmaster.pid"))
            .is_ok_and(|report| says_ready(&report, server))
    }
}

/// The server writes its state into the last line of its lock file; `pg_ctl` waits for the same.
fn says_ready(report: &str, server: u32) -> bool {
    let mut lines = report.lines();
    lines.next() == Some(server.to_string().as_str())
        && lines.nth(6).is_some_and(|state| state.trim_end() == "ready")
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .context("there is no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "4711\n/somewhere/data\n1700000000\n54321\n\n127.0.0.1\n  1 2\nready   \n";

    #[test]
    fn ready_is_what_this_server_says_of_itself() {
        assert!(says_ready(REPORT, 4711));
        assert!(!says_ready(REPORT, 4712));
        assert!(!says_ready(&REPORT.replace("ready", "starting"), 4711));
        assert!(!says_ready("4711\n/somewhere/data\n", 4711));
        assert!(!says_ready("", 4711));
    }

    #[test]
    fn a_free_port_can_be_taken() {
        let port = free_port().unwrap();
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
    }

    #[test]
    fn the_end_of_a_log_is_shown() {
        assert_eq!(tail("one\ntwo\n"), "one\ntwo");
        let long = "line\n".repeat(100) + "last\n";
        assert_eq!(tail(&long).lines().count(), LOG_LINES);
        assert!(tail(&long).ends_with("last"));
    }
}
