use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use application::ports::RateStanding;
use domain::value_objects::Rate;
use governor::clock::Clock;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};

/// What is used of a rate: a rate limiter whose state can be read and restored.
pub(super) struct Bucket {
    limiter: RateLimiter<NotKeyed, Arrival, RuntimeClock>,
    arrival: Arrival,
    /// The origin of the limiter's time.
    started: Instant,
    rate: Rate,
}

/// Why cells are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The rate is used up.
    NotYet {
        /// After this time it allows the cells, if nothing else uses it.
        retry_after: Duration,
    },
    /// So many are never allowed at once.
    Never {
        /// The burst.
        max: u32,
    },
}

/// The theoretical arrival time of the algorithm, in nanoseconds since the start of its limiter: when the whole burst
/// is allowed again. Calls are serialized by the lock of the account.
#[derive(Clone, Default)]
struct Arrival(Arc<AtomicU64>);

/// The clock of the runtime, which a test can pause.
struct RuntimeClock;

impl Bucket {
    /// A bucket of which nothing is used.
    pub(super) fn new(rate: Rate) -> Self {
        let arrival = Arrival::default();
        // Earlier than the limiter's origin by less than the time of a call.
        let started = RuntimeClock.now();
        let limiter = RateLimiter::new(quota(rate), arrival.clone(), RuntimeClock);
        Self { limiter, arrival, started, rate }
    }

    /// The same bucket at this rate: the same part of the burst is used. So nothing is gained while calls with an old
    /// and with a new rate alternate.
    pub(super) fn at_rate(self, rate: Rate) -> Self {
        if rate == self.rate {
            return self;
        }
        let used = u128::from(self.nanos_until_full()) * u128::from(window(rate));
        let used = used.div_ceil(u128::from(window(self.rate)));
        let bucket = Self::new(rate);
        bucket.arrival.set(u64::try_from(used).unwrap_or(u64::MAX));
        bucket
    }

    /// Takes `cells`.
    pub(super) fn take(&mut self, cells: NonZeroU32) -> Result<(), Refusal> {
        match self.limiter.check_n(cells) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => {
                Err(Refusal::NotYet { retry_after: not_until.wait_time_from(RuntimeClock.now()) })
            }
            Err(_capacity) => Err(Refusal::Never { max: self.rate.burst.get() }),
        }
    }

    /// The state, to be restored.
    pub(super) fn state(&self) -> u64 {
        self.arrival.get()
    }

    /// Gives back what was taken since the state was `before`.
    pub(super) fn restore(&mut self, before: u64) {
        self.arrival.set(before);
    }

    /// What is left.
    pub(super) fn standing(&self) -> RateStanding {
        let remaining = self.rate.burst.get() - self.used().min(self.rate.burst.get());
        RateStanding { rate: self.rate, remaining, full_in: Duration::from_nanos(self.nanos_until_full()) }
    }

    /// The cells that are used, also those in part.
    fn used(&self) -> u32 {
        u32::try_from(self.nanos_until_full().div_ceil(interval(self.rate))).unwrap_or(u32::MAX)
    }

    fn nanos_until_full(&self) -> u64 {
        let now = u64::try_from((RuntimeClock.now() - self.started).as_nanos()).unwrap_or(u64::MAX);
        self.arrival.get().saturating_sub(now)
    }
}

/// The nanoseconds in which a cell is allowed again, rounded down as in the limiter: near the largest rate up to 0.1%
/// more are allowed.
fn interval(rate: Rate) -> u64 {
    1_000_000_000 / u64::from(rate.per_second.get())
}

/// The nanoseconds in which the whole burst is allowed again.
fn window(rate: Rate) -> u64 {
    interval(rate) * u64::from(rate.burst.get())
}

fn quota(rate: Rate) -> Quota {
    Quota::per_second(rate.per_second).allow_burst(rate.burst)
}

impl Arrival {
    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, nanos: u64) {
        self.0.store(nanos, Ordering::Relaxed);
    }
}

impl StateStore for Arrival {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (outcome, next) = decide(Some(self.get().into()))?;
        self.set(next.into());
        Ok(outcome)
    }
}

impl Clock for RuntimeClock {
    type Instant = Instant;

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}
