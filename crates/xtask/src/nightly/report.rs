//! One page about a night.

use std::fmt::Write as _;

use super::journal::Journal;
use super::plan::Step;

/// The page, in Markdown. `pieces` gives how many pieces of a step this night has.
pub fn page(
    journal: &Journal,
    steps: &[&Step],
    pieces: impl Fn(&Step) -> u32,
    about: &str,
) -> String {
    let bad = journal.done.iter().filter(|done| !done.good).count();
    let all: u32 = steps.iter().map(|step| pieces(step)).sum();
    let verdict = match bad {
        0 if journal.done.len() as u64 >= u64::from(all) => "everything held".to_owned(),
        0 => format!("everything held so far: {} of {all} pieces", journal.done.len()),
        bad => format!("{bad} of {} pieces FAILED", journal.done.len()),
    };
    let mut page = format!("# A night: {verdict}\n\n{about}\n\n");
    page.push_str("| step | what a piece is | held | failed | of | minutes | said last |\n");
    page.push_str("|---|---|---|---|---|---|---|\n");
    for step in steps {
        let own = || journal.done.iter().filter(|done| done.step == step.name);
        let held = own().filter(|done| done.good).count();
        let minutes = own().map(|done| done.seconds).sum::<u64>().div_ceil(60);
        let said = own().next_back().map_or("", |done| &done.said).replace('|', "/");
        let _ = writeln!(
            page,
            "| {} | {} | {held} | {} | {} | {minutes} | {said} |",
            step.name,
            step.what,
            own().count() - held,
            pieces(step),
        );
    }
    if bad > 0 {
        page.push_str("\nFailed, with everything they said:\n\n");
        for done in journal.done.iter().filter(|done| !done.good) {
            let log = journal.log(&done.step, done.piece);
            let _ = writeln!(page, "- {} {}: {}", done.step, done.piece, log.display());
        }
    }
    page
}
