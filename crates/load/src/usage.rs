//! What a process has used, as `/proc` tells it.

use std::fs;
use std::time::{Duration, Instant};

use nix::unistd::{SysconfVar, sysconf};

use crate::clock::now;

/// The kernel's unit of process time where it cannot be asked; 100 on every Linux in use.
const TICKS_PER_SECOND_USUAL: u32 = 100;

/// CPU time of a process at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    cpu: Duration,
    at: Instant,
}

impl Sample {
    /// Of this process.
    pub fn of_self() -> Option<Self> {
        Self::read("/proc/self/stat")
    }

    /// Of another process.
    pub fn of(pid: u32) -> Option<Self> {
        Self::read(&format!("/proc/{pid}/stat"))
    }

    fn read(path: &str) -> Option<Self> {
        let ticks = cpu_ticks(&fs::read_to_string(path).ok()?)?;
        let per_second = sysconf(SysconfVar::CLK_TCK)
            .ok()
            .flatten()
            .and_then(|ticks| u32::try_from(ticks).ok())
            .filter(|ticks| *ticks > 0)
            .unwrap_or(TICKS_PER_SECOND_USUAL);
        let cpu = Duration::from_secs(ticks) / per_second;
        Some(Self { cpu, at: now() })
    }

    /// CPU seconds and wall seconds since an earlier sample of the same process.
    pub fn since(self, earlier: Self) -> Used {
        Used {
            cpu_s: self.cpu.saturating_sub(earlier.cpu).as_secs_f64(),
            wall_s: self.at.saturating_duration_since(earlier.at).as_secs_f64(),
        }
    }
}

/// CPU seconds used over some wall seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    pub cpu_s: f64,
    pub wall_s: f64,
}

impl Used {
    /// Of one core: 0.5 is half a core, 2.0 is two.
    pub fn share(self) -> f64 {
        if self.wall_s > 0.0 { self.cpu_s / self.wall_s } else { 0.0 }
    }

    /// Both stretches together.
    pub fn plus(self, other: Self) -> Self {
        Self { cpu_s: self.cpu_s + other.cpu_s, wall_s: self.wall_s + other.wall_s }
    }
}

/// User and system ticks: fields 14 and 15 of `proc_pid_stat(5)`. The second field is the name in
/// parentheses and may itself hold spaces and parentheses.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// The most resident memory the process ever had, in bytes.
pub fn resident_peak_bytes(pid: u32) -> Option<u64> {
    memory(pid, "VmHWM:")
}

/// The resident memory of the process now, in bytes.
pub fn resident_bytes(pid: u32) -> Option<u64> {
    memory(pid, "VmRSS:")
}

fn memory(pid: u32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The shape of this machine: figures mean nothing without it.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores, Linux {}", kernel.trim())
}

/// The file system under a directory, as the mount table names it: what `fsync` costs depends on
/// it, and on `tmpfs` it costs nothing.
pub fn file_system(directory: &std::path::Path) -> Option<String> {
    let directory = directory.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace().skip(1);
            Some((fields.next()?, fields.next()?))
        })
        .filter(|(point, _)| directory.starts_with(point))
        .max_by_key(|(point, _)| point.len())
        .map(|(_, kind)| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_a_hostile_name() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 250 75 0 0 20 0 3 0 100 0 0";
        assert_eq!(cpu_ticks(stat), Some(325));
        assert_eq!(cpu_ticks("42 (cut"), None);
        assert_eq!(cpu_ticks("42 (short) S 1"), None);
    }

    #[test]
    fn this_process_can_be_sampled() {
        let earlier = Sample::of_self().unwrap();
        let used = Sample::of(std::process::id()).unwrap().since(earlier);
        assert!(used.cpu_s >= 0.0 && used.wall_s >= 0.0);
        assert!(resident_peak_bytes(std::process::id()).unwrap() > 0);
        assert!(file_system(std::path::Path::new("/proc")).is_some());
    }

    #[test]
    fn a_share_needs_time() {
        assert!(Used::default().share().abs() < f64::EPSILON);
        let half = Used { cpu_s: 1.0, wall_s: 2.0 };
        assert!((half.plus(half).share() - 0.5).abs() < 1e-9);
    }
}
