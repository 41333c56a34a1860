use std::net::IpAddr;
use std::time::Duration;

/// Limits failed authentications per client address.
///
/// Implementations must count addresses apart, IPv6 addresses by their first 64 bits, which one client controls as a
/// whole, and must use bounded memory.
pub trait FailureLimiter: Send + Sync {
    /// How long the address must wait; none where it may try.
    fn blocked_for(&self, address: IpAddr) -> Option<Duration>;

    /// Counts a failure.
    fn count(&self, address: IpAddr);
}
