use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

/// The requests of one connection, as its transport needs to know them.
///
/// The transport limits the time that a client may take while no request is being answered. The server puts a
/// `ConnectionState` into the connection's data, and a middleware marks each request in it, from its head to the end of
/// its response.
#[derive(Clone)]
pub(crate) struct ConnectionState(Rc<State>);

struct State {
    /// The number of requests that have begun on the connection.
    begun: Cell<u64>,
    in_progress: Cell<u32>,
    idle_since: Cell<Instant>,
    /// When a client that accepts nothing of the response is no longer waited for.
    stop_sending: RefCell<Option<LocalBoxFuture<'static, ()>>>,
}

impl ConnectionState {
    /// Creates the state of a connection that was opened at `now`.
    pub(crate) fn new(now: Instant) -> Self {
        let state = State {
            begun: Cell::new(0),
            in_progress: Cell::new(0),
            idle_since: Cell::new(now),
            stop_sending: RefCell::default(),
        };
        Self(Rc::new(state))
    }

    /// Whether a request is being answered.
    pub(crate) fn is_busy(&self) -> bool {
        self.0.in_progress.get() > 0
    }

    /// Returns the number of requests that have begun.
    pub(crate) fn requests_begun(&self) -> u64 {
        self.0.begun.get()
    }

    /// Returns when the last response ended, or else when the connection was opened.
    pub(crate) fn idle_since(&self) -> Instant {
        self.0.idle_since.get()
    }

    /// Makes the connection fail once `stop` is ready and the client accepts nothing of the response to this request.
    pub(crate) fn stop_sending_after(&self, stop: LocalBoxFuture<'static, ()>) {
        *self.0.stop_sending.borrow_mut() = Some(stop);
    }

    /// Whether a client that accepts nothing is no longer waited for; else wakes the task when that changes.
    pub(crate) fn poll_stop_sending(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut stop_sending = self.0.stop_sending.borrow_mut();
        let Some(stop) = stop_sending.as_mut() else { return Poll::Pending };
        ready!(stop.poll_unpin(context));
        *stop_sending = None;
        Poll::Ready(())
    }

    /// Marks a request as being answered until the guard is dropped.
    pub(crate) fn begin_request(&self) -> RequestGuard {
        self.0.begun.set(self.0.begun.get() + 1);
        self.0.in_progress.set(self.0.in_progress.get() + 1);
        RequestGuard(Rc::clone(&self.0))
    }
}

/// A request that is being answered.
pub(crate) struct RequestGuard(Rc<State>);

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.in_progress.set(self.0.in_progress.get().saturating_sub(1));
        self.0.idle_since.set(Instant::now());
        self.0.stop_sending.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_busy_while_a_request_is_answered() {
        let opened = Instant::now();
        let connection = ConnectionState::new(opened);
        assert!(!connection.is_busy());
        assert_eq!(connection.idle_since(), opened);
        let request = connection.begin_request();
        assert!(connection.is_busy());
        assert_eq!(connection.requests_begun(), 1);
        drop(request);
        assert!(!connection.is_busy());
        assert!(connection.idle_since() > opened);
    }
}
