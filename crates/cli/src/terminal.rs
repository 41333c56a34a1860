use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use application::ports::DownloadProgress;
use indicatif::{BinaryBytes, MultiProgress, ProgressBar, ProgressStyle};
use terminal_size::terminal_size_of;

use crate::arguments::TerminalArgs;

/// The terminal that the program was started in, if there is one, and what is shown there. It shows bars for downloads
/// and progress, below the lines of the log.
#[derive(Clone, Default)]
pub struct Terminal {
    bars: Option<Bars>,
    shown: TerminalArgs,
}

/// The columns of a terminal that does not say how many it has.
const USUAL_COLUMNS: usize = 80;

/// All bars of the terminal.
#[derive(Clone, Default)]
struct Bars {
    all: MultiProgress,
    /// How many are shown. While there is none, nothing that may wait for the terminal is locked.
    shown: Arc<AtomicUsize>,
}

impl Terminal {
    /// A terminal for a command, whose log is on standard error, where that is one.
    pub(crate) fn of_command(shown: TerminalArgs) -> Self {
        Self::new(io::stderr().is_terminal(), shown)
    }

    /// A terminal for the service, whose log is on standard output, where that and standard error are one.
    pub(crate) fn of_service(shown: TerminalArgs) -> Self {
        Self::new(io::stdout().is_terminal() && io::stderr().is_terminal(), shown)
    }

    fn new(is_terminal: bool, shown: TerminalArgs) -> Self {
        Self { bars: is_terminal.then(Bars::default), shown }
    }

    /// How much more is logged than usual: the number of times that `-v` was given.
    pub fn verbosity(&self) -> u8 {
        self.shown.verbose
    }

    /// Whether what is written to standard output is colored.
    pub fn colors_output(&self) -> bool {
        self.shown.color.colors(io::stdout().is_terminal())
    }

    /// Whether what is written to standard error is colored.
    pub fn colors_messages(&self) -> bool {
        self.shown.color.colors(io::stderr().is_terminal())
    }

    /// The columns of the terminal that standard output is; none if it is something else.
    pub(crate) fn output_columns() -> Option<usize> {
        let output = io::stdout();
        let columns = || terminal_size_of(&output).map(|(width, _)| usize::from(width.0));
        // A terminal of unknown size has zero columns.
        let known = || columns().filter(|columns| *columns > 0).unwrap_or(USUAL_COLUMNS);
        output.is_terminal().then(known)
    }

    /// Adds a bar on standard error; none without a terminal. It is shown until [`Terminal::remove`].
    pub(crate) fn add(&self, bar: ProgressBar) -> Option<ProgressBar> {
        let bars = self.bars.as_ref()?;
        bars.shown.fetch_add(1, Ordering::Relaxed);
        Some(bars.all.add(bar))
    }

    /// Removes a bar that was added.
    pub(crate) fn remove(&self, bar: &ProgressBar) {
        bar.finish_and_clear();
        if let Some(bars) = &self.bars {
            bars.all.remove(bar);
            bars.shown.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Returns the bars for downloads; none without a terminal.
    pub fn download_bars(&self) -> Option<Arc<dyn DownloadProgress>> {
        Some(Arc::new(DownloadBars { terminal: self.bars.clone()?, bars: Mutex::default() }))
    }

    /// Returns `output` such that what is written to it stands above the bars.
    pub fn above_bars<W: Write>(&self, output: W) -> AboveBars<W> {
        AboveBars { output, bars: self.bars.clone() }
    }

    /// Removes the bars of downloads that did not end.
    pub(crate) fn clear(&self) {
        if let Some(bars) = self.bars.as_ref().filter(|bars| bars.are_shown()) {
            // A terminal that cannot be written to shows none.
            let _ = bars.all.clear();
        }
    }
}

impl Bars {
    fn are_shown(&self) -> bool {
        self.shown.load(Ordering::Relaxed) > 0
    }
}

/// An output on a terminal with bars.
pub struct AboveBars<W> {
    output: W,
    bars: Option<Bars>,
}

impl<W: Write> Write for AboveBars<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Self { output, bars } = self;
        match bars {
            // Whole, since a bar that is drawn behind half a line would be written over.
            Some(bars) if bars.are_shown() => bars.all.suspend(|| {
                output.write_all(bytes)?;
                output.flush()?;
                Ok(bytes.len())
            }),
            _ => output.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// A bar for each file that is being fetched, and a line for each that was.
struct DownloadBars {
    terminal: Bars,
    /// By repository and file.
    bars: Mutex<HashMap<(String, String), ProgressBar>>,
}

impl DownloadProgress for DownloadBars {
    fn report(&self, repo: &str, file: &str, done: u64, total: u64) {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (repo.to_owned(), file.to_owned());
        if done < total {
            bars.entry(key).or_insert_with(|| self.begin(file, done, total)).set_position(done);
        } else {
            if let Some(bar) = bars.remove(&key) {
                bar.finish_and_clear();
                self.terminal.all.remove(&bar);
            }
            // A terminal that cannot be written to shows none.
            let _ = self.terminal.all.println(format!("fetched {repo} {file} ({})", BinaryBytes(total)));
        }
        self.terminal.shown.store(bars.len(), Ordering::Relaxed);
    }
}

impl DownloadBars {
    /// A bar for `file`, of which `done` bytes are of an earlier download.
    fn begin(&self, file: &str, done: u64, total: u64) -> ProgressBar {
        let bar = self.terminal.all.add(ProgressBar::new(total));
        let template =
            "{msg} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} eta {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(file.to_owned());
        bar.set_position(done);
        // Those bytes do not count for the speed.
        bar.reset_eta();
        bar
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_there_are_no_bars_and_output_passes_unchanged() {
        let terminal = Terminal::new(false, TerminalArgs::default());
        assert!(terminal.download_bars().is_none());
        let mut output = terminal.above_bars(Vec::new());
        output.write_all(b"a line\n").expect("written");
        assert_eq!(output.output, b"a line\n");
    }

    #[test]
    fn output_is_written_while_bars_are_shown_and_when_they_have_ended() {
        let terminal = Terminal::new(true, TerminalArgs::default());
        let (bars, mut output) = (terminal.download_bars().expect("bars"), terminal.above_bars(Vec::new()));
        let are_shown = || terminal.bars.as_ref().is_some_and(Bars::are_shown);
        bars.report("org/name", "model.safetensors", 1, 2);
        assert!(are_shown());
        output.write_all(b"a line\n").expect("written");
        bars.report("org/name", "model.safetensors", 2, 2);
        assert!(!are_shown());
        output.write_all(b"another\n").expect("written");
        assert_eq!(output.output, b"a line\nanother\n");
    }
}
