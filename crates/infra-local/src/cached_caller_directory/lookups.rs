use std::collections::HashMap;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use application::action::chain;
use application::errors::SharedError;
use application::ports::StoreError;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use moka::policy::EvictionPolicy;
use moka::sync::{Cache, CacheBuilder};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

/// Values of the store, used for [`MAX_AGE`] after they were read, and longer only by [`get_known`](Self::get_known).
///
/// A value that is used is read again in the background after [`REFRESH_AFTER`], so that no caller waits for it. Reads
/// of one key are shared by all that wait for it.
pub(super) struct Lookups<K, V> {
    found: Cache<K, Known<V>>,
    /// The keys without a value, apart, so that guessed keys do not displace values.
    absent: Cache<K, Known<V>>,
    in_flight: Mutex<InFlight<K, V>>,
    /// Bounds the reads that calls wait for, so that a burst of guessed keys does not flood the store.
    permits: Semaphore,
    read: Box<Read<K, V>>,
}

type Read<K, V> = dyn Fn(K) -> BoxFuture<'static, Result<Option<V>, StoreError>> + Send + Sync;
/// What was read, and when the read began.
type Known<V> = (Option<V>, Instant);
type Outcome<V> = Result<Known<V>, Failure>;
type Reading<V> = Shared<BoxFuture<'static, Outcome<V>>>;
type WeakReading<V> = WeakShared<BoxFuture<'static, Outcome<V>>>;

/// The reads in progress.
struct InFlight<K, V> {
    /// Each with its number, which distinguishes it from a later one of the same key.
    readings: HashMap<K, (u64, WeakReading<V>)>,
    last: u64,
}

/// How old a value may be, counted from before it was read. What is done with it within a second takes effect within
/// five seconds of a change.
const MAX_AGE: Duration = Duration::from_secs(4);
/// The age after which a value is read again while it is used.
const REFRESH_AFTER: Duration = Duration::from_secs(1);
/// How long a call waits for the first read of a value that it can do without.
const FIRST_READ_WITHIN: Duration = Duration::from_millis(100);
/// The most concurrent reads that calls wait for; the others are queued. Reads in the background need no permit: their
/// keys have a value, or were not sent by a client.
const MAX_READS: usize = 4;
/// The most values, and the most keys without one.
const MAX_ENTRIES: u64 = 10_000;

/// What a read is for.
#[derive(Clone, Copy)]
enum Purpose {
    /// For a call that waits for it.
    Awaited,
    /// For later calls.
    Background,
}

/// Why a value could not be read, for each call that waited for it.
#[derive(Clone)]
enum Failure {
    Unavailable(SharedError),
    Corrupt { table: &'static str, column: &'static str, id: String },
}

/// Why a read has no result.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("the store did not respond within {} s", MAX_AGE.as_secs())]
    TooSlow,
    #[error("the store panicked")]
    Panicked,
}

