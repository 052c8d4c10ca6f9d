//! The table of `docs/trust.md`: one row for each attack, one column for each engine.
//!
//! A run writes its own column into the block between two marks and leaves the other as it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::case::Verdict;
use super::later::LATER;
use super::on;
use super::report::Report;

const BEGIN: &str = "<!-- attacks: begin (written by `load attack --markdown`) -->";
const END: &str = "<!-- attacks: end -->";
const ENGINES: [&str; 2] = ["sqlite", "postgres"];
const NOTHING: &str = "not run";

/// Results by attack and engine.
type Cells = BTreeMap<(String, &'static str), String>;

/// Writes the run's column into the file; the file is made when there is none.
pub fn write(report: &Report, path: &Path) -> anyhow::Result<()> {
    let old = fs::read_to_string(path).unwrap_or_default();
    let new = filled(&old, report);
    fs::write(path, new).with_context(|| format!("`{}` cannot be written", path.display()))
}

fn filled(old: &str, report: &Report) -> String {
    let parts = old.split_once(BEGIN).and_then(|(before, rest)| {
        let (block, after) = rest.split_once(END)?;
        Some((before, block, after))
    });
    let (before, block, after) = parts.unwrap_or((old, "", "\n"));
    let mut cells = read(block);
    for entry in &report.attacks {
        let held = entry.cases.iter().filter(|case| case.verdict == Verdict::Held).count();
        let tried = entry.cases.iter().filter(|case| case.verdict != Verdict::NotHere).count();
        let cell = match entry.verdict() {
            Verdict::Held => format!("held, {held} cases"),
            Verdict::NotHere => "not here".to_owned(),
            verdict => format!("**{}**, {} of {tried}", verdict.word(), tried - held),
        };
        cells.insert((entry.id.to_owned(), report.engine), cell);
    }
    format!("{before}{BEGIN}\n\n{}\n{END}{after}", table(&cells))
}

fn read(block: &str) -> Cells {
    let mut cells = Cells::new();
    for line in block.lines() {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        if let [_, id, _, sqlite, postgres, _] = columns[..]
            && id.starts_with('A')
        {
            for (engine, cell) in ENGINES.into_iter().zip([sqlite, postgres]) {
                cells.insert((id.to_owned(), engine), cell.to_owned());
            }
        }
    }
    cells
}

fn table(cells: &Cells) -> String {
    let mut rows: BTreeMap<&str, String> = BTreeMap::new();
    for attack in on::all() {
        let cell = |engine| {
            let found = cells.get(&(attack.id.to_owned(), engine));
            found.map_or(NOTHING, String::as_str)
        };
        let (sqlite, postgres) = (cell(ENGINES[0]), cell(ENGINES[1]));
        let row = format!("| {} | {} | {sqlite} | {postgres} |", attack.id, attack.name);
        rows.insert(attack.id, row);
    }
    for (id, what, with) in LATER {
        rows.insert(id, format!("| {id} | {what} | with {with} | |"));
    }
    let rows: Vec<String> = rows.into_values().collect();
    format!(
        "| attack | what is tried | SQLite | PostgreSQL |\n|---|---|---|---|\n{}\n",
        rows.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::super::case::Sheet;
    use super::super::report::Entry;
    use super::*;

    fn report(engine: &'static str, held: bool) -> Report {
        let mut sheet = Sheet::new("A01");
        sheet.note("a", "b", "c", held);
        let entry = Entry { id: "A01", name: "n", seconds: 0.0, cases: sheet.cases };
        Report {
            target: String::new(),
            engine,
            rounds: 1,
            quick: true,
            seed: 1,
            db_delay_ms: 0,
            seconds: 0.0,
            attacks: vec![entry],
        }
    }

    #[test]
    fn each_engine_fills_its_own_column() {
        let first = filled("# Trust\n\nWords.\n", &report("sqlite", true));
        let second = filled(&first, &report("postgres", false));
        let row = second.lines().find(|line| line.starts_with("| A01")).unwrap();
        assert!(row.ends_with("| held, 1 cases | **GOT THROUGH**, 1 of 1 |"), "{row}");
        assert!(second.starts_with("# Trust\n\nWords.\n"), "{second}");
        assert_eq!(filled(&second, &report("postgres", false)), second, "again the same");
        assert_eq!(second.matches(BEGIN).count(), 1);
        let later = second.lines().find(|line| line.starts_with("| A05")).unwrap();
        assert!(later.contains("with coupons"), "{later}");
    }
}
