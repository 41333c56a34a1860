use std::collections::HashMap;
use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, PoisonError};

use application::ports::DownloadProgress;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Returns bars on standard error where that is a terminal.
pub(crate) fn on_terminal() -> Option<Arc<dyn DownloadProgress>> {
    io::stderr().is_terminal().then(|| Arc::new(DownloadBars::default()) as _)
}

/// A bar for each file.
#[derive(Default)]
struct DownloadBars {
    all: MultiProgress,
    /// By repository and file.
    bars: Mutex<HashMap<(String, String), ProgressBar>>,
}

impl DownloadProgress for DownloadBars {
    fn report(&self, repo: &str, file: &str, done: u64, total: u64) {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bars
            .entry((repo.to_owned(), file.to_owned()))
            .or_insert_with(|| self.all.add(bar(&format!("{repo} {file}"), total)));
        bar.set_position(done);
        if done == total {
            bar.finish();
        }
    }
}

fn bar(name: &str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total).with_message(name.to_owned());
    match ProgressStyle::with_template(
        "{msg} {bar:40} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} eta {eta}",
    ) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
