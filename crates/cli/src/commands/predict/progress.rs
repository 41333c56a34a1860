use std::cell::Cell;
use std::fs::File;
use std::io::{self, IsTerminal, Read};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A progress bar on standard error where that is a terminal, by the bytes of the input where their number is known.
/// It is hidden until [`show`](Self::show).
pub(super) struct Progress {
    bar: ProgressBar,
    texts: Cell<usize>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { bar: ProgressBar::hidden(), texts: Cell::new(0) }
    }

    /// Shows the bar from the next step on, for the time when nothing else draws bars.
    pub(super) fn show(&self) {
        if io::stderr().is_terminal() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Measures the progress by the bytes that are read from `file`.
    pub(super) fn of_file(&self, file: File) -> impl Read + use<> {
        self.bar.set_length(file.metadata().map_or(0, |metadata| metadata.len()));
        let template = "{bar:40} {percent}% {binary_bytes_per_sec} eta {eta} {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        self.bar.wrap_read(file)
    }

    /// Adds the number of texts that are done.
    pub(super) fn add(&self, texts: usize) {
        self.texts.update(|done| done + texts);
        self.bar.set_message(format!("{} texts", self.texts.get()));
    }

    pub(super) fn finish(&self) {
        self.bar.finish();
    }
}
