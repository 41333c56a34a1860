use domain::events::DomainEvent;

/// Records events in a unit of work, to be published once it is committed.
pub trait OutboxRepository {
    /// Append `events`, in this order.
    fn append(&mut self, events: &[DomainEvent]);
}
