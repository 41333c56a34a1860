/// How well something works; the worst component decides for the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HealthStatus {
    /// It works.
    Healthy,
    /// The service works without it, but not as well.
    Degraded,
    /// The service is of no use now.
    Unhealthy,
}

/// One component's state when it was last looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentHealth {
    /// The component.
    pub name: &'static str,
    /// Its state.
    pub status: HealthStatus,
    /// What is wrong, in words that are safe to show; none where nothing is.
    pub message: Option<&'static str>,
    /// How long the look took, in milliseconds.
    pub latency_ms: u64,
}

/// The state of the whole service when it was last looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthReport {
    /// The worst of the components.
    pub status: HealthStatus,
    /// The components.
    pub components: Vec<ComponentHealth>,
}
