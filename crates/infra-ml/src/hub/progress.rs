use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Is told how a download goes. It must come back at once.
pub trait DownloadProgress: Debug + Send + Sync {
    /// `done` of the `total` bytes of `file` are there; the first call for a file may tell of bytes that were kept from
    /// an earlier download, and the last one tells of all.
    fn at(&self, file: &str, done: u64, total: u64);
}

/// Tells the log: a line at the beginning and the end of a file, and one for each tenth of it, or for each half minute
/// where a tenth takes longer.
#[derive(Debug, Default)]
pub struct LoggedProgress {
    told: Mutex<Option<Told>>,
}

#[derive(Debug)]
struct Told {
    file: String,
    tenth: u64,
    at: Instant,
}

/// Smaller files are told of once, when they are there.
const SMALL: u64 = 1 << 20;
const LONGEST_SILENCE: Duration = Duration::from_secs(30);

impl DownloadProgress for LoggedProgress {
    fn at(&self, file: &str, done: u64, total: u64) {
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = match &*told {
            Some(told) if told.file == file => {
                percent / 10 != told.tenth || told.at.elapsed() >= LONGEST_SILENCE
            }
            _ => true,
        };
        if !is_due || (total < SMALL && done < total) {
            return;
        }
        *told = Some(Told { file: file.to_owned(), tenth: percent / 10, at: Instant::now() });
        tracing::info!(file, bytes = done, total_bytes = total, percent, "fetching the model");
    }
}
