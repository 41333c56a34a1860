use std::collections::VecDeque;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::body_memory::{BodyMemory, Reservation};
use crate::problem::Problem;

/// What the lines of one stream take of the memory for bodies, each from its first byte to its answer. Lines are
/// answered in the order in which they are given out.
#[derive(Debug, Clone)]
pub(crate) struct LineMemory(Arc<Mutex<Lines>>);

#[derive(Debug)]
struct Lines {
    reservation: Reservation,
    /// The bytes of the line that is being read.
    begun: usize,
    /// The bytes of each line that was given out and has no answer yet.
    in_work: VecDeque<usize>,
}

impl LineMemory {
    /// That of a new stream.
    pub(crate) fn of(memory: &BodyMemory) -> Self {
        Self(Arc::new(Mutex::new(Lines {
            reservation: memory.reserve(),
            begun: 0,
            in_work: VecDeque::new(),
        })))
    }

    /// The line that was given out first, of those without an answer, has one.
    pub(crate) fn answered(&self) {
        let mut lines = self.lines();
        let bytes = lines.in_work.pop_front().unwrap_or_default();
        lines.release(bytes);
    }

    /// Takes room for more bytes of the line at hand.
    pub(super) fn take(&self, bytes: usize) -> Result<(), Problem> {
        let mut lines = self.lines();
        let all = lines.reservation.bytes() + bytes;
        lines.reservation.grow_to(all)?;
        lines.begun += bytes;
        Ok(())
    }

    /// The line at hand is given out.
    pub(super) fn give_out(&self) {
        let mut lines = self.lines();
        let begun = take(&mut lines.begun);
        lines.in_work.push_back(begun);
    }

    /// The line at hand is given out as an error.
    pub(super) fn refuse(&self) {
        self.skip();
        self.give_out();
    }

    /// The line at hand is not given out.
    pub(super) fn skip(&self) {
        let mut lines = self.lines();
        let begun = take(&mut lines.begun);
        lines.release(begun);
    }

    /// The bytes that the lines take.
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
