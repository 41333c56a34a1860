use std::path::PathBuf;
use std::sync::Arc;

use infra_local::{Fault, FaultInjector};
use serde::{Deserialize, Serialize};

/// A fault of the first request with an idempotency key, for tests of its retries.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FaultSettings {
    /// The step at which it happens, such as `claimed`; without it there is none.
    at: Option<String>,
    action: FaultAction,
    /// The request waits until this file exists.
    stall_until: Option<PathBuf>,
}

/// What happens at the step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FaultAction {
    /// The process ends as by `kill -9`.
    #[default]
    Abort,
    /// The request waits.
    Stall,
}

impl FaultSettings {
    /// Returns what injects the fault, if there is one.
    ///
    /// # Errors
    /// An unknown step, or a stall without its end.
    pub(crate) fn injector(&self) -> Result<Option<Arc<FaultInjector>>, String> {
        let Some(step) = &self.at else { return Ok(None) };
        let step = step.parse().map_err(|error| format!("at {error}"))?;
        let fault = match (self.action, &self.stall_until) {
            (FaultAction::Abort, _) => Fault::Abort,
            (FaultAction::Stall, Some(file)) => Fault::Stall(file.clone()),
            (FaultAction::Stall, None) => return Err("stall_until must be set for a stall".to_owned()),
        };
        Ok(Some(FaultInjector::new(step, fault)))
    }
}
