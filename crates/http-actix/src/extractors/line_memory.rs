use std::collections::VecDeque;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::body_memory::{BodyMemory, Reservation};
use crate::problem::Problem;

/// The memory for bodies that the lines of one stream take, each from its first byte until its result is sent. Results
/// are sent in the order in which the lines were passed on.
#[derive(Debug, Clone)]
pub(crate) struct LineMemory(Arc<Mutex<Lines>>);

#[derive(Debug)]
struct Lines {
    reservation: Reservation,
    /// The bytes of the line that is being read.
    partial: usize,
    /// The bytes of each line that was passed on and has no result yet.
    in_progress: VecDeque<usize>,
}

impl LineMemory {
    /// Creates the account of a new stream.
    pub(crate) fn of(memory: &BodyMemory) -> Self {
        Self(Arc::new(Mutex::new(Lines {
            reservation: memory.reserve(),
            partial: 0,
            in_progress: VecDeque::new(),
        })))
    }

    /// Releases the memory of the oldest line in progress, whose result is sent.
    pub(crate) fn line_done(&self) {
        let mut lines = self.lines();
        let bytes = lines.in_progress.pop_front().unwrap_or_default();
        lines.release(bytes);
    }

    /// Reserves memory for more bytes of the line that is being read.
    pub(super) fn reserve(&self, bytes: usize) -> Result<(), Problem> {
        let mut lines = self.lines();
        let all = lines.reservation.bytes() + bytes;
        lines.reservation.grow_to(all)?;
        lines.partial += bytes;
        Ok(())
    }

    /// Records that the line was passed on.
    pub(super) fn pass_on(&self) {
        let mut lines = self.lines();
        let partial = take(&mut lines.partial);
        lines.in_progress.push_back(partial);
    }

    /// Records that the line was passed on as an error, without its bytes.
    pub(super) fn refuse(&self) {
        self.skip();
        self.pass_on();
    }

    /// Records that the line was not passed on.
    pub(super) fn skip(&self) {
        let mut lines = self.lines();
        let partial = take(&mut lines.partial);
        lines.release(partial);
    }

    /// Returns the bytes that the lines take.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.lines().reservation.bytes()
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn release(&mut self, bytes: usize) {
        let rest = self.reservation.bytes() - bytes;
        self.reservation.resize(rest);
    }
}
