//! The limit on the memory that the bodies of all requests and responses take together.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use metrics::{counter, gauge};

pub(crate) const BODY_MEMORY_BYTES: &str = "http_body_memory_bytes";
pub(crate) const BODY_MEMORY_REFUSED_TOTAL: &str = "http_body_memory_refused_total";

/// The bytes of each body that are not counted. Most bodies are smaller and so are served while large ones use up the
/// limit.
pub(crate) const FREE_BYTES: usize = 16 * 1024;

/// The limit of [`BodyMemory`] is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BodyMemoryFull;

/// An account of the bytes of bodies that are in memory, with a limit; clones share the account.
#[derive(Debug, Clone)]
pub struct BodyMemory(Arc<Account>);

#[derive(Debug)]
struct Account {
    limit: usize,
    used: AtomicUsize,
}

impl BodyMemory {
    /// Creates an account of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Account { limit, used: AtomicUsize::new(0) }))
    }

    /// Returns a reservation of no bytes.
    pub(crate) fn reserve(&self) -> Reservation {
        Reservation { account: Arc::clone(&self.0), bytes: 0 }
    }

    /// Returns the bytes in use, without the free ones of each body.
    #[cfg(test)]
    pub(crate) fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }
}

/// The bytes that one body, or the value parsed from it, takes; dropping it releases them.
#[derive(Debug)]
pub(crate) struct Reservation {
    account: Arc<Account>,
    bytes: usize,
}

impl Reservation {
    /// Returns the bytes that are reserved.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Raises the reservation to at least `bytes`.
    ///
    /// # Errors
    /// The limit is reached; the reservation is unchanged.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), BodyMemoryFull> {
        let more = charged(bytes).saturating_sub(charged(self.bytes));
        if more > 0 {
            let Account { limit, used } = &*self.account;
            let within_limit = |used: usize| used.checked_add(more).filter(|used| used <= limit);
            if used.try_update(Ordering::Relaxed, Ordering::Relaxed, within_limit).is_err() {
                counter!(BODY_MEMORY_REFUSED_TOTAL).increment(1);
                return Err(BodyMemoryFull);
            }
            gauge!(BODY_MEMORY_BYTES).increment(more as f64);
        }
        self.bytes = self.bytes.max(bytes);
        Ok(())
    }

    /// Sets the reservation to exactly `bytes`, even beyond the limit: for the response to work that is done and must
    /// not be refused any more. Other bodies are refused until the total is below the limit again.
    pub(crate) fn resize(&mut self, bytes: usize) {
        let (old, new) = (charged(self.bytes), charged(bytes));
        if new > old {
            self.account.used.fetch_add(new - old, Ordering::Relaxed);
            gauge!(BODY_MEMORY_BYTES).increment((new - old) as f64);
        } else if new < old {
            self.account.used.fetch_sub(old - new, Ordering::Relaxed);
            gauge!(BODY_MEMORY_BYTES).decrement((old - new) as f64);
        }
        self.bytes = bytes;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.resize(0);
    }
}

/// A response's body with its reservation. It is sent in parts, so that the connection's own buffer stays small.
pub(crate) struct ReservedBody {
    rest: Bytes,
    _reservation: Reservation,
}

/// The bytes sent at a time: as many as a connection buffers.
const PART_BYTES: usize = 32 * 1024;

impl ReservedBody {
    /// Creates the body of `bytes` and sets `reservation` to their number.
    pub(crate) fn new(bytes: Bytes, mut reservation: Reservation) -> Self {
        reservation.resize(bytes.len());
        Self { rest: bytes, _reservation: reservation }
    }
}

impl MessageBody for ReservedBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let rest = &mut self.get_mut().rest;
        let part = rest.split_to(rest.len().min(PART_BYTES));
        Poll::Ready((!part.is_empty()).then_some(Ok(part)))
    }
}

fn charged(bytes: usize) -> usize {
    bytes.saturating_sub(FREE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_bodies_are_served_while_large_ones_use_up_the_limit() {
        let memory = BodyMemory::new(100);
        let mut large = memory.reserve();
        assert!(large.grow_to(FREE_BYTES + 100).is_ok());
        assert!(memory.reserve().grow_to(FREE_BYTES).is_ok());
        let mut other = memory.reserve();
        assert_eq!(other.grow_to(FREE_BYTES + 1), Err(BodyMemoryFull));
        assert_eq!((other.bytes(), memory.used()), (0, 100));
        drop(large);
        assert!(other.grow_to(FREE_BYTES + 1).is_ok());
        assert_eq!(memory.used(), 1);
        drop(other);
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn growing_never_shrinks_and_resizing_is_exact_and_never_refused() {
        let memory = BodyMemory::new(100);
        let mut body = memory.reserve();
        assert!(body.grow_to(FREE_BYTES + 60).is_ok());
        assert!(body.grow_to(10).is_ok());
        assert_eq!(memory.used(), 60);
        body.resize(FREE_BYTES + 170);
        assert_eq!(memory.used(), 170);
        assert!(memory.reserve().grow_to(FREE_BYTES + 1).is_err());
        body.resize(10);
        assert_eq!(memory.used(), 0);
    }
}
