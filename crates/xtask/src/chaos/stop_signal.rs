use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Stops the threads of a run and ends their pauses.
#[derive(Debug, Default)]
pub(super) struct StopSignal {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl StopSignal {
    /// Stops the threads.
    pub(super) fn stop(&self) {
        *self.stopped() = true;
        self.changed.notify_all();
    }

    /// Stops the threads when the returned value is dropped, also by a panic.
    pub(super) fn stop_on_drop(&self) -> impl Drop {
        StopOnDrop(self)
    }

    pub(super) fn is_stopped(&self) -> bool {
        *self.stopped()
    }

    /// Waits for `length`, or until the threads are stopped.
    pub(super) fn pause(&self, length: Duration) {
        let waited = self.changed.wait_timeout_while(self.stopped(), length, |stopped| !*stopped);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn stopped(&self) -> MutexGuard<'_, bool> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct StopOnDrop<'a>(&'a StopSignal);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Polls until `condition` returns true; returns whether it did within `timeout`.
pub(super) fn wait_until(timeout: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while !condition() {
        if started.elapsed() > timeout {
            return false;
        }
        #[expect(clippy::disallowed_methods, reason = "the state of other processes can only be polled")]
        thread::sleep(Duration::from_millis(50));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_ends_pauses_now_and_later() {
        let signal = StopSignal::default();
        thread::scope(|scope| {
            let pausing = scope.spawn(|| signal.pause(Duration::from_hours(1)));
            drop(signal.stop_on_drop());
            assert!(pausing.join().is_ok());
        });
        assert!(signal.is_stopped());
        signal.pause(Duration::from_hours(1));
    }

    #[test]
    fn polling_ends_with_the_condition_or_the_timeout() {
        assert!(!wait_until(Duration::ZERO, || false));
        assert!(wait_until(Duration::ZERO, || true));
    }
}
