use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Is told how a download goes. It must come back at once.
pub trait DownloadProgress: Debug + Send + Sync {
    /// `done` of the `total` bytes of `file` of the repository `repo` are there; the first call for a file may tell of bytes that were kept from
    /// an earlier download, and the last one tells of all.
    fn at(&self, repo: &str, file: &str, done: u64, total: u64);
}

/// Tells the log: a line at the beginning and the end of a file, and one for each tenth of it, or for each half minute
/// where a tenth takes longer.
#[derive(Debug, Default)]
pub struct LoggedProgress {
    /// By repository and file: models may come at once.
    told: Mutex<HashMap<(String, String), Told>>,
}

#[derive(Debug)]
struct Told {
    tenth: u64,
    at: Instant,
}

/// Smaller files are told of once, when they are there.
const SMALL: u64 = 1 << 20;
const LONGEST_SILENCE: Duration = Duration::from_secs(30);

impl DownloadProgress for LoggedProgress {
    fn at(&self, repo: &str, file: &str, done: u64, total: u64) {
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (repo.to_owned(), file.to_owned());
        let is_due = told
            .get(&key)
            .is_none_or(|told| percent / 10 != told.tenth || told.at.elapsed() >= LONGEST_SILENCE);
        if !is_due || (total < SMALL && done < total) {
            return;
        }
        if done < total {
            told.insert(key, Told { tenth: percent / 10, at: Instant::now() });
        } else {
            told.remove(&key);
        }
        tracing::info!(repo, file, bytes = done, total_bytes = total, percent, "fetching the model");
    }
}
