//! Writes outside units of work: leases, and the outbox for the relay.

mod lease_repository;
mod outbox_relay_repository;

pub use lease_repository::{Lease, LeaseRepository};
pub use outbox_relay_repository::{OutboxEvent, OutboxRelayRepository};
