//! The stores' repositories beside the write set: leases, and the relay's side of the outbox.

mod lease_repository;
mod outbox_relay_repository;

pub use lease_repository::{Lease, LeaseRepository};
pub use outbox_relay_repository::{OutboxEvent, OutboxRelayRepository};
