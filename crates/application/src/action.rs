//! `log_action`, the function around every controller and every use case: logs what ran, for how long, and the outcome.

use std::any::Any;
use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use tracing::Instrument;

use crate::errors::ApplicationError;

/// An error with a stable name and a party at fault.
pub trait ActionFailure: Error {
    /// A stable name for logs, such as `not_found`.
    fn code(&self) -> &'static str;

    /// Whether the server or a dependency failed, rather than the client, and the error is not logged yet.
    fn is_server_fault(&self) -> bool;
}

impl ActionFailure for ApplicationError {
    fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid",
            Self::NotFound { .. } => "not_found",
            Self::Conflict { .. } => "conflict",
            Self::DefaultModel { .. } => "default_model",
            Self::ModelNotLoadable { .. } => "not_loadable",
            Self::TurnedOff { .. } => "turned_off",
            Self::NotSealed => "not_sealed",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::Forbidden { .. } => "forbidden",
            Self::TenantDisabled => "tenant_disabled",
            Self::RateLimited { .. } => "rate_limited",
            Self::LimitExceeded { .. } => "limit_exceeded",
            Self::IdempotencyInProgress => "idempotency_in_progress",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::Gone { .. } => "gone",
            Self::FailedBefore(_) => "failed_before",
            Self::Saturated => "saturated",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Unavailable { .. } => "unavailable",
            Self::InferenceFailed { .. } => "inference_failed",
            Self::Corrupt { .. } => "corrupt",
        }
    }

    fn is_server_fault(&self) -> bool {
        match self {
            // Full queues and passed deadlines are counted by metrics; a line for each such request would flood the
            // log, and a client can shorten its deadline at will.
            Self::Invalid { .. }
            | Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::DefaultModel { .. }
            | Self::ModelNotLoadable { .. }
            | Self::TurnedOff { .. }
            | Self::NotSealed
            | Self::Unauthenticated { .. }
            | Self::Forbidden { .. }
            | Self::TenantDisabled
            | Self::RateLimited { .. }
            | Self::LimitExceeded { .. }
            | Self::IdempotencyInProgress
            | Self::IdempotencyKeyReused
            | Self::Gone { .. }
            // It was logged when it happened.
            | Self::FailedBefore(_)
            | Self::Saturated
            | Self::DeadlineExceeded => false,
            Self::Unavailable { .. }
            | Self::InferenceFailed { .. }
            | Self::Corrupt { .. } => true,
        }
    }
}

/// Runs `future` as the action `name` (`Type.method`) inside a span `app.action`, and logs its start (`→`) and its
/// success (`✓`) at info with whole milliseconds, a client's failure (`✗`) at info with its code, and a server's
/// failure (`✗`) at error with the chain of causes. All under the target `undertone::action`.
pub async fn log_action<T, E, F>(name: &'static str, future: F) -> Result<T, E>
where
    E: ActionFailure,
    F: Future<Output = Result<T, E>>,
{
    let span = tracing::info_span!(target: "undertone::action", "app.action", action = name);
    run_logged(name, future).instrument(span).await
}

async fn run_logged<T, E, F>(name: &'static str, future: F) -> Result<T, E>
where
    E: ActionFailure,
    F: Future<Output = Result<T, E>>,
{
    let started = Instant::now();
    log_start(name);
    let outcome = future.await;
    let duration = started.elapsed();
    match &outcome {
        Ok(_) => log_success(name, duration),
        Err(error) => log_failure(name, duration, error),
    }
    outcome
}

// Apart from `run_logged`, which is compiled for every action.

fn log_start(name: &'static str) {
    tracing::info!(target: "undertone::action", action = name, "→ {name}");
}

fn log_success(name: &'static str, duration: Duration) {
    let duration_ms = whole_milliseconds(duration);
    tracing::info!(target: "undertone::action", action = name, duration_ms, "✓ {name}");
}

fn log_failure(name: &'static str, duration: Duration, error: &dyn ActionFailure) {
    let (duration_ms, code) = (whole_milliseconds(duration), error.code());
    if error.is_server_fault() {
        let error = chain(error);
        tracing::error!(target: "undertone::action", action = name, duration_ms, code, error, "✗ {name}");
    } else {
        tracing::info!(target: "undertone::action", action = name, duration_ms, code, "✗ {name}");
    }
}

fn whole_milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Logs the failures of single items of the action `name`, which itself succeeds: one line at error for each code of a
/// server's failure, with the number of items and the chain of the first.
pub fn log_failed_items<'a, E>(name: &'static str, failures: impl IntoIterator<Item = &'a E>)
where
    E: ActionFailure + 'a,
{
    let mut by_code: BTreeMap<&'static str, (usize, &E)> = BTreeMap::new();
    for error in failures.into_iter().filter(|error| error.is_server_fault()) {
        by_code.entry(error.code()).or_insert((0, error)).0 += 1;
    }
    for (code, (items, first)) in by_code {
        tracing::error!(
            target: "undertone::action",
            action = name, items, code, error = chain(first), "✗ {items} items of {name}"
        );
    }
}

/// An error and its chain of causes, outermost first, on one line. A cause that the line ends with already, as that of
/// an error that prints its source, is not repeated.
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = error.source();
    }
    line
}

/// The message of a caught panic, if it has one.
pub fn panic_message(panic: &(dyn Any + Send)) -> Option<&str> {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str))
}
