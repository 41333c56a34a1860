//! Writes outside units of work: leases, and the outbox for the relay.

mod lease;
mod outbox_relay;

pub use lease::PostgresLeaseRepository;
pub use outbox_relay::PostgresOutboxRelayRepository;
