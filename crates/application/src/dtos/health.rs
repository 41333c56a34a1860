/// The state of a component or of the service, best first: the worst component decides for the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HealthStatus {
    /// It works.
    Healthy,
    /// It fails, and the service works without it.
    Degraded,
    /// It fails, and the service cannot work without it.
    Unhealthy,
}

/// The result of one component's last check.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentHealth {
    /// The component.
    pub name: &'static str,
    /// Its state.
    pub status: HealthStatus,
    /// What is wrong, safe to show to a client; none if healthy.
    pub message: Option<&'static str>,
    /// How long the check took, in milliseconds.
    pub latency_ms: u64,
}

/// The result of the last check of all components.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthReport {
    /// The worst of the components.
    pub status: HealthStatus,
    /// The components.
    pub components: Vec<ComponentHealth>,
}
