//! `cargo xtask jwt`: our access tokens and another library's.
//!
//! A shop is started on a database of its own; `PyJWT` reads its tokens by the keys it publishes,
//! makes tokens with its key, and forges some. The script lies in `crates/identity/tests/jwt`.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::{Context as _, bail};

use crate::debian::{self, Need};
use crate::interrupt::Interrupts;
use crate::sdk::{is_stale, remember, succeed};
use crate::supervise;

pub fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let interrupts = Interrupts::listen()?;
    debian::provide(&[Need::PythonVenv], &interrupts)?;
    let scripts = root.join("crates/identity/tests/jwt");
    let place = root.join("target/jwt");
    let venv = place.join("venv");
    let python = venv.join("bin/python");
    let list = scripts.join("requirements.txt");
    if is_stale(&list, &venv)? {
        let mut make = Command::new("python3");
        succeed(make.args(["-m", "venv", "--clear"]).arg(&venv), &interrupts)?;
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&list);
        succeed(&mut install, &interrupts)?;
        remember(&list, &venv)?;
    }
    let data = place.join("shop");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    std::fs::create_dir_all(&data)?;
    let database = data.join("shop.db");
    let (mut shop, url) = start(root, &database)?;
    let said = Command::new(&python)
        .arg(scripts.join("tokens.py"))
        .env("SHOP_URL", url)
        .env("SHOP_DATABASE", &database)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .status();
    supervise::stop(&mut shop, &interrupts);
    let good = said.context("cannot run tokens.py")?.success();
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn start(root: &Path, database: &Path) -> anyhow::Result<(Child, String)> {
    let mut command = Command::new("cargo");
    command
        .args(["run", "--quiet", "--locked", "--package", "server", "--bin", "holdfast", "--"])
        .args(["serve", "--set", "server.listen=127.0.0.1:0", "--set"])
        .arg(format!("database.url=sqlite:{}", database.display()))
        .current_dir(root)
        .stdout(Stdio::piped());
    let mut child = supervise::spawn(&mut command)?;
    let mut line = String::new();
    if let Some(said) = child.stdout.as_mut() {
        BufReader::new(said).read_line(&mut line)?;
    }
    if let Some(url) = line.split_whitespace().find(|word| word.starts_with("http://")) {
        return Ok((child, url.to_owned()));
    }
    supervise::kill(&mut child);
    bail!("the shop did not say where it is, but {line:?}")
}
