use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use metrics::counter;
use tokio::sync::watch;

use crate::metric::LOG_LINES_DROPPED;

/// Log lines on their way to an output that may stand still, such as a pipe whose reader has stopped.
///
/// A line is appended to a buffer of bounded size and never waits: where there is no room it is dropped, and counted. A
/// thread of its own writes what has gathered in a few milliseconds in one go. Lines are written in the order in which they came, whole or not at
/// all. Each `write` to `&LogQueue` is one line.
pub struct LogQueue {
    shared: Arc<Shared>,
    max_bytes: usize,
}

struct Shared {
    state: Mutex<State>,
    /// There are lines to write, or there will be none any more.
    work: Condvar,
    /// Everything that was queued has been written.
    idle: Condvar,
    /// How many lines have been written, for those who wait for theirs.
    written: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    /// The lines that were queued since the start, and those of them whose write has ended, well or badly.
    queued: u64,
    written: u64,
    /// The lines that found no room, or that the output did not take.
    dropped: u64,
    /// Somebody waits for the lines that are queued.
    urgent: bool,
    closed: bool,
}

/// How long the thread lets lines gather before it writes them, unless somebody waits for them: waking it for each line
/// of a busy service would cost more than the line.
const GATHER: Duration = Duration::from_millis(5);

/// What a buffer holds on to between writes. A longer one is given back to the system.
const USUAL_BYTES: usize = 64 << 10;

impl LogQueue {
    /// Starts the thread that writes to `output`. At most `max_bytes` wait, and as many again are being written.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start(output: impl Write + Send + 'static, max_bytes: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            idle: Condvar::new(),
            written: watch::Sender::new(0),
        });
        let of_thread = Arc::clone(&shared);
        thread::Builder::new().name("log".to_owned()).spawn(move || of_thread.write_on(output))?;
        Ok(Self { shared, max_bytes })
    }

    /// Queues one line; returns whether there was room for it.
    pub fn push(&self, line: &[u8]) -> bool {
        let mut state = self.shared.lock();
        let has_room = !state.closed && state.bytes.len() + line.len() <= self.max_bytes;
        if has_room {
            let was_empty = state.bytes.is_empty();
            state.bytes.extend_from_slice(line);
            state.queued += 1;
            drop(state);
            if was_empty {
                self.shared.work.notify_one();
            }
        } else {
            state.dropped += 1;
            drop(state);
            counter!(LOG_LINES_DROPPED).increment(1);
        }
        has_room
    }

    /// How many lines were dropped since the start: they found no room, or the output did not take them.
    pub fn dropped(&self) -> u64 {
        self.shared.lock().dropped
    }

    /// How many lines have been written since the start.
    pub(crate) fn written(&self) -> u64 {
        self.shared.lock().written
    }

    /// Waits until every line that is queued now has been written, for `at_most`; else returns how many lines must have been
    /// written by then.
    pub(crate) async fn flushed(&self, at_most: Duration) -> Result<(), u64> {
        let target = {
            let mut state = self.shared.lock();
            state.urgent = true;
            state.queued
        };
        self.shared.work.notify_one();
        let mut written = self.shared.written.subscribe();
        match tokio::time::timeout(at_most, written.wait_for(|written| *written >= target)).await {
            Ok(_) => Ok(()),
            Err(_elapsed) => Err(target),
        }
    }

    /// Takes no more lines, and waits for `at_most` until those that are queued have been written. Returns whether they were.
    pub fn close(&self, at_most: Duration) -> bool {
        let mut state = self.shared.lock();
        state.closed = true;
        self.shared.work.notify_one();
        let waits = |state: &mut State| state.written < state.queued;
        let (state, _) = self
            .shared
            .idle
            .wait_timeout_while(state, at_most, waits)
            .unwrap_or_else(PoisonError::into_inner);
        state.written == state.queued
    }
}

impl Write for &LogQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread: writes what is queued until the queue is closed and empty.
    fn write_on(&self, mut output: impl Write) {
        let (mut batch, mut reported) = (Vec::new(), 0);
        while let Some(last) = self.take(&mut batch) {
            let outcome = output.write_all(&batch).and_then(|()| output.flush());
            batch.clear();
            batch.shrink_to(USUAL_BYTES);
            let dropped = self.finish(last, outcome.is_ok());
            if outcome.is_ok() && dropped > reported {
                let lines = dropped - reported;
                reported = dropped;
                tracing::warn!(lines, "log lines were dropped: the output did not take them in time");
            }
        }
    }

    /// Waits for lines and moves them into the empty `batch`; returns how many were queued up to the last of them, none at
    /// the end.
    fn take(&self, batch: &mut Vec<u8>) -> Option<u64> {
        let waits = |state: &mut State| state.bytes.is_empty() && !state.closed;
        let state = self.work.wait_while(self.lock(), waits).unwrap_or_else(PoisonError::into_inner);
        if state.bytes.is_empty() {
            return None;
        }
        let gathers = |state: &mut State| !state.urgent && !state.closed;
        let (mut state, _) =
            self.work.wait_timeout_while(state, GATHER, gathers).unwrap_or_else(PoisonError::into_inner);
        state.urgent = false;
        mem::swap(&mut state.bytes, batch);
        Some(state.queued)
    }

    /// Notes that the lines up to the `last` have been written, or lost where the output failed; returns how many were
    /// dropped in all.
    fn finish(&self, last: u64, is_ok: bool) -> u64 {
        let mut state = self.lock();
        let refused = if is_ok { 0 } else { last - state.written };
        state.written = last;
        state.dropped += refused;
        let dropped = state.dropped;
        if state.queued == last {
            self.idle.notify_all();
        }
        drop(state);
        counter!(LOG_LINES_DROPPED).increment(refused);
        self.written.send_replace(last);
        dropped
    }
}
