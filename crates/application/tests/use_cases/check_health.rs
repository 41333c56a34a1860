use std::sync::Arc;
use std::time::Duration;

use application::dtos::HealthStatus;
use application::ports::{Clock, HealthCheck};
use application::use_cases::CheckHealthUseCase;
use domain::value_objects::Timestamp;
use testkit::{CapturedLog, FakeHealthCheck, FixedClock};
use tracing::Level;

/// A service with a vital store and a non-vital cache.
struct Service {
    store: Arc<FakeHealthCheck>,
    cache: Arc<FakeHealthCheck>,
    clock: Arc<FixedClock>,
    health: CheckHealthUseCase,
}

impl Service {
    fn new() -> Self {
        let store = Arc::new(FakeHealthCheck::vital("store"));
        let cache = Arc::new(FakeHealthCheck::non_vital("cache"));
        let clock = Arc::new(FixedClock::default());
        let checks: Vec<Arc<dyn HealthCheck>> = vec![store.clone(), cache.clone()];
        let health = CheckHealthUseCase::new(checks, clock.clone());
        Self { store, cache, clock, health }
    }

    /// Checks all components and returns the overall status.
    async fn look(&self) -> HealthStatus {
        self.health.execute().await.expect("a report").status
    }

    fn pass(&self, milliseconds: u64) {
        self.clock.advance(Duration::from_millis(milliseconds));
    }
}

#[tokio::test]
async fn before_the_first_check_the_service_is_neither_healthy_nor_ready() {
    let service = Service::new();
    assert_eq!(service.health.last().status, HealthStatus::Unhealthy);
    assert!(!service.health.is_ready());
}

#[tokio::test]
async fn with_every_component_working_the_service_is_ready() {
    let service = Service::new();
    assert_eq!(service.look().await, HealthStatus::Healthy);
    assert!(service.health.is_ready());
    let report = service.health.last();
    let names: Vec<_> = report.components.iter().map(|it| (it.name, it.status, it.message)).collect();
    assert_eq!(names, [("store", HealthStatus::Healthy, None), ("cache", HealthStatus::Healthy, None)]);
}

#[tokio::test]
async fn without_a_non_vital_component_the_service_is_degraded_and_ready() {
    let service = Service::new();
    service.cache.fail_with("no route to host");
    assert_eq!(service.look().await, HealthStatus::Degraded);
    assert!(service.health.is_ready());
    service.pass(60_000);
    assert_eq!(service.look().await, HealthStatus::Degraded);
    assert!(service.health.is_ready());
}

#[tokio::test]
async fn a_vital_component_may_fail_for_two_seconds() {
    let service = Service::new();
    service.look().await;
    service.store.fail_with("connection refused");
    assert_eq!(service.look().await, HealthStatus::Unhealthy);
    assert!(service.health.is_ready());
    service.pass(1_999);
    assert_eq!(service.look().await, HealthStatus::Unhealthy);
    assert!(service.health.is_ready());
    service.pass(1);
    assert!(!service.health.is_ready(), "also between two looks");
    service.store.recover();
    assert_eq!(service.look().await, HealthStatus::Healthy);
    assert!(service.health.is_ready());
}

#[tokio::test]
async fn setting_the_wall_clock_changes_no_readiness() {
    let service = Service::new();
    service.look().await;
    service.store.fail_with("connection refused");
    service.look().await;
    service.clock.set(service.clock.now().plus(Duration::from_hours(1)));
    assert!(service.health.is_ready(), "no second has passed");
    service.clock.set(Timestamp::from_micros(0));
    service.pass(2_000);
    assert!(!service.health.is_ready(), "two seconds have passed");
}

#[tokio::test]
async fn a_component_that_never_worked_is_no_warning_and_one_that_did_is() {
    let service = Service::new();
    service.store.fail_with("the model is still loading");
    let log = CapturedLog::start();
    service.look().await;
    service.look().await;
    let lines: Vec<_> = log.lines().into_iter().filter(|line| line.field("component") == "store").collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((lines[0].level, lines[0].field("reason")), (Level::INFO, "the model is still loading"));

    service.store.recover();
    service.look().await;
    service.store.fail_with("connection refused");
    service.look().await;
    let warnings: Vec<_> = log.lines().into_iter().filter(|line| line.level == Level::WARN).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0].field("error"), "connection refused");
}

#[tokio::test]
async fn the_two_seconds_start_again_after_every_success() {
    let service = Service::new();
    service.look().await;
    for _ in 0..5 {
        service.store.fail_with("connection refused");
        service.look().await;
        service.pass(1_500);
        service.store.recover();
        service.look().await;
        assert!(service.health.is_ready());
    }
}

#[tokio::test]
async fn a_service_that_was_never_ready_has_no_grace_period() {
    let service = Service::new();
    service.store.fail_with("the model is loading");
    assert_eq!(service.look().await, HealthStatus::Unhealthy);
    assert!(!service.health.is_ready());
    service.store.recover();
    service.look().await;
    assert!(service.health.is_ready());
}

#[tokio::test]
async fn a_service_that_drains_is_never_ready_again() {
    let service = Service::new();
    service.look().await;
    assert!(!service.health.is_draining());
    service.health.drain();
    assert!(service.health.is_draining() && !service.health.is_ready());
    assert_eq!(service.look().await, HealthStatus::Healthy);
    assert!(!service.health.is_ready());
}

#[tokio::test]
async fn the_cause_of_a_failure_is_not_in_the_report() {
    let service = Service::new();
    service.store.fail_with("password authentication failed for user undertone");
    let report = service.health.execute().await.unwrap();
    assert_eq!(report.components[0].message, Some("not available"));
    assert!(!format!("{report:?}").contains("password"));
}

#[tokio::test]
async fn the_worst_component_decides() {
    let service = Service::new();
    service.store.fail_with("gone");
    service.cache.fail_with("gone");
    assert_eq!(service.look().await, HealthStatus::Unhealthy);
    let report = service.health.last();
    let states: Vec<_> = report.components.iter().map(|it| it.status).collect();
    assert_eq!(states, [HealthStatus::Unhealthy, HealthStatus::Degraded]);
}

#[tokio::test]
async fn a_service_without_components_is_healthy() {
    let health = CheckHealthUseCase::new(Vec::new(), Arc::new(FixedClock::default()));
    assert_eq!(health.execute().await.unwrap().status, HealthStatus::Healthy);
    assert!(health.is_ready());
}
