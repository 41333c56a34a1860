use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The requests that wait for the writer, in the order of their arrival.
///
/// A request enters at once, without waiting for room: a caller whose future is no longer polled blocks no other, and
/// its request is written in its turn. Dropping the caller's future removes its request, so the queue is bounded by
/// the number of callers.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    arrived: Notify,
}

struct State<T> {
    /// Sorted by number.
    waiting: VecDeque<(u64, T)>,
    next_number: u64,
    closed: bool,
}

/// A request's place in the queue. Dropping it removes the request, unless the writer has taken it.
pub(super) struct Place<T> {
    queue: Arc<Queue<T>>,
    number: u64,
}

/// Whether a request is taken out of its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// It is taken.
    Take,
    /// It stays, and the next one is considered.
    Pass,
    /// It stays, and so do all after it.
    Stop,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        let state = State { waiting: VecDeque::new(), next_number: 0, closed: false };
        Self { state: Mutex::new(state), arrived: Notify::new() }
    }

    /// Appends `request`; none once the queue is closed.
    pub(super) fn enter(self: &Arc<Self>, request: T) -> Option<Place<T>> {
        let mut state = self.state();
        if state.closed {
            return None;
        }
        let number = state.next_number;
        state.next_number += 1;
        state.waiting.push_back((number, request));
        drop(state);
        self.arrived.notify_one();
        Some(Place { queue: Arc::clone(self), number })
    }

    /// Takes the first request, waits for one if there is none; none once the queue is closed and empty.
    pub(super) async fn take(&self) -> Option<T> {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut state = self.state();
                if let Some((_, request)) = state.waiting.pop_front() {
                    return Some(request);
                }
                if state.closed {
                    return None;
                }
            }
            arrived.await;
        }
    }

    /// Takes those of the waiting requests, from the first on, that `choose` takes, until it stops.
    pub(super) fn take_more(&self, mut choose: impl FnMut(&T) -> Choice) -> Vec<T> {
        let (mut taken, mut index) = (Vec::new(), 0);
        let mut state = self.state();
        while let Some((_, request)) = state.waiting.get(index) {
            match choose(request) {
                Choice::Take => taken.extend(state.waiting.remove(index).map(|(_, request)| request)),
                Choice::Pass => index += 1,
                Choice::Stop => break,
            }
        }
        taken
    }

    /// Accepts no more requests. Those that wait are still taken.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_one();
    }

    /// Accepts no more requests, and drops those that wait.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        state.closed = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        drop(waiting);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Place<T> {
    /// Removes the request, unless the writer has taken it; returns whether it was removed.
    pub(super) fn withdraw(&self) -> bool {
        let mut state = self.queue.state();
        let found = state.waiting.binary_search_by_key(&self.number, |(number, _)| *number);
        let request = found.ok().and_then(|index| state.waiting.remove(index));
        // The request is dropped outside the lock.
        drop(state);
        request.is_some()
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        self.withdraw();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[tokio::test]
    async fn requests_are_taken_in_order_without_those_whose_callers_are_gone() {
        let queue = Arc::new(Queue::new());
        let mut places: Vec<_> = (0..6).map(|request| queue.enter(request).unwrap()).collect();
        drop(places.remove(3));
        drop(places.remove(0));
        assert_eq!(queue.take().await, Some(1));
        assert_eq!(queue.take_more(|_| Choice::Stop), [0; 0]);
        // 5 is passed with 4, as long as nothing stops before it.
        let choose = |request: &i32| match request {
            2 => Choice::Take,
            4 => Choice::Pass,
            _ => Choice::Stop,
        };
        assert_eq!(queue.take_more(choose), [2]);
        let last = |request: &i32| if *request == 5 { Choice::Take } else { Choice::Pass };
        assert_eq!(queue.take_more(last), [5]);
        assert_eq!(places.iter().map(Place::withdraw).filter(|withdrawn| *withdrawn).count(), 1);
        drop(places);
        assert_eq!(queue.take_more(|_| Choice::Take), [0; 0]);
        let last = queue.enter(6).unwrap();
        queue.close();
        assert!(queue.enter(7).is_none());
        assert_eq!((queue.take().await, queue.take().await), (Some(6), None));
        drop(last);
    }

    #[tokio::test]
    async fn an_abandoned_queue_frees_its_requests() {
        let queue = Arc::new(Queue::new());
        let request = Arc::new(());
        let place = queue.enter(Arc::clone(&request)).unwrap();
        queue.abandon();
        assert_eq!(Arc::strong_count(&request), 1);
        assert!(queue.is_closed());
        assert_eq!(queue.take().await, None);
        drop(place);
    }
}
