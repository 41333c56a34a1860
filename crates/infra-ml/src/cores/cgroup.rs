use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};

/// The CPU time that a control group grants: `quota` microseconds in each `period` of microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quota {
    quota: u64,
    period: u64,
}

impl Quota {
    /// The quota in whole cores, rounded down; at least one.
    pub(super) fn cores(self) -> usize {
        usize::try_from(self.quota / self.period).unwrap_or(usize::MAX).max(1)
    }
}

/// The smallest CPU quota of the control groups of this process and their ancestors, in either version of control
/// groups; `None` where there is no quota. Files that are missing or unreadable set none. All files are read below
/// `root`, which is `/` except in tests.
///
/// Sources: `cgroups(7)`, `proc_pid_mountinfo(5)`, and the kernel's `cgroup-v2.rst` (`cpu.max`) and `sched-bwc.rst`
/// (`cpu.cfs_quota_us`).
pub(super) fn quota(root: &Path) -> Option<Quota> {
    smallest(root, "cpu", read_quota, |left, right| compare(*left, *right))
}

/// The smallest limit on memory in bytes of the control groups of this process and their ancestors; `None` where there
/// is none, as in [`quota`]. Sources: `cgroup-v2.rst` (`memory.max`) and `memory.rst` (`memory.limit_in_bytes`).
pub(super) fn memory_limit(root: &Path) -> Option<u64> {
    smallest(root, "memory", read_memory_limit, u64::cmp)
}

/// The smallest limit that `read` finds in the groups of this process in the hierarchies of `controller`.
fn smallest<T>(
    root: &Path,
    controller: &str,
    read_limit: impl Fn(&Path, Version) -> Option<T>,
    order: impl Fn(&T, &T) -> Ordering,
) -> Option<T> {
    let read =
        |path: &str| fs::read(root.join(path)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let memberships = read("proc/self/cgroup").ok()?;
    let mounts = read("proc/self/mountinfo").ok()?;
    let memberships: Vec<_> =
        memberships.lines().filter_map(|line| Membership::parse(line, controller)).collect();
    let mounts = mounts.lines().filter_map(|line| Mount::parse(line, controller));
    let groups = mounts.flat_map(|mount| {
        let own = memberships.iter().filter(|membership| membership.version == mount.version);
        let groups = own.flat_map(|membership| groups(root, &mount, &membership.path));
        groups.map(|group| (group, mount.version)).collect::<Vec<_>>()
    });
    groups.filter_map(|(group, version)| read_limit(&group, version)).min_by(order)
}

fn compare(left: Quota, right: Quota) -> Ordering {
    let product = |quota: u64, period: u64| u128::from(quota) * u128::from(period);
    product(left.quota, right.period).cmp(&product(right.quota, left.period))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

/// A control group of this process: a line of `/proc/self/cgroup`.
struct Membership {
    version: Version,
    path: PathBuf,
}

impl Membership {
    /// Parses `hierarchy:controllers:path`; `None` where the hierarchy does not have the controller.
    fn parse(line: &str, controller: &str) -> Option<Self> {
        let (hierarchy, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let version = match controllers {
            "" if hierarchy == "0" => Version::V2,
            _ if has(controllers, controller) => Version::V1,
            _ => return None,
        };
        Some(Self { version, path: path.into() })
    }
}

/// A mounted hierarchy: a line of `/proc/self/mountinfo`.
struct Mount {
    version: Version,
    /// The control group that is at the mount point.
    group: PathBuf,
    point: PathBuf,
}

impl Mount {
    /// `None` where the mount is no hierarchy of control groups, or one without the controller.
    fn parse(line: &str, controller: &str) -> Option<Self> {
        let (mount, filesystem) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (group, point) = (unescape(mount.next()?), unescape(mount.next()?));
        let mut filesystem = filesystem.split(' ');
        let kind = filesystem.next()?;
        let version = match (kind, filesystem.nth(1)) {
            ("cgroup2", _) => Version::V2,
            ("cgroup", Some(options)) if has(options, controller) => Version::V1,
            _ => return None,
        };
        Some(Self { version, group, point })
    }
}

fn has(list: &str, controller: &str) -> bool {
    list.split(',').any(|name| name == controller)
}

/// Replaces the octal escapes of `mountinfo`, such as `\040` for a space.
fn unescape(path: &str) -> PathBuf {
    let mut parts = path.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let (Some(code), Some(rest)) = (code, part.get(3..)) {
            plain.push(char::from(code));
            plain.push_str(rest);
        } else {
            plain.push('\\');
            plain.push_str(part);
        }
    }
    plain.into()
}

/// The folders of the group `path` and of those above it, up to the one at the mount point. A group that is not below
/// the mount's, as seen from another namespace, is taken for the mount's own.
fn groups(root: &Path, mount: &Mount, path: &Path) -> Vec<PathBuf> {
    let below = path.strip_prefix(&mount.group).unwrap_or(Path::new(""));
    let is_plain = below.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    let below = if is_plain { below } else { Path::new("") };
    let point = root.join(mount.point.strip_prefix("/").unwrap_or(&mount.point));
    below.ancestors().map(|group| point.join(group)).collect()
}

/// The quota of the group in the folder `group`; `None` where it has none of its own.
fn read_quota(group: &Path, version: Version) -> Option<Quota> {
    let read = |name: &str| fs::read_to_string(group.join(name)).ok();
    let (quota, period) = match version {
        Version::V2 => {
            let limit = read("cpu.max")?;
            let mut numbers = limit.split_whitespace();
            (
                numbers.next()?.parse().ok()?,
                numbers.next().map_or(Some(100_000), |period| period.parse().ok())?,
            )
        }
        Version::V1 => {
            let number = |name| read(name)?.trim().parse().ok();
            (number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?)
        }
    };
    (quota > 0 && period > 0).then_some(Quota { quota, period })
}

/// The limit on the memory of the group in the folder `group`; `None` where it has none of its own.
fn read_memory_limit(group: &Path, version: Version) -> Option<u64> {
    let name = match version {
        Version::V2 => "memory.max",
        Version::V1 => "memory.limit_in_bytes",
    };
    // Version 2 says `max` for none, and version 1 the largest number of pages.
    let limit: u64 = fs::read_to_string(group.join(name)).ok()?.trim().parse().ok()?;
    (limit < u64::MAX >> 2).then_some(limit)
}

#[cfg(test)]
mod tests;
