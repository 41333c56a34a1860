use std::time::{Duration, Instant};

use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::time::timeout;

/// A limit on the time that a client makes the service wait for its body, summed over the body's chunks. The time that
/// the service itself takes between two chunks does not count.
#[derive(Debug)]
pub(super) struct ClientWait {
    limit: Duration,
    left: Duration,
}

/// The client took longer than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClientTooSlow;

impl ClientWait {
    pub(super) fn at_most(limit: Duration) -> Self {
        Self { limit, left: limit }
    }

    /// Returns the next chunk of `body`, or none at its end.
    pub(super) async fn next_chunk(
        &mut self,
        body: &mut (impl Stream<Item = Result<Bytes, PayloadError>> + Unpin),
    ) -> Result<Option<Result<Bytes, PayloadError>>, ClientTooSlow> {
        let started = Instant::now();
        let chunk = timeout(self.left, body.next()).await.map_err(|_elapsed| ClientTooSlow)?;
        self.left = self.left.saturating_sub(started.elapsed());
        Ok(chunk)
    }

    /// Resets the time to the whole limit.
    pub(super) fn restart(&mut self) {
        self.left = self.limit;
    }
}
