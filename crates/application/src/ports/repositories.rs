//! The write side of the stores.

mod lease_repository;
mod outbox_relay_repository;
mod outbox_repository;
mod prediction_repository;

pub use lease_repository::{Lease, LeaseRepository};
pub use outbox_relay_repository::{OutboxEvent, OutboxRelayRepository};
pub use outbox_repository::OutboxRepository;
pub use prediction_repository::PredictionRepository;
