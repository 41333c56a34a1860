//! What is written outside units of work: leases, and the relay's side of the outbox.

mod lease;
mod outbox_relay;

pub use lease::SqliteLeaseRepository;
pub use outbox_relay::SqliteOutboxRelayRepository;
