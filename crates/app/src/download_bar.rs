//! The progress of a download, for people.

use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};
use infra_ml::{DownloadProgress, LoggedProgress};

/// What commands tell of downloads: a bar on standard error where that is a terminal, else lines of the log.
pub(crate) fn for_terminal() -> Arc<dyn DownloadProgress> {
    if io::stderr().is_terminal() {
        Arc::new(DownloadBars::default())
    } else {
        Arc::new(LoggedProgress::default())
    }
}

/// A bar for each file.
#[derive(Default)]
struct DownloadBars {
    current: Mutex<Option<(String, ProgressBar)>>,
}

impl DownloadProgress for DownloadBars {
    fn at(&self, file: &str, done: u64, total: u64) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_none_or(|(name, _)| name != file) {
            *current = Some((file.to_owned(), bar(file, total)));
        }
        if let Some((_, bar)) = &*current {
            bar.set_position(done);
            if done == total {
                bar.finish();
            }
        }
    }
}

impl fmt::Debug for DownloadBars {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DownloadBars")
    }
}

fn bar(file: &str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total).with_message(file.to_owned());
    match ProgressStyle::with_template(
        "{msg} {bar:40} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} eta {eta}",
    ) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
