//! `cargo xtask sdk`: the providers' own libraries against the payment sandbox.
//!
//! The scripts lie in `crates/sandbox/tests/sdk`; what they need is installed under `target/sdk`,
//! in the versions that are pinned there.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::{Context as _, bail};
use clap::Args;

use crate::debian::{self, Need};
use crate::interrupt::Interrupts;
use crate::supervise;

const SCRIPTS: [&str; 4] = ["yookassa_sdk.py", "stripe_sdk.py", "alipay_sdk.py", "alipay_sdk.mjs"];
const SECRET: &str = "checked-by-sdks";

/// Each has to be noticed by its script.
const SABOTAGE: [(&str, &str); 9] = [
    ("yookassa_sdk.py", r#"{"gateway":"yookassa","op":"create","fault":"wrong_amount"}"#),
    ("yookassa_sdk.py", r#"{"gateway":"yookassa","op":"capture","fault":"commit_then_500"}"#),
    ("yookassa_sdk.py", r#"{"gateway":"yookassa","op":"list","times":9,"fault":"list_moves"}"#),
    ("stripe_sdk.py", r#"{"gateway":"stripe","op":"notify","times":9,"fault":"bad_signature"}"#),
    ("stripe_sdk.py", r#"{"gateway":"stripe","op":"notify","times":9,"fault":"stale_signature"}"#),
    ("stripe_sdk.py", r#"{"gateway":"stripe","op":"refund","fault":"refund_pending"}"#),
    ("alipay_sdk.py", r#"{"gateway":"alipay","op":"refund","fault":"bad_signature"}"#),
    ("alipay_sdk.py", r#"{"gateway":"alipay","op":"notify","fault":"bad_signature"}"#),
    ("alipay_sdk.mjs", r#"{"gateway":"alipay","op":"fetch","fault":"bad_signature"}"#),
];

/// Lets the providers' own libraries pay, capture and refund against the payment sandbox.
#[derive(Args)]
pub struct Sdk {
    /// Break the sandbox first, in several ways: succeeds only if every break is noticed
    #[arg(long)]
    sabotage: bool,
}

pub fn run(root: &Path, wanted: &Sdk) -> anyhow::Result<ExitCode> {
    let interrupts = Interrupts::listen()?;
    debian::provide(&[Need::PythonVenv, Need::Npm], &interrupts)?;
    let bench = Bench::set_up(root, &interrupts)?;
    let good = if wanted.sabotage {
        bench.is_sabotage_noticed(&interrupts)?
    } else {
        bench.all_agree(&interrupts)?
    };
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Bench {
    root: PathBuf,
    scripts: PathBuf,
    python: PathBuf,
    npm: PathBuf,
}

/// What one script said.
struct Report {
    lines: Vec<String>,
    good: bool,
}

impl Bench {
    fn set_up(root: &Path, interrupts: &Interrupts) -> anyhow::Result<Self> {
        let scripts = root.join("crates/sandbox/tests/sdk");
        let place = root.join("target/sdk");
        let (venv, npm) = (place.join("venv"), place.join("npm"));
        let python = venv.join("bin/python");
        if is_stale(&scripts.join("requirements.txt"), &venv)? {
            let mut make = Command::new("python3");
            succeed(make.args(["-m", "venv", "--clear"]).arg(&venv), interrupts)?;
            let mut install = Command::new(&python);
            install.args(["-m", "pip", "install", "--quiet", "--requirement"]);
            succeed(install.arg(scripts.join("requirements.txt")), interrupts)?;
            remember(&scripts.join("requirements.txt"), &venv)?;
        }
        if is_stale(&scripts.join("package-lock.json"), &npm)? {
            std::fs::create_dir_all(&npm)?;
            for name in ["package.json", "package-lock.json"] {
                std::fs::copy(scripts.join(name), npm.join(name))?;
            }
            let mut install = Command::new("npm");
            install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]);
            succeed(install.current_dir(&npm), interrupts)?;
            remember(&scripts.join("package-lock.json"), &npm)?;
        }
        Ok(Self { root: root.to_owned(), scripts, python, npm })
    }

    fn all_agree(&self, interrupts: &Interrupts) -> anyhow::Result<bool> {
        let mut table = Vec::new();
        for script in SCRIPTS {
            let report = self.check(script, None, interrupts)?;
            for line in &report.lines {
                println!("{script:<16} {line}");
            }
            let agreed = report.lines.iter().filter(|line| line.starts_with("ok")).count();
            table.push((script, agreed, report));
        }
        println!();
        for (script, agreed, report) in &table {
            let word = if report.good { "agrees" } else { "DISAGREES" };
            println!("{script:<16} {agreed:>3} of {:<3} {word}", report.lines.len());
        }
        Ok(table.iter().all(|(.., report)| report.good && !report.lines.is_empty()))
    }

    fn is_sabotage_noticed(&self, interrupts: &Interrupts) -> anyhow::Result<bool> {
        let mut all = true;
        for (script, rule) in SABOTAGE {
            let report = self.check(script, Some(rule), interrupts)?;
            let first = report.lines.iter().find(|line| line.starts_with("FAIL"));
            let noticed = !report.good && first.is_some();
            all &= noticed;
            println!("{} {script:<16} {rule}", if noticed { "noticed" } else { "MISSED " });
            if let Some(first) = first {
                let words: String = first.chars().take(100).collect();
                println!("        {words}");
            }
        }
        Ok(all)
    }

    /// Runs one script against a fresh sandbox.
    fn check(
        &self,
        script: &str,
        sabotage: Option<&str>,
        interrupts: &Interrupts,
    ) -> anyhow::Result<Report> {
        let (mut sandbox, url) = self.sandbox()?;
        let said = self.said_by(script, sabotage, &url);
        supervise::stop(&mut sandbox, interrupts);
        // Somebody may have interrupted meanwhile.
        interrupts.wait_for(|| Ok(Some(())))?;
        said
    }

    fn sandbox(&self) -> anyhow::Result<(Child, String)> {
        let mut command = Command::new("cargo");
        command
            .args(["run", "--quiet", "--locked", "--package", "server", "--bin", "holdfast", "--"])
            .args(["sandbox", "--listen", "127.0.0.1:0", "--seed", "7", "--secret", SECRET])
            .args(["--redelivery", "200,400,800"])
            .current_dir(&self.root)
            .stdout(Stdio::piped());
        let mut child = supervise::spawn(&mut command)?;
        let mut line = String::new();
        if let Some(said) = child.stdout.as_mut() {
            BufReader::new(said).read_line(&mut line)?;
        }
        let url = line.split_whitespace().find(|word| word.starts_with("http://"));
        if let Some(url) = url {
            return Ok((child, url.trim_end_matches('.').to_owned()));
        }
        supervise::kill(&mut child);
        bail!("the sandbox did not say where it is, but {line:?}")
    }

    fn said_by(&self, script: &str, sabotage: Option<&str>, url: &str) -> anyhow::Result<Report> {
        let program = if is_python(script) { &self.python } else { Path::new("node") };
        let mut command = Command::new(program);
        command
            .arg(self.scripts.join(script))
            .env("SANDBOX_URL", url)
            .env("SANDBOX_SECRET", SECRET)
            .env("SANDBOX_KEYS", self.root.join("crates/sandbox/tests/keys"))
            .env("SANDBOX_SABOTAGE", sabotage.unwrap_or_default())
            .env("SDK_NPM", &self.npm)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let said = command.output().with_context(|| format!("cannot run {script}"))?;
        let complaints = String::from_utf8_lossy(&said.stderr);
        if !complaints.trim().is_empty() {
            eprintln!("{}", complaints.trim_end());
        }
        let lines = String::from_utf8_lossy(&said.stdout).lines().map(str::to_owned).collect();
        Ok(Report { lines, good: said.status.success() })
    }
}

fn is_python(script: &str) -> bool {
    Path::new(script).extension().is_some_and(|kind| kind == "py")
}

/// Whether `folder` was made from another list than this one.
pub(crate) fn is_stale(list: &Path, folder: &Path) -> anyhow::Result<bool> {
    let wanted = std::fs::read(list).with_context(|| format!("cannot read {}", list.display()))?;
    Ok(!std::fs::read(folder.join("made-from")).is_ok_and(|made| made == wanted))
}

pub(crate) fn remember(list: &Path, folder: &Path) -> anyhow::Result<()> {
    std::fs::copy(list, folder.join("made-from"))?;
    Ok(())
}

pub(crate) fn succeed(command: &mut Command, interrupts: &Interrupts) -> anyhow::Result<()> {
    let status = supervise::run(command, interrupts)?;
    if !status.success() {
        bail!("{} failed ({status}); its own words are above", command.get_program().display());
    }
    Ok(())
}
