//! What the tests need from Debian's packages: found where it is, installed where it is missing.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::interrupt::Interrupts;
use crate::supervise;

/// Debian keeps each major version of PostgreSQL in a folder of its own here.
const POSTGRES_FOLDER: &str = "/usr/lib/postgresql";
const POSTGRES_MINIMUM: u32 = 15;
const POSTGRES_PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];
const CHROMIUM_NAMES: [&str; 2] = ["chromium", "chromium-browser"];

/// A package that is to be there before the tests start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// The server programs of PostgreSQL.
    Postgres,
    /// The browser that the browser tests drive.
    Chromium,
    /// Python with its virtual environments.
    PythonVenv,
    /// Node.js with its package manager.
    Npm,
}

impl Need {
    fn package(self) -> &'static str {
        match self {
            Need::Postgres => "postgresql",
            Need::Chromium => "chromium",
            Need::PythonVenv => "python3-venv",
            Need::Npm => "npm",
        }
    }

    fn is_there(self) -> bool {
        match self {
            Need::Postgres => postgres_programs().is_ok(),
            Need::Chromium => chromium().is_ok(),
            Need::PythonVenv => answers("python3", &["-c", "import ensurepip, venv"]),
            Need::Npm => answers("npm", &["--version"]) && answers("node", &["--version"]),
        }
    }
}

/// Whether a program is there and ends well.
fn answers(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Installs what is missing when this is root, else says what to install.
pub fn provide(needs: &[Need], interrupts: &Interrupts) -> anyhow::Result<()> {
    let missing: Vec<&str> =
        needs.iter().filter(|need| !need.is_there()).map(|need| need.package()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if !is_root()? {
        bail!("missing on this machine; as root: apt-get install --no-install-recommends {names}");
    }
    println!("xtask: installing {names} from Debian's packages");
    apt_get(&["update"], interrupts)?;
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(&missing);
    apt_get(&install, interrupts)?;
    for need in needs {
        if !need.is_there() {
            bail!("{} was installed, but its programs are not where they belong", need.package());
        }
    }
    Ok(())
}

fn apt_get(arguments: &[&str], interrupts: &Interrupts) -> anyhow::Result<()> {
    let mut command = Command::new("apt-get");
    command
        .args(["--quiet", "--option", "DPkg::Lock::Timeout=120"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    let status = supervise::run(&mut command, interrupts)
        .with_context(|| format!("cannot run apt-get {}", arguments.join(" ")))?;
    if !status.success() {
        bail!("apt-get {} failed ({status}); its own words are above", arguments.join(" "));
    }
    Ok(())
}

/// The folder with the programs of the newest PostgreSQL that is new enough.
pub fn postgres_programs() -> anyhow::Result<PathBuf> {
    newest_postgres(Path::new(POSTGRES_FOLDER)).with_context(|| {
        format!("no PostgreSQL {POSTGRES_MINIMUM} or newer under {POSTGRES_FOLDER}")
    })
}

fn newest_postgres(folder: &Path) -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            let complete = POSTGRES_PROGRAMS.iter().all(|name| programs.join(name).is_file());
            (version >= POSTGRES_MINIMUM && complete).then_some((version, programs))
        })
        .collect();
    versions.sort();
    versions.pop().map(|(_, programs)| programs)
}

/// The browser, found on the search path.
pub fn chromium() -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    first_on_path(&path, &CHROMIUM_NAMES).context("no chromium on the search path")
}

fn first_on_path(path: &OsStr, names: &[&str]) -> Option<PathBuf> {
    std::env::split_paths(path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|candidate| candidate.is_file())
}

/// A user and its group, by number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Account {
    pub user: u32,
    pub group: u32,
}

/// Who is to run the server: nobody else unless this is root, which PostgreSQL refuses.
pub fn server_account() -> anyhow::Result<Option<Account>> {
    if !is_root()? {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").context("cannot read the list of users")?;
    let account = account_named(&users, "postgres")
        .context("PostgreSQL does not run as root, and there is no user postgres to run it")?;
    Ok(Some(account))
}

fn account_named(users: &str, name: &str) -> Option<Account> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let user = fields.nth(1)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        Some(Account { user, group })
    })
}

/// Whether this process is root: its own entry among the processes belongs to it.
fn is_root() -> anyhow::Result<bool> {
    let own = std::fs::metadata("/proc/self").context("cannot read this process's own entry")?;
    Ok(own.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plant(folder: &Path, file: &str) {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }

    #[test]
    fn the_newest_complete_postgres_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(newest_postgres(folder.path()), None);
        for version in ["9", "13", "15", "17"] {
            for program in POSTGRES_PROGRAMS {
                plant(folder.path(), &format!("{version}/bin/{program}"));
            }
        }
        plant(folder.path(), "18/bin/psql");
        assert_eq!(newest_postgres(folder.path()), Some(folder.path().join("17/bin")));
    }

    #[test]
    fn a_postgres_that_is_too_old_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        for program in POSTGRES_PROGRAMS {
            plant(folder.path(), &format!("14/bin/{program}"));
        }
        assert_eq!(newest_postgres(folder.path()), None);
        assert_eq!(newest_postgres(&folder.path().join("nowhere")), None);
    }

    #[test]
    fn programs_are_found_in_the_order_of_the_search_path() {
        let folder = tempfile::tempdir().unwrap();
        plant(folder.path(), "b/chromium-browser");
        plant(folder.path(), "c/chromium");
        let path =
            std::env::join_paths(["a", "b", "c"].map(|name| folder.path().join(name))).unwrap();
        let found = first_on_path(&path, &CHROMIUM_NAMES);
        assert_eq!(found, Some(folder.path().join("b/chromium-browser")));
        assert_eq!(first_on_path(OsStr::new(""), &CHROMIUM_NAMES), None);
    }

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users =
            "root:x:0:0:root::/bin/sh\npostgres2:x:7:8::/:\npostgres:x:101:104:a,,,:/v:/b\n";
        assert_eq!(account_named(users, "postgres"), Some(Account { user: 101, group: 104 }));
        assert_eq!(account_named(users, "nobody"), None);
        assert_eq!(account_named("postgres:x:many:few", "postgres"), None);
    }
}
