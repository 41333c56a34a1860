use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use super::tally::{Tally, clock};
use crate::numbers::grouped;
use crate::terminal::Terminal;

/// How far the input was classified, on standard error where that is a terminal.
pub(super) struct Progress {
    /// None where there is nothing to show, or nowhere.
    bar: Option<ProgressBar>,
    terminal: Terminal,
    started: Instant,
}

/// The cells of the bar: full, beginning, empty.
const CELLS: &str = "━╸─";

impl Progress {
    /// No progress is shown, but the time is measured from here.
    pub(super) fn hidden(terminal: &Terminal) -> Self {
        Self { bar: None, terminal: terminal.clone(), started: Instant::now() }
    }

    /// Shows a bar for an input of so many bytes, or texts and seconds where their number is not known.
    pub(super) fn show(terminal: &Terminal, bytes: Option<u64>) -> Self {
        let (bar, template) = match bytes {
            Some(bytes) => (ProgressBar::new(bytes), "{bar:30} {percent:>3}%  {msg}"),
            None => (ProgressBar::new_spinner(), "{spinner} {msg}"),
        };
        let bar = match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style.progress_chars(CELLS)),
            Err(_) => bar,
        };
        Self { bar: terminal.add(bar), terminal: terminal.clone(), started: Instant::now() }
    }

    /// Shows that the input was classified up to the byte `offset`.
    pub(super) fn report(&self, offset: u64, tally: &Tally) {
        let Some(bar) = &self.bar else { return };
        let elapsed = self.started.elapsed();
        let rate = grouped(tally.rate(elapsed).round() as u64);
        let texts = grouped(tally.texts);
        // As long again for each byte that is left as for those before.
        let left = bar.length().filter(|_| offset > 0).map(|bytes| {
            let left = elapsed.mul_f64(bytes.saturating_sub(offset) as f64 / offset as f64);
            format!("  {} left", clock(left))
        });
        bar.set_position(offset);
        bar.set_message(format!("{texts} texts  {rate}/s{}", left.unwrap_or_default()));
    }

    /// Whether there is a bar.
    pub(super) fn is_shown(&self) -> bool {
        self.bar.is_some()
    }

    /// Returns when it began.
    pub(super) fn started(&self) -> Instant {
        self.started
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            self.terminal.remove(bar);
        }
    }
}
