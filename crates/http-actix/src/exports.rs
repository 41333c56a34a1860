//! The exports in progress: how many, and how long each waits for its client.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::Error;
use actix_web::error::ErrorInternalServerError;
use actix_web::rt::task::JoinHandle;
use actix_web::web::Bytes;
use futures_util::Stream;
use tokio::sync::mpsc::{self, Permit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::body_memory::{BodyMemory, Reservation};
use crate::presenters::EXPORT_PAGE_BYTES;

/// Bounds the number of exports in progress. Clones share it.
#[derive(Debug, Clone)]
pub struct Exports(Arc<Semaphore>);

/// No further export can begin for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExportsFull;

/// An export in progress; it has ended when this is dropped.
#[derive(Debug)]
pub(crate) struct ExportPermit {
    _place: OwnedSemaphorePermit,
    _memory: Reservation,
}

impl Exports {
    /// The most exports at a time by default.
    pub const DEFAULT: usize = 4;

    /// Allows at most `most` exports at a time.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }

    /// Begins an export, whose pages count as part of `memory`.
    ///
    /// # Errors
    /// As many are in progress as are allowed, or the memory is used up.
    pub(crate) fn begin(&self, memory: &BodyMemory) -> Result<ExportPermit, ExportsFull> {
        let place = Arc::clone(&self.0).try_acquire_owned();
        let place = place.map_err(|_none_is_free| ExportsFull)?;
        let mut memory = memory.reserve();
        memory.grow_to(EXPORT_PAGE_BYTES).map_err(|_full| ExportsFull)?;
        Ok(ExportPermit { _place: place, _memory: memory })
    }
}

impl Default for Exports {
    fn default() -> Self {
        Self::new(Self::DEFAULT)
    }
}

/// What the producer of a body hands to it.
enum Part {
    Bytes(Bytes),
    End,
}

/// Creates the two ends of a body. The body holds what it sends; the producer prepares the next chunk meanwhile, and
/// waits until the body has taken it.
pub(crate) fn chunked_body(stalled: Duration) -> (ChunkSender, ChunkReceiver) {
    let (sender, receiver) = mpsc::channel(1);
    let polled = Arc::new(Mutex::new(Instant::now()));
    (ChunkSender { sender, polled: Arc::clone(&polled), stalled }, ChunkReceiver { receiver, polled })
}

/// Where the producer of a body sends its chunks.
pub(crate) struct ChunkSender {
    sender: mpsc::Sender<Part>,
    /// When the body was last asked for bytes.
    polled: Arc<Mutex<Instant>>,
    stalled: Duration,
}

/// The place for the next chunk.
pub(crate) struct ChunkPlace<'s>(Permit<'s, Part>);

impl ChunkSender {
    /// Waits until the body has begun to send the previous chunk; none if the body was dropped, or its client accepts
    /// nothing for a long time.
    pub(crate) async fn place(&self) -> Option<ChunkPlace<'_>> {
        loop {
            match timeout(self.stalled, self.sender.reserve()).await {
                Ok(place) => return place.ok().map(ChunkPlace),
                Err(_elapsed) if self.is_stalled() => return None,
                Err(_elapsed) => {}
            }
        }
    }

    fn is_stalled(&self) -> bool {
        self.polled.lock().unwrap_or_else(PoisonError::into_inner).elapsed() >= self.stalled
    }
}

impl ChunkPlace<'_> {
    /// Hands over the next chunk.
    pub(crate) fn send(self, chunk: Vec<u8>) {
        self.0.send(Part::Bytes(chunk.into()));
    }

    /// Ends the body in order.
    pub(crate) fn end(self) {
        self.0.send(Part::End);
    }
}

/// What the producer of a body has prepared.
pub(crate) struct ChunkReceiver {
    receiver: mpsc::Receiver<Part>,
    polled: Arc<Mutex<Instant>>,
}

impl ChunkReceiver {
    /// Returns the body, which stops its `producer` when it is dropped.
    pub(crate) fn into_body(self, producer: JoinHandle<()>) -> ChunkedBody {
        ChunkedBody { chunks: self, rest: Bytes::new(), ended: false, producer }
    }
}

