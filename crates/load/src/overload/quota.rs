//! A share of one core for the shop, so that the same machine can offer ten times what it can do.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};

/// A short period: with the usual tenth of a second the shop would stand still for most of one.
const PERIOD_US: u32 = 5_000;
/// The kernel takes no smaller quota.
const QUOTA_MIN_US: u32 = 1_000;
const UNIFIED: &str = "/sys/fs/cgroup";
/// How often its end is tried: a process that was killed is gone a moment later.
const TRIES: u32 = 100;

/// A control group of ours; goes away with this.
#[derive(Debug)]
pub struct Quota {
    group: PathBuf,
    period_us: u32,
    /// Of these in every period.
    cpu_us: u32,
}

impl Quota {
    /// So many hundredths of one core.
    pub fn new(percent: u32, tag: &str) -> anyhow::Result<Self> {
        let period_us = PERIOD_US.max(QUOTA_MIN_US * 100 / percent);
        let cpu_us = period_us * percent / 100;
        let name = format!("holdfast-load-{tag}");
        let (group, limits) = if Path::new(UNIFIED).join("cgroup.controllers").is_file() {
            let root = Path::new(UNIFIED);
            write(&root.join("cgroup.subtree_control"), "+cpu")?;
            (root.join(name), vec![("cpu.max", format!("{cpu_us} {period_us}"))])
        } else {
            let limits = vec![
                ("cpu.cfs_period_us", period_us.to_string()),
                ("cpu.cfs_quota_us", cpu_us.to_string()),
            ];
            (cpu_controller()?.join(name), limits)
        };
        fs::create_dir(&group).with_context(|| denied(&group))?;
        let quota = Self { group, period_us, cpu_us };
        for (file, text) in limits {
            write(&quota.group.join(file), &text)?;
        }
        Ok(quota)
    }

    /// From now on the process, with all its threads, has no more than that.
    pub fn hold(&self, pid: u32) -> anyhow::Result<()> {
        write(&self.group.join("cgroup.procs"), &pid.to_string())
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { period_us, cpu_us, .. } = self;
        write!(f, "{cpu_us} us of CPU in every {period_us} us")
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        for _ in 0..TRIES {
            if fs::remove_dir(&self.group).is_ok() {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        eprintln!("load: {} could not be removed", self.group.display());
    }
}

/// Where version 1 of control groups keeps the CPU.
fn cpu_controller() -> anyhow::Result<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    match controller_of(&mounts) {
        Some(point) => Ok(PathBuf::from(point)),
        None => bail!("this system has no control groups for the CPU: --cpu cannot be kept"),
    }
}

fn controller_of(mounts: &str) -> Option<&str> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (point, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        (kind == "cgroup" && options.split(',').any(|option| option == "cpu")).then_some(point)
    })
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(file, text).with_context(|| denied(file))
}

fn denied(path: &Path) -> String {
    format!(
        "{} cannot be written: holding the shop to a share of a core needs the right to make \
         control groups (run this as root, or in a container that may)",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_controller_is_found_in_the_mount_table() {
        let mounts = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n\
            cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0\n\
            cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n";
        assert_eq!(controller_of(mounts), Some("/sys/fs/cgroup/cpu,cpuacct"));
        assert_eq!(controller_of("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"), None);
    }
}
