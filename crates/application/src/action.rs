//! One function around every controller and every use case: what ran, how long, and how it ended.

use std::any::Any;
use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

use tracing::Instrument;

use crate::errors::ApplicationError;

/// An error that knows its name and whose fault it is.
pub trait ActionFailure: Error {
    /// A stable name for logs, such as `not_found`.
    fn code(&self) -> &'static str;

    /// Whether we or a dependency failed, rather than the caller, and nobody has logged it yet.
    fn is_ours(&self) -> bool;
}

impl ActionFailure for ApplicationError {
    fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid",
            Self::NotFound { .. } => "not_found",
            Self::Conflict { .. } => "conflict",
            Self::DefaultModel { .. } => "default_model",
            Self::TurnedOff { .. } => "turned_off",
            Self::Saturated => "saturated",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Unavailable { .. } => "unavailable",
            Self::InferenceFailed { .. } => "inference_failed",
            Self::Corrupt { .. } => "corrupt",
        }
    }

    fn is_ours(&self) -> bool {
        match self {
            // A full queue is the callers' sum, told by a metric: a line each would drown the log.
            Self::Invalid { .. }
            | Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::DefaultModel { .. }
            | Self::TurnedOff { .. }
            | Self::Saturated => false,
            Self::DeadlineExceeded
            | Self::Unavailable { .. }
            | Self::InferenceFailed { .. }
            | Self::Corrupt { .. } => true,
        }
    }
}

/// Runs `future` as the action `name` (`Type.method`), inside a span `app.action` of its own: its start (`→`) and its success (`✓`) at info with whole
/// milliseconds, a failure that the caller caused (`✗`) at info with its code, a failure of ours (`✗`) at error
/// with the chain of causes. All under the target `undertone::action`.
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
    tracing::info!(target: "undertone::action", action = name, "→ {name}");
    let outcome = future.await;
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    match &outcome {
        Ok(_) => tracing::info!(target: "undertone::action", action = name, duration_ms, "✓ {name}"),
        Err(error) if error.is_ours() => tracing::error!(
            target: "undertone::action",
            action = name, duration_ms, code = error.code(), error = chain(error), "✗ {name}"
        ),
        Err(error) => tracing::info!(
            target: "undertone::action",
            action = name, duration_ms, code = error.code(), "✗ {name}"
        ),
    }
    outcome
}

/// Logs the `failures` of single items of the action `name`, which succeeds all the same. Those that we or a dependency
/// caused are one line at error for each code, with their number and the chain of the first, however many there are.
pub fn log_failed_items<'a, E>(name: &'static str, failures: impl IntoIterator<Item = &'a E>)
where
    E: ActionFailure + 'a,
{
    let mut by_code: BTreeMap<&'static str, (usize, &E)> = BTreeMap::new();
    for error in failures.into_iter().filter(|error| error.is_ours()) {
        by_code.entry(error.code()).or_insert((0, error)).0 += 1;
    }
    for (code, (items, first)) in by_code {
        tracing::error!(
            target: "undertone::action",
            action = name, items, code, error = chain(first), "✗ {items} items of {name}"
        );
    }
}

/// An error and everything that caused it, outermost first, on one line.
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

/// The message of a panic that was caught, where it has one.
pub fn panic_message(panic: &(dyn Any + Send)) -> Option<&str> {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str))
}
