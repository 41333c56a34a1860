use std::borrow::Cow;
use std::time::Duration;

use domain::errors::{DomainError, Rule};
use domain::value_objects::Scope;

use crate::errors::BoxError;
use crate::ports::{ItemFailure, LimitError, LimitPolicy, MlError, NotComputed, StoreError};

/// Why a use case failed. `Display` is safe to show to a client; the cause of an `Unavailable` or an `InferenceFailed`
/// is not, and is only reachable by [`source`](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
pub enum ApplicationError {
    /// The request breaks a rule.
    #[error("{field} {rule}")]
    Invalid {
        /// The field in the request.
        field: Cow<'static, str>,
        /// The rule it broke.
        rule: Rule,
    },
    /// The entity does not exist.
    #[error("there is no {entity} {id}")]
    NotFound {
        /// The kind of entity, such as `prediction`.
        entity: &'static str,
        /// The id in the request.
        id: String,
    },
    /// Another request is modifying the same entity.
    #[error("{entity} {id} is being modified by another request")]
    Conflict {
        /// The kind of entity, such as `prediction`.
        entity: &'static str,
        /// Its id.
        id: String,
    },
    /// The request would unload the default model.
    #[error("the default model {name} cannot be unloaded")]
    DefaultModel {
        /// Its name.
        name: String,
    },
    /// The model cannot be loaded as the request describes it.
    #[error("{field} cannot be used: {why}")]
    ModelNotLoadable {
        /// The setting at fault, such as `path`.
        field: &'static str,
        /// What is wrong with it and what to do; safe to show to a client.
        why: String,
    },
    /// The configuration does not allow the action.
    #[error("{what} is turned off; {setting} = true turns it on")]
    TurnedOff {
        /// The action, such as `changing models`.
        what: &'static str,
        /// The setting that allows it.
        setting: &'static str,
    },
    /// The audit cannot be checked, because its lines have no seals.
    #[error("the audit has no seals; set audit.key to seal its lines")]
    NotSealed,
    /// The caller sent no credentials, or none that are valid; the client does not learn which.
    #[error("the request is not authenticated")]
    Unauthenticated {
        /// Why; for the log, never for the client.
        why: &'static str,
    },
    /// The caller lacks a scope.
    #[error("the scope {scope} is missing")]
    Forbidden {
        /// The scope.
        scope: Scope,
    },
    /// The caller's tenant is disabled or erased.
    #[error("the tenant is disabled")]
    TenantDisabled,
    /// The caller must wait.
    #[error("too many failed attempts to authenticate from this address")]
    RateLimited {
        /// How long.
        retry_after: Duration,
    },
    /// A limit of the tenant or of the caller is reached.
    #[error("the limit {} is reached", .policy.as_str())]
    LimitExceeded {
        /// The limit.
        policy: LimitPolicy,
        /// How long to wait before another attempt.
        retry_after: Duration,
    },
    /// Another request with the same idempotency key is in progress.
    #[error("a request with this idempotency key is in progress")]
    IdempotencyInProgress,
    /// Another request has the same idempotency key.
    #[error("the idempotency key was used for another request")]
    IdempotencyKeyReused,
    /// The entity existed when the request was answered first, and was deleted since.
    #[error("{entity} {id} was deleted")]
    Gone {
        /// The kind of entity, such as `prediction`.
        entity: &'static str,
        /// Its id.
        id: String,
    },
    /// The item failed when the request was answered first.
    #[error("the item failed with {} when the request was answered first", .0.code)]
    FailedBefore(ItemFailure),
    /// The model's queue is full, or as many analyses as allowed are in progress.
    #[error("too much work is in progress")]
    Saturated,
    /// The request was not answered in time, and nothing is stored.
    #[error("the request was not answered in time")]
    DeadlineExceeded,
    /// A component is not available.
    #[error("the {what} is not available")]
    Unavailable {
        /// The component, such as `store`.
        what: &'static str,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The engine failed on this text, or computed a logit that is not finite.
    #[error("the model failed on this text")]
    InferenceFailed {
        /// What went wrong in the engine.
        #[source]
        source: BoxError,
    },
    /// A stored row cannot be read.
    #[error("row {id} of {table} cannot be read: {column}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column with the unreadable value.
        column: &'static str,
        /// The row's id.
        id: String,
    },
}

impl From<DomainError> for ApplicationError {
    fn from(error: DomainError) -> Self {
        match error {
            DomainError::BusinessRuleViolation { field, rule } => Self::Invalid { field, rule },
            DomainError::EntityNotFound { entity, id } => Self::NotFound { entity, id },
        }
    }
}

impl From<StoreError> for ApplicationError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { entity, id } => Self::Conflict { entity, id },
            StoreError::NotFound { entity, id } => Self::NotFound { entity, id },
            StoreError::QuotaExceeded { day_ends_in } => {
                Self::LimitExceeded { policy: LimitPolicy::TextsPerDay, retry_after: day_ends_in }
            }
            StoreError::DeadlineExceeded => Self::DeadlineExceeded,
            StoreError::Unavailable { source } => Self::Unavailable { what: "store", source },
            StoreError::Corrupt { table, column, id } => Self::Corrupt { table, column, id },
        }
    }
}

impl ApplicationError {
    /// The refusal of `texts` by a limit.
    pub(crate) fn of_limit(error: LimitError, texts: u32) -> Self {
        match error {
            LimitError::Exceeded { policy, retry_after } => Self::LimitExceeded { policy, retry_after },
            LimitError::TooManyAtOnce { max } => {
                let rule = Rule::TooMany { max: max as usize, actual: texts as usize };
                Self::Invalid { field: "items".into(), rule }
            }
        }
    }
}

impl From<NotComputed> for ApplicationError {
    fn from(error: NotComputed) -> Self {
        Self::Unavailable { what: "analysis", source: error.into() }
    }
}

impl From<MlError> for ApplicationError {
    fn from(error: MlError) -> Self {
        match error {
            MlError::Saturated => Self::Saturated,
            MlError::DeadlineExceeded => Self::DeadlineExceeded,
            MlError::InferenceFailed { source } => Self::InferenceFailed { source: source.into() },
            MlError::TooManyTokens { max, actual } => {
                Self::Invalid { field: "text".into(), rule: Rule::TooManyTokens { max, actual } }
            }
            MlError::Unavailable { source } => Self::Unavailable { what: "model", source: source.into() },
        }
    }
}
