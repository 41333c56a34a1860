//! Writes outside units of work: leases, and the outbox for the relay.

/// The store's clock in SQL: microseconds since the epoch, to the millisecond.
macro_rules! now_us {
    () => {
        "CAST(unixepoch('subsec') * 1000000 AS INTEGER)"
    };
}

mod lease;
mod outbox_relay;

pub use lease::SqliteLeaseRepository;
pub use outbox_relay::SqliteOutboxRelayRepository;
