use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use application::ports::DownloadProgress;

/// Writes progress to the log: a line at the beginning and the end of a file, and one for each tenth of it, or for
/// each half minute where a tenth takes longer.
#[derive(Debug, Default)]
pub struct LoggedProgress {
    /// By repository and file, since several models may be fetched at once.
    last: Mutex<HashMap<(String, String), LastLine>>,
}

#[derive(Debug)]
struct LastLine {
    tenth: u64,
    at: Instant,
}

/// A smaller file has one line, at its end.
const SMALL_BYTES: u64 = 1 << 20;
const LONGEST_SILENCE: Duration = Duration::from_secs(30);

impl DownloadProgress for LoggedProgress {
    fn report(&self, repo: &str, file: &str, done: u64, total: u64) {
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (repo.to_owned(), file.to_owned());
        let is_due = last
            .get(&key)
            .is_none_or(|last| percent / 10 != last.tenth || last.at.elapsed() >= LONGEST_SILENCE);
        if !is_due || (total < SMALL_BYTES && done < total) {
            return;
        }
        if done < total {
            last.insert(key, LastLine { tenth: percent / 10, at: Instant::now() });
        } else {
            last.remove(&key);
        }
        tracing::info!(repo, file, bytes = done, total_bytes = total, percent, "fetching the model");
    }
}
