//! Processes that are started here and do not outlive it.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;

use crate::interrupt::Interrupts;

/// How long a process may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(10);

/// Runs a program to its end, or stops it when somebody interrupts.
pub fn run(command: &mut Command, interrupts: &Interrupts) -> anyhow::Result<ExitStatus> {
    let mut child = spawn(command)?;
    let outcome = interrupts.wait_for(|| Ok(child.try_wait()?));
    if outcome.is_err() {
        stop(&mut child, interrupts);
    }
    outcome
}

/// Starts a program; the error names it.
pub fn spawn(command: &mut Command) -> anyhow::Result<Child> {
    command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))
}

/// Asks a child to end, and ends it when it does not.
pub fn stop(child: &mut Child, interrupts: &Interrupts) {
    signal("TERM", &[child.id()]);
    if !interrupts.settle(GRACE, || has_ended(child)) {
        kill(child);
    }
}

/// Ends a child that did not end when asked, and takes its exit status.
pub fn kill(child: &mut Child) {
    // Both fail only for a child that is gone already, which is what is wanted.
    drop(child.kill());
    drop(child.wait());
}

/// Whether the child is gone. A child that cannot be asked about is as good as gone.
pub fn has_ended(child: &mut Child) -> bool {
    !matches!(child.try_wait(), Ok(None))
}

/// Sends a signal through the shell's own `kill`, which is there when no package with a `kill` is.
fn signal(name: &str, processes: &[u32]) {
    let status = Command::new("/bin/sh")
        .args(["-c", r#"kill -s "$0" "$@""#, name])
        .args(processes.iter().map(u32::to_string))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
    // A process that ended in the meantime makes `kill` fail; whoever asked looks for itself.
    drop(status);
}

/// Every process that descends from one run of the tests: they inherit a mark in their
/// environment, so that one whose parent is gone is found as well.
pub struct Family {
    mark: String,
}

impl Family {
    const VARIABLE: &str = "HOLDFAST_TEST_RUN";

    /// `name` is not used by any other run on this machine.
    pub fn named(name: &str) -> Self {
        Self { mark: name.to_owned() }
    }

    /// Makes the program that `command` starts the first of the family.
    pub fn adopt(&self, command: &mut Command) {
        command.env(Self::VARIABLE, &self.mark);
    }

    /// Stops the members that are still running when `patience` is at its end, and says which
    /// they were.
    pub fn stop(&self, patience: Duration, interrupts: &Interrupts) {
        if interrupts.settle(patience, || self.members().is_empty()) {
            return;
        }
        let members = self.members();
        let names: Vec<String> = members.iter().map(|id| describe(*id)).collect();
        eprintln!("xtask: stopping what was left running: {}", names.join(", "));
        signal("TERM", &members);
        if !interrupts.settle(GRACE, || self.members().is_empty()) {
            signal("KILL", &self.members());
        }
    }

    fn members(&self) -> Vec<u32> {
        let entry = format!("{}={}", Self::VARIABLE, self.mark);
        let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
        processes
            .flatten()
            .filter_map(|process| process.file_name().to_str()?.parse().ok())
            .filter(|id| carries(*id, entry.as_bytes()))
            .collect()
    }
}

/// Whether the process was started with this entry in its environment.
/// Another user's process cannot be read, and is none of ours.
fn carries(process: u32, entry: &[u8]) -> bool {
    std::fs::read(format!("/proc/{process}/environ"))
        .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|found| found == entry))
}

fn describe(process: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    format!("{} ({process})", name.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs until its standard input is closed or it is signalled.
    fn waiting(family: &Family) -> Child {
        let mut command = Command::new("cat");
        family.adopt(&mut command);
        command.stdin(Stdio::piped()).spawn().unwrap()
    }

    #[test]
    fn the_exit_status_is_the_programs_own() {
        let (_sender, interrupts) = Interrupts::for_tests();
        let status = run(Command::new("/bin/sh").args(["-c", "exit 3"]), &interrupts).unwrap();
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let (_sender, interrupts) = Interrupts::for_tests();
        let error = run(&mut Command::new("no-such-program"), &interrupts).unwrap_err();
        assert!(format!("{error:#}").starts_with("cannot start no-such-program: "));
    }

    #[test]
    fn an_interrupted_program_is_stopped() {
        let (sender, interrupts) = Interrupts::for_tests();
        let family = Family::named("an-interrupted-program");
        let mut command = Command::new("cat");
        family.adopt(command.stdin(Stdio::piped()));
        sender.send(()).unwrap();
        assert!(run(&mut command, &interrupts).is_err());
        assert_eq!(family.members(), Vec::<u32>::new());
    }

    #[test]
    fn a_family_is_found_and_stopped() {
        let (_sender, interrupts) = Interrupts::for_tests();
        let family = Family::named("a-family");
        let mut ours = waiting(&family);
        let mut other = waiting(&Family::named("another-family"));
        assert_eq!(family.members(), [ours.id()]);
        family.stop(Duration::ZERO, &interrupts);
        assert!(!ours.wait().unwrap().success());
        assert!(!has_ended(&mut other));
        kill(&mut other);
    }
}