/// A body of chunks. It fails, which breaks the connection visibly, if its producer ends before the body does.
pub(crate) struct ChunkedBody {
    chunks: ChunkReceiver,
    /// What is left of the current chunk.
    rest: Bytes,
    ended: bool,
    producer: JoinHandle<()>,
}

/// The bytes sent at a time: as many as a connection buffers.
const PART_BYTES: usize = 32 * 1024;

impl Stream for ChunkedBody {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        *this.chunks.polled.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        while this.rest.is_empty() && !this.ended {
            match ready!(this.chunks.receiver.poll_recv(context)) {
                Some(Part::Bytes(chunk)) => this.rest = chunk,
                Some(Part::End) => this.ended = true,
                None => {
                    this.ended = true;
                    return Poll::Ready(Some(Err(ErrorInternalServerError("the body is incomplete"))));
                }
            }
        }
        let part = this.rest.split_to(this.rest.len().min(PART_BYTES));
        Poll::Ready((!part.is_empty()).then_some(Ok(part)))
    }
}

impl Drop for ChunkedBody {
    fn drop(&mut self) {
        self.producer.abort();
    }
}

#[cfg(test)]
mod tests {
    use actix_web::rt::spawn;
    use futures_util::{StreamExt, poll};

    use super::*;

    const STALLED: Duration = Duration::from_secs(30);

    #[actix_web::test]
    async fn one_chunk_is_prepared_while_another_is_sent() {
        let (sender, receiver) = chunked_body(STALLED);
        let mut body = receiver.into_body(spawn(async {}));
        assert!(sender.place().await.is_some_and(|place| {
            place.send(vec![1; PART_BYTES + 1]);
            true
        }));
        assert!(poll!(Box::pin(sender.place())).is_pending());
        assert_eq!(body.next().await.and_then(Result::ok).map(|part| part.len()), Some(PART_BYTES));
        assert!(sender.place().await.is_some_and(|place| {
            place.send(vec![2]);
            true
        }));
        assert!(poll!(Box::pin(sender.place())).is_pending());
        assert_eq!(body.next().await.and_then(Result::ok).map(|part| part.len()), Some(1));
        assert_eq!(body.next().await.and_then(Result::ok).as_deref(), Some(&[2][..]));
        assert!(sender.place().await.is_some_and(|place| {
            place.end();
            true
        }));
        assert!(body.next().await.is_none() && body.next().await.is_none());
    }

    #[actix_web::test]
    async fn a_body_whose_producer_ends_early_fails() {
        let (sender, receiver) = chunked_body(STALLED);
        let mut body = receiver.into_body(spawn(async {}));
        assert!(sender.place().await.is_some_and(|place| {
            place.send(vec![1]);
            true
        }));
        drop(sender);
        assert!(body.next().await.is_some_and(|part| part.is_ok()));
        assert!(body.next().await.is_some_and(|part| part.is_err()));
        assert!(body.next().await.is_none());
    }

    #[actix_web::test]
    async fn a_body_that_is_dropped_stops_its_producer() {
        let (sender, receiver) = chunked_body(STALLED);
        let running = Arc::new(());
        let witness = Arc::clone(&running);
        let body = receiver.into_body(spawn(async move {
            std::future::pending::<()>().await;
            drop(witness);
        }));
        drop(body);
        assert!(sender.place().await.is_none());
        actix_web::rt::task::yield_now().await;
        assert_eq!(Arc::strong_count(&running), 1);
    }

    #[actix_web::test]
    async fn a_producer_gives_up_a_body_that_is_not_polled() {
        let stalled = Duration::from_millis(20);
        let (sender, receiver) = chunked_body(stalled);
        let mut body = receiver.into_body(spawn(async {}));
        let begun = Instant::now();
        assert!(sender.place().await.is_some_and(|place| {
            place.send(vec![1; 2 * PART_BYTES]);
            true
        }));
        assert!(body.next().await.is_some_and(|part| part.is_ok()));
        assert!(sender.place().await.is_some_and(|place| {
            place.send(vec![1]);
            true
        }));
        assert!(sender.place().await.is_none());
        assert!(begun.elapsed() >= stalled);
    }
}