impl<K, V> Lookups<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Lookups by `read`.
    pub(super) fn new<F>(read: impl Fn(K) -> F + Send + Sync + 'static) -> Arc<Self>
    where
        F: Future<Output = Result<Option<V>, StoreError>> + Send + 'static,
    {
        Arc::new(Self {
            found: bounded().build(),
            absent: bounded().time_to_live(MAX_AGE).build(),
            in_flight: Mutex::new(InFlight { readings: HashMap::new(), last: 0 }),
            permits: Semaphore::new(MAX_READS),
            read: Box::new(move |key| read(key).boxed()),
        })
    }

    /// The value of `key`.
    pub(super) async fn get(self: &Arc<Self>, key: &K) -> Result<Option<V>, StoreError> {
        if let Some((value, read_at)) = self.found.get(key)
            && read_at.elapsed() <= MAX_AGE
        {
            if read_at.elapsed() >= REFRESH_AFTER {
                self.refresh(key);
            }
            return Ok(value);
        }
        if self.is_absent(key) {
            return Ok(None);
        }
        // A read that others began may be too old when this call sees its end.
        for _ in 0..2 {
            let reading = self.join(key, Purpose::Awaited).unwrap_or_else(|begun| begun);
            let (value, read_at) = reading.await?;
            if read_at.elapsed() <= MAX_AGE {
                return Ok(value);
            }
        }
        Err(StoreError::unavailable(ReadError::TooSlow))
    }

    /// Returns the value of `key` as it was last read, however long ago, and reads it again in the background. Waits
    /// for its first read, at most [`FIRST_READ_WITHIN`]. Not for keys that clients send.
    pub(super) async fn get_known(self: &Arc<Self>, key: &K) -> Option<V> {
        if let Some((value, read_at)) = self.found.get(key) {
            if read_at.elapsed() >= REFRESH_AFTER {
                self.refresh(key);
            }
            return value;
        }
        if self.is_absent(key) {
            return None;
        }
        // In the background, so that the read continues after the wait.
        self.refresh(key);
        timeout(FIRST_READ_WITHIN, self.get(key)).await.ok()?.ok()?
    }

    fn is_absent(&self, key: &K) -> bool {
        self.absent.get(key).is_some_and(|(_, read_at)| read_at.elapsed() <= MAX_AGE)
    }

    /// Reads `key` in the background, unless it is being read. Where there is no runtime, the value just ages.
    fn refresh(self: &Arc<Self>, key: &K) {
        let Ok(runtime) = Handle::try_current() else { return };
        let Err(begun) = self.join(key, Purpose::Background) else { return };
        runtime.spawn(async move {
            if let Err(error) = begun.await.map_err(StoreError::from) {
                tracing::debug!(error = chain(&error), "a key or tenant was not read again; trying later");
            }
        });
    }

    /// Returns the read of `key` in progress, or as `Err` one that begins now.
    fn join(self: &Arc<Self>, key: &K, purpose: Purpose) -> Result<Reading<V>, Reading<V>> {
        let mut in_flight = self.in_flight();
        if let Some(reading) = in_flight.readings.get(key).and_then(|(_, reading)| reading.upgrade()) {
            return Ok(reading);
        }
        in_flight.last += 1;
        let number = in_flight.last;
        let registration = Registration { owner: Arc::clone(self), key: key.clone(), number };
        let reading = run(registration, purpose).boxed().shared();
        // `downgrade` only fails for a future that has completed.
        if let Some(weak) = reading.downgrade() {
            in_flight.readings.insert(key.clone(), (number, weak));
        }
        Err(reading)
    }

    fn store(&self, key: &K, value: Option<V>, read_at: Instant) {
        let (cache, other) =
            if value.is_some() { (&self.found, &self.absent) } else { (&self.absent, &self.found) };
        other.invalidate(key);
        cache.insert(key.clone(), (value, read_at));
    }
}

impl<K, V> Lookups<K, V> {
    fn in_flight(&self) -> MutexGuard<'_, InFlight<K, V>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the key of `registration` and caches what was read. The wait for a permit counts for the time limit.
async fn run<K, V>(registration: Registration<K, V>, purpose: Purpose) -> Outcome<V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    let Registration { owner, key, .. } = &registration;
    let read = async {
        let _permit = match purpose {
            Purpose::Awaited => owner.permits.acquire().await.ok(),
            Purpose::Background => None,
        };
        let read_at = Instant::now();
        (AssertUnwindSafe((owner.read)(key.clone())).catch_unwind().await, read_at)
    };
    let (value, read_at) = match timeout(MAX_AGE, read).await {
        Ok((Ok(value), read_at)) => (value?, read_at),
        Ok((Err(_panic), _)) => return Err(Failure::Unavailable(Arc::new(ReadError::Panicked))),
        Err(_elapsed) => return Err(Failure::Unavailable(Arc::new(ReadError::TooSlow))),
    };
    owner.store(key, value.clone(), read_at);
    Ok((value, read_at))
}

/// A read's entry in the table, removed when it has ended or was dropped.
struct Registration<K: Eq + Hash, V> {
    owner: Arc<Lookups<K, V>>,
    key: K,
    number: u64,
}

impl<K: Eq + Hash, V> Drop for Registration<K, V> {
    fn drop(&mut self) {
        let mut in_flight = self.owner.in_flight();
        // If the read was dropped, another one of the same key may have begun already.
        if in_flight.readings.get(&self.key).is_some_and(|(number, _)| *number == self.number) {
            in_flight.readings.remove(&self.key);
        }
    }
}

/// A cache that evicts what was unused for longest. Ages are checked by its user; a time to live only frees memory.
fn bounded<K, V>() -> CacheBuilder<K, V, Cache<K, V>>
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder().max_capacity(MAX_ENTRIES).eviction_policy(EvictionPolicy::lru())
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { source } => Self::Unavailable(source.into()),
            StoreError::Corrupt { table, column, id } => Self::Corrupt { table, column, id },
            // No read fails so.
            StoreError::Conflict { .. }
            | StoreError::NotFound { .. }
            | StoreError::QuotaExceeded { .. }
            | StoreError::DeadlineExceeded => Self::Unavailable(Arc::new(error)),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable(source) => Self::unavailable(source),
            Failure::Corrupt { table, column, id } => Self::Corrupt { table, column, id },
        }
    }
}
