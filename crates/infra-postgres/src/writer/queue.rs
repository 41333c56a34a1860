use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use application::ports::StoreError;
use store_codec::PreparedSet;
use tokio::sync::{Notify, oneshot};
use tracing::Span;

use crate::error::{Failure, unavailable};
use crate::writer::group::PendingSet;

/// The most write sets of one transaction.
const MOST_SETS: usize = 256;

/// The rows at which no further write set joins a transaction.
const MOST_ROWS: usize = 4_096;

/// The write sets that wait for the writer, in the order of their arrival.
///
/// A set enters at once, without waiting for room: a caller whose future is no longer polled blocks no other, and its
/// set is written in its turn. Dropping the caller's future removes its set, so the queue is bounded by the number of
/// callers.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Default)]
struct State {
    /// Sorted by arrival.
    waiting: BTreeMap<u64, PendingSet>,
    next: u64,
    probe: Option<ProbeAnswer>,
    closed: bool,
}

type ProbeAnswer = oneshot::Sender<Result<(), Failure>>;

/// The writer's next work.
pub(super) enum Work {
    /// Write these together.
    Group(Vec<PendingSet>),
    /// Test whether writing works.
    Probe(ProbeAnswer),
}

/// A caller's place in the queue. Dropping it removes the set, unless the writer has taken it.
pub(super) struct Ticket<'q> {
    queue: &'q Queue,
    number: u64,
    answered: oneshot::Receiver<Result<(), StoreError>>,
}

impl Queue {
    /// Appends a set, with the current span.
    pub(super) fn enter(&self, set: PreparedSet) -> Result<Ticket<'_>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let pending = PendingSet { set, answer, span: Span::current() };
        let mut state = self.state();
        if state.closed {
            return Err(unavailable(Failure::Closed));
        }
        let number = state.next;
        state.next += 1;
        state.waiting.insert(number, pending);
        drop(state);
        self.arrived.notify_one();
        Ok(Ticket { queue: self, number, answered })
    }

    /// Requests a probe, which is served before the waiting sets. A second request replaces the first.
    pub(super) fn probe(&self) -> oneshot::Receiver<Result<(), Failure>> {
        let (answer, answered) = oneshot::channel();
        let mut state = self.state();
        if !state.closed {
            state.probe = Some(answer);
        }
        drop(state);
        self.arrived.notify_one();
        answered
    }

    /// Waits for work. None once the queue is closed and empty.
    pub(super) async fn take(&self) -> Option<Work> {
        loop {
            {
                let mut state = self.state();
                if let Some(answer) = state.probe.take() {
                    return Some(Work::Probe(answer));
                }
                let sets = state.take_group();
                if !sets.is_empty() {
                    return Some(Work::Group(sets));
                }
                if state.closed {
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !self.state().closed
    }

    /// Accepts no more sets. Those that wait are still taken.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_one();
    }

    /// Accepts no more sets, and drops those that wait.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        state.closed = true;
        let abandoned = (std::mem::take(&mut state.waiting), state.probe.take());
        drop(state);
        drop(abandoned);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes the first sets, up to the limits of a transaction.
    fn take_group(&mut self) -> Vec<PendingSet> {
        let (mut sets, mut rows) = (Vec::new(), 0);
        while sets.len() < MOST_SETS
            && rows < MOST_ROWS
            && let Some((_, pending)) = self.waiting.pop_first()
        {
            rows += pending.set.rows();
            sets.push(pending);
        }
        sets
    }
}

impl Ticket<'_> {
    /// The outcome of the set. At `begin_by` the set is withdrawn, if the writer has not taken it.
    pub(super) async fn answer(mut self, begin_by: Option<Instant>) -> Result<(), StoreError> {
        let in_time = match begin_by {
            Some(deadline) => tokio::time::timeout_at(deadline.into(), &mut self.answered).await.ok(),
            None => None,
        };
        let answer = match in_time {
            Some(answer) => answer,
            None if begin_by.is_some() && self.withdraw() => return Err(StoreError::DeadlineExceeded),
            None => (&mut self.answered).await,
        };
        answer.unwrap_or_else(|_ended| Err(unavailable(Failure::Closed)))
    }

    /// Removes the set, unless the writer has taken it; returns whether it was removed.
    fn withdraw(&self) -> bool {
        // Dropped after the lock is released.
        let removed = self.queue.state().waiting.remove(&self.number);
        removed.is_some()
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.withdraw();
    }
}
