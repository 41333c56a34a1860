use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use application::ports::FailureLimiter;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::time::Instant;

/// Allows an address a number of failures at once, which then expire evenly over a minute (the generic cell rate
/// algorithm, ITU-T I.371).
pub struct AddressFailureLimiter {
    /// For each address the instant at which all its failures have expired.
    expired_at: Cache<IpAddr, Instant>,
    /// How long until one failure expires.
    interval: Duration,
}

/// How long until all failures of an address have expired, if there are no more.
const WINDOW: Duration = Duration::from_mins(1);
/// The most addresses that are stored; the one unused for longest is evicted first.
const MAX_ADDRESSES: u64 = 100_000;

impl AddressFailureLimiter {
    /// Makes a limiter of `per_minute` failures, at least one.
    pub fn new(per_minute: u32) -> Self {
        let expired_at = Cache::builder()
            .max_capacity(MAX_ADDRESSES)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_live(WINDOW)
            .build();
        Self { expired_at, interval: WINDOW / per_minute.max(1) }
    }
}

impl FailureLimiter for AddressFailureLimiter {
    fn blocked_for(&self, address: IpAddr) -> Option<Duration> {
        let expired_at = self.expired_at.get(&client(address))?;
        // The next failure must not move the instant further than the window allows.
        let wait = expired_at.checked_duration_since(Instant::now())? + self.interval;
        wait.checked_sub(WINDOW).filter(|wait| !wait.is_zero())
    }

    fn count(&self, address: IpAddr) {
        let now = Instant::now();
        self.expired_at.entry(client(address)).and_upsert_with(|known| {
            let from = known.map_or(now, |entry| entry.into_value().max(now));
            // Attempts in progress at the same time do not extend the wait.
            (from + self.interval).min(now + WINDOW)
        });
    }
}

/// The part of an address that identifies a client: all of an IPv4 address, 64 bits of an IPv6 address.
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}
