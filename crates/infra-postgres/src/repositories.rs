//! The write side beside the writer: what is no write set.

mod lease;
mod outbox_relay;

pub use lease::PostgresLeaseRepository;
pub use outbox_relay::PostgresOutboxRelayRepository;
