use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use metrics::counter;
use tokio::sync::watch;

use crate::metric::LOG_LINES_DROPPED;

/// Log lines that wait for an output that may block, such as a pipe whose reader has stopped.
///
/// A line is appended to a bounded buffer without waiting; if the buffer is full the line is dropped and counted. A
/// thread writes the lines of a few milliseconds together, in order, each completely or not at all. Each `write` to
/// `&LogQueue` is one line.
pub struct LogQueue {
    shared: Arc<Shared>,
    max_bytes: usize,
}

struct Shared {
    state: Mutex<State>,
    /// Notified when there are lines to write or the queue is closed.
    work: Condvar,
    /// Notified when all queued lines have been written.
    idle: Condvar,
    /// The number of lines whose write has ended.
    written: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    /// The number of lines queued since the start.
    queued: u64,
    /// The number of those lines whose write has ended, with or without success.
    written: u64,
    /// The number of lines that did not fit, or whose write failed.
    dropped: u64,
    /// Whether a flush waits for the queued lines.
    urgent: bool,
    closed: bool,
}

/// How long the thread collects lines before it writes them, unless a flush waits. In a busy service, waking the thread
/// for each line would cost more than the line.
const GATHER: Duration = Duration::from_millis(5);

/// The largest capacity of the buffer between writes; the rest is freed.
const USUAL_BYTES: usize = 64 << 10;

impl LogQueue {
    /// Starts the thread that writes to `output`. At most `max_bytes` wait, while at most as many are being written.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(output: impl Write + Send + 'static, max_bytes: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            idle: Condvar::new(),
            written: watch::Sender::new(0),
        });
        let writer = Arc::clone(&shared);
        thread::Builder::new().name("log".to_owned()).spawn(move || writer.write_to(output))?;
        Ok(Self { shared, max_bytes })
    }

    /// Queues one line, or drops it if it does not fit. Returns whether it was queued.
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

    /// Returns how many lines were dropped since the start because they did not fit or their write failed.
    pub fn dropped(&self) -> u64 {
        self.shared.lock().dropped
    }

    /// Returns the number of lines whose write has ended.
    pub(crate) fn written(&self) -> u64 {
        self.shared.lock().written
    }

    /// Waits until every line that is queued now has been written.
    ///
    /// # Errors
    /// After `timeout`, the value that [`written`](Self::written) has once they are.
    pub(crate) async fn flushed(&self, timeout: Duration) -> Result<(), u64> {
        let target = {
            let mut state = self.shared.lock();
            state.urgent = true;
            state.queued
        };
        self.shared.work.notify_one();
        let mut written = self.shared.written.subscribe();
        match tokio::time::timeout(timeout, written.wait_for(|written| *written >= target)).await {
            Ok(_) => Ok(()),
            Err(_elapsed) => Err(target),
        }
    }

    /// Closes the queue to new lines and waits until the queued lines have been written, at most for `timeout`. Returns
    /// whether they were.
    pub fn close(&self, timeout: Duration) -> bool {
        let mut state = self.shared.lock();
        state.closed = true;
        self.shared.work.notify_one();
        let waits = |state: &mut State| state.written < state.queued;
        let (state, _) = self
            .shared
            .idle
            .wait_timeout_while(state, timeout, waits)
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

    /// Writes queued lines until the queue is closed and empty; the body of the thread.
    fn write_to(&self, mut output: impl Write) {
        let (mut batch, mut reported) = (Vec::new(), 0);
        while let Some(last) = self.take(&mut batch) {
            let outcome = output.write_all(&batch).and_then(|()| output.flush());
            batch.clear();
            batch.shrink_to(USUAL_BYTES);
            let dropped = self.finish(last, outcome.is_ok());
            if outcome.is_ok() && dropped > reported {
                let lines = dropped - reported;
                reported = dropped;
                tracing::warn!(lines, "log lines were dropped: the output did not accept them in time");
            }
        }
    }

    /// Waits for lines and moves them into the empty `batch`. Returns the number of lines queued up to the last of
    /// them; none once the queue is closed and empty.
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

    /// Records that the lines up to number `last` have been written, or dropped if the output failed. Returns how many
    /// lines were dropped in total.
    fn finish(&self, last: u64, is_ok: bool) -> u64 {
        let mut state = self.lock();
        let failed = if is_ok { 0 } else { last - state.written };
        state.written = last;
        state.dropped += failed;
        let dropped = state.dropped;
        if state.queued == last {
            self.idle.notify_all();
        }
        drop(state);
        counter!(LOG_LINES_DROPPED).increment(failed);
        self.written.send_replace(last);
        dropped
    }
}
