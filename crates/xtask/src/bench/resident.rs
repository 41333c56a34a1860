//! The resident memory of a server and its children, read from Linux's `/proc`.

use std::collections::HashMap;
use std::fs;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Returns the resident bytes of a process and its descendants; `None` without Linux's `/proc`. Pages that several
/// processes share count for each of them.
pub(crate) fn resident(process: u32) -> Option<u64> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        if let Some((child, parent)) = entry.file_name().to_str().and_then(parent_of) {
            children.entry(parent).or_default().push(child);
        }
    }
    let mut sum = own(process)?;
    let mut waiting = children.remove(&process).unwrap_or_default();
    while let Some(process) = waiting.pop() {
        sum += own(process).unwrap_or(0);
        waiting.extend(children.remove(&process).unwrap_or_default());
    }
    Some(sum)
}

fn parent_of(process: &str) -> Option<(u32, u32)> {
    let process = process.parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // `pid (name) state parent …`, where the name may contain any character.
    let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
    Some((process, parent))
}

fn own(process: u32) -> Option<u64> {
    rss(&fs::read_to_string(format!("/proc/{process}/status")).ok()?)
}

fn rss(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// Samples a server's memory ten times a second, until it is asked for the maximum.
#[derive(Debug)]
pub(crate) struct PeakMemory {
    end: Sender<()>,
    sampling: JoinHandle<Option<u64>>,
}

const INTERVAL: Duration = Duration::from_millis(100);

impl PeakMemory {
    /// Starts sampling.
    pub(crate) fn start(process: u32) -> Self {
        let (end, ended) = mpsc::channel();
        let sampling = thread::spawn(move || {
            let mut most = resident(process);
            while matches!(ended.recv_timeout(INTERVAL), Err(RecvTimeoutError::Timeout)) {
                most = most.max(resident(process));
            }
            most.max(resident(process))
        });
        Self { end, sampling }
    }

    /// Stops sampling and returns the maximum in bytes.
    pub(crate) fn bytes(self) -> Option<u64> {
        drop(self.end);
        self.sampling.join().ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn resident_memory_is_read_in_kibibytes() {
        assert_eq!(rss("Name:\tx\nVmHWM:\t    9 kB\nVmRSS:\t    12 kB\n"), Some(12 * 1024));
        assert_eq!(rss("Name:\tkernel thread\n"), None);
    }

    #[test]
    fn children_count_with_their_parent() {
        let alone = resident(std::process::id()).unwrap();
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let childs = resident(child.id()).unwrap();
        let both = PeakMemory::start(std::process::id()).bytes().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(childs > 0 && alone > 0);
        assert!(both > childs);
        assert_eq!(resident(u32::MAX), None);
    }
}
