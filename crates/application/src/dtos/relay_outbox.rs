/// Make one pass over the outbox.
#[derive(Debug, Clone)]
pub struct RelayOutboxRequest {
    /// The name of this replica.
    pub holder: String,
}

/// The result of the pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayOutboxResponse {
    /// Whether this process holds the lease.
    pub leads: bool,
    /// The events published.
    pub published: usize,
    /// Whether more events are waiting.
    pub more: bool,
}
