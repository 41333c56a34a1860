//! Keys and tenants, leases, and the outbox for the relay, with their writes outside units of work.

/// The store's clock in SQL: microseconds since the epoch, to the millisecond.
macro_rules! now_us {
    () => {
        "CAST(unixepoch('subsec') * 1000000 AS INTEGER)"
    };
}

mod api_key;
mod lease;
mod outbox_relay;
mod tenant;

pub use api_key::SqliteApiKeyRepository;
pub use lease::SqliteLeaseRepository;
pub use outbox_relay::SqliteOutboxRelayRepository;
pub use tenant::SqliteTenantRepository;
