use std::time::Duration;

use application::dtos::{ComponentHealth, HealthReport, HealthStatus};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schemas;

/// The health of the service at the last check. If operators have a listener of their own, the public one reports the
/// status only.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthView {
    /// The worst status of the components.
    #[schema(schema_with = schemas::health_status)]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    components: Option<Vec<ComponentView>>,
    /// The program's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "0.1.0")]
    version: Option<&'static str>,
    /// How long the process has been running.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    uptime_seconds: Option<u64>,
}

/// The health of one component at the last check.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Component)]
struct ComponentView {
    #[schema(example = "store")]
    name: &'static str,
    #[schema(schema_with = schemas::health_status)]
    status: &'static str,
    /// What is wrong; null if nothing is.
    #[schema(required = true)]
    message: Option<&'static str>,
    /// How long the check took.
    latency_ms: u64,
}

/// Liveness: the process is running.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Live)]
pub(crate) struct StatusView {
    #[schema(schema_with = schemas::live_status)]
    status: &'static str,
}

/// Readiness: whether requests should be sent here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ready)]
pub(crate) struct ReadyView {
    #[schema(schema_with = schemas::ready_status)]
    status: &'static str,
}

/// What the process adds to the report.
pub(crate) struct ProcessFacts {
    pub(crate) version: &'static str,
    pub(crate) uptime: Duration,
}

/// Presents the report: in full if there are `facts`, otherwise only its status.
pub(crate) fn present_health(report: &HealthReport, facts: Option<&ProcessFacts>) -> HealthView {
    HealthView {
        status: present_health_status(report.status),
        components: facts.map(|_| report.components.iter().map(present_component).collect()),
        version: facts.map(|facts| facts.version),
        uptime_seconds: facts.map(|facts| facts.uptime.as_secs()),
    }
}

/// Presents the liveness of the process.
pub(crate) fn present_status() -> StatusView {
    StatusView { status: "ok" }
}

/// Presents the readiness of the service.
pub(crate) fn present_ready(ready: bool) -> ReadyView {
    ReadyView { status: if ready { "ready" } else { "not_ready" } }
}

fn present_component(component: &ComponentHealth) -> ComponentView {
    ComponentView {
        name: component.name,
        status: present_health_status(component.status),
        message: component.message,
        latency_ms: component.latency_ms,
    }
}

fn present_health_status(status: HealthStatus) -> &'static str {
    match status {
        HealthStatus::Healthy => "healthy",
        HealthStatus::Degraded => "degraded",
        HealthStatus::Unhealthy => "unhealthy",
    }
}
