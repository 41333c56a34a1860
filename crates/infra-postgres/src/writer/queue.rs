use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// The write sets that wait for the writer, first come first served.
///
/// A set enters at once, without waiting for room: one that had to wait would hold its place only while somebody
/// polls its future, and a client that does not read its stream has nobody do so. Each set that waits belongs to a
/// caller who waits, and leaves with that caller, so there are no more of them than requests in work.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Default)]
struct State {
    /// By the order of their arrival.
    waiting: BTreeMap<u64, PendingSet>,
    next: u64,
    probe: Option<ProbeAnswer>,
    closed: bool,
}

type ProbeAnswer = oneshot::Sender<Result<(), Failure>>;

/// What the writer is to do next.
pub(super) enum Work {
    /// Write these together.
    Group(Vec<PendingSet>),
    /// Show that writing works.
    Probe(ProbeAnswer),
}

/// A caller's place in the queue. Dropped before the set was taken, it takes the set out.
pub(super) struct Ticket<'q> {
    queue: &'q Queue,
    number: u64,
    answered: oneshot::Receiver<Result<(), StoreError>>,
}

impl Queue {
    /// Lets a set in, with the span that is current.
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

    /// Asks for a probe, which comes before all that waits. Of two who ask only the second gets an answer.
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

    /// Waits for something to do. None once the queue is closed and empty.
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

    /// Lets nobody in any more.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_one();
    }

    /// Lets nobody in any more, and sends away everybody who waits.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        state.closed = true;
        let left = (std::mem::take(&mut state.waiting), state.probe.take());
        drop(state);
        drop(left);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The first sets, up to the limits of a transaction.
    fn take_group(&mut self) -> Vec<PendingSet> {
        let (mut sets, mut rows) = (Vec::new(), 0);
        while sets.len() < MOST_SETS
            && rows < MOST_ROWS
            && let Some((_, pending)) = self.waiting.pop_first()
        {
            rows += pending.set.writes().len();
            sets.push(pending);
        }
        sets
    }
}

impl Ticket<'_> {
    /// What became of the set.
    pub(super) async fn answer(mut self) -> Result<(), StoreError> {
        (&mut self.answered).await.unwrap_or_else(|_ended| Err(unavailable(Failure::Closed)))
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        // Dropped only after the lock was let go.
        let _left = self.queue.state().waiting.remove(&self.number);
    }
}
