//! Asks `holdfast verify` whether the books of a shop add up.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::Value;

/// What it found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verified {
    pub checked: u64,
    pub violations: u64,
    /// One line for each violated invariant.
    pub details: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    checked: u64,
    violations: u64,
    invariants: Vec<Invariant>,
}

#[derive(Deserialize)]
struct Invariant {
    name: String,
    violations: u64,
    #[serde(default)]
    rows: Vec<Value>,
}

/// Runs it on a live database.
pub async fn verify(binary: &Path, database: &str) -> anyhow::Result<Verified> {
    let output = tokio::process::Command::new(binary)
        .args(["verify", "--json", "--set"])
        .arg(format!("database.url={database}"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("`{} verify` could not be run", binary.display()))?;
    match output.status.code() {
        Some(0 | 1) => parse(&output.stdout),
        _ => bail!(
            "`holdfast verify` could not check ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        ),
    }
}

fn parse(stdout: &[u8]) -> anyhow::Result<Verified> {
    let answer: Answer = serde_json::from_slice(stdout).with_context(|| {
        let shown = String::from_utf8_lossy(stdout);
        format!("`holdfast verify --json` did not print what was agreed: {shown}")
    })?;
    let details = answer.invariants.iter().filter(|invariant| invariant.violations > 0);
    let details = details.map(|invariant| {
        let rows: Vec<String> = invariant.rows.iter().take(3).map(Value::to_string).collect();
        format!("{}: {} ({})", invariant.name, invariant.violations, rows.join(", "))
    });
    Ok(Verified {
        checked: answer.checked,
        violations: answer.violations,
        details: details.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violations_are_told_with_their_first_rows() {
        let text = br#"{"checked":2,"violations":1,"invariants":[
            {"name":"held within on hand","violations":1,"rows":[{"variant":"a"}]},
            {"name":"totals add up","violations":0,"rows":[]}]}"#;
        let verified = parse(text).unwrap();
        assert_eq!((verified.checked, verified.violations), (2, 1));
        assert_eq!(verified.details, [r#"held within on hand: 1 ({"variant":"a"})"#]);
        assert!(parse(b"all is well").is_err());
    }
}
