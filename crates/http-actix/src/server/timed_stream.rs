use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::connection::ConnectionState;

/// How long a client may leave its connection waiting.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientTimeouts {
    /// From the first byte of a request's head to its last.
    pub(super) head: Duration,
    /// Without any byte between two requests. The server ends such a connection in order after `server.keep_alive`;
    /// this timeout is longer and ends those where the server does not.
    pub(super) idle: Duration,
    /// Without accepting a byte of a response that is ready.
    pub(super) send: Duration,
}

/// A connection that fails with `TimedOut` when its client is late.
///
/// actix-http limits the time of a connection's first request head and of an idle keep-alive, and nothing else: a
/// second head may take forever, and so may a response that the client does not read. While a request is in progress
/// only the latter is limited here: the service's own time is not the client's, and the extractors limit the time of
/// bodies.
pub(super) struct TimedStream<S> {
    stream: S,
    state: ConnectionState,
    timeouts: ClientTimeouts,
    /// The number of requests that began before the head that is being received, and when that head must be complete.
    head: Option<(u64, Instant)>,
    last_sent: Instant,
    /// Fires when the client is late, or earlier; then it is set again.
    reading: Pin<Box<Sleep>>,
    /// Set while bytes wait to be sent.
    sending: Option<Pin<Box<Sleep>>>,
}

impl<S> TimedStream<S> {
    pub(super) fn new(stream: S, timeouts: ClientTimeouts) -> Self {
        let now = Instant::now();
        Self {
            stream,
            state: ConnectionState::new(now),
            timeouts,
            head: None,
            last_sent: now,
            reading: Box::pin(sleep(timeouts.idle)),
            sending: None,
        }
    }

    /// The state in which the requests on this connection are to be marked.
    pub(super) fn state(&self) -> &ConnectionState {
        &self.state
    }

    /// When the client will be late; none while nothing is expected from it.
    fn due(&self) -> Option<Instant> {
        if self.state.is_busy() {
            return None;
        }
        match self.head {
            Some((begun, due)) if begun == self.state.requests_begun() => Some(due),
            _ => Some(self.state.idle_since().max(self.last_sent) + self.timeouts.idle),
        }
    }

    /// Notes that bytes were received. They begin a head unless one has begun or a request is in progress.
    fn received(&mut self) {
        let begun = self.state.requests_begun();
        if !self.state.is_busy() && self.head.is_none_or(|(of, _)| of != begun) {
            self.head = Some((begun, Instant::now() + self.timeouts.head));
        }
    }

    /// Returns an error when the client is late; else wakes the task when it may be.
    fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            let now = Instant::now();
            let due = self.due();
            if due.is_some_and(|due| due <= now) {
                return Poll::Ready(late("the client sent nothing in time"));
            }
            let check = due.unwrap_or(now + self.timeouts.idle);
            if self.reading.is_elapsed() || self.reading.deadline().into_std() > check {
                self.reading.as_mut().reset(check.into());
            }
            ready!(self.reading.as_mut().poll(context));
        }
    }
}

fn late(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        if let Poll::Ready(outcome) = Pin::new(&mut this.stream).poll_read(context, buffer) {
            if buffer.filled().len() > before {
                this.received();
            }
            return Poll::Ready(outcome);
        }
        this.poll_due(context).map(Err)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if let Poll::Ready(outcome) = Pin::new(&mut this.stream).poll_write(context, bytes) {
            this.sending = None;
            this.last_sent = Instant::now();
            return Poll::Ready(outcome);
        }
        if this.state.poll_stop_sending(context).is_ready() {
            return Poll::Ready(Err(late("the client accepted nothing while the service shut down")));
        }
        let send = this.timeouts.send;
        let sending = this.sending.get_or_insert_with(|| Box::pin(sleep(send)));
        ready!(sending.as_mut().poll(context));
        Poll::Ready(Err(late("the client accepted nothing in time")))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
