use domain::value_objects::TenantId;

/// Following the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowEventsRequest {
    /// The owner of the events.
    pub tenant: TenantId,
    /// The position above which to begin; from now on without one.
    pub after: Option<i64>,
}

/// The result of a pass over the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceEventsResponse {
    /// Whether this replica leads.
    pub leads: bool,
    /// The events that got a position.
    pub sequenced: u32,
    /// Whether more events are waiting.
    pub more: bool,
}

/// The result of a sink's pass over the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinkPass {
    /// Whether this replica leads.
    pub leads: bool,
    /// The events that the sink has passed.
    pub passed: u64,
    /// Whether to go on at once, since more events or other work wait.
    pub more: bool,
    /// Whether the sink failed and needs a pause.
    pub failed: bool,
}

impl SinkPass {
    /// The pass of a replica that does not lead.
    pub const FOLLOWER: Self = Self { leads: false, passed: 0, more: false, failed: false };
}
