//! What a use case can fail with.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use domain::errors::{DomainError, Rule};

use crate::ports::{MlError, StoreError};

/// A cause from outside, whatever its type.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A cause that belongs to several failures at once, such as those of all callers who waited for one inference.
pub type SharedError = Arc<dyn Error + Send + Sync>;

/// Why a use case gave no answer. `Display` is safe to show; the cause of an `Unavailable` or an
/// `InferenceFailed` is not, and stays in [`Error::source`].
#[derive(Debug, thiserror::Error)]
pub enum ApplicationError {
    /// The caller sent something that is not allowed.
    #[error("{field} {rule}")]
    Invalid {
        /// Where it stood.
        field: Cow<'static, str>,
        /// The rule it broke.
        rule: Rule,
    },
    /// There is no such thing.
    #[error("there is no {entity} {id}")]
    NotFound {
        /// The kind of thing.
        entity: &'static str,
        /// The id that was asked for.
        id: String,
    },
    /// Something else happened to the same thing at the same time.
    #[error("somebody else changes {entity} {id} at the same time")]
    Conflict {
        /// The kind of thing.
        entity: &'static str,
        /// Its id.
        id: String,
    },
    /// The default model is to be unloaded.
    #[error("the default model {name} cannot be unloaded")]
    DefaultModel {
        /// Its name.
        name: String,
    },
    /// The configuration does not allow it.
    #[error("{what} is turned off; {setting} = true turns it on")]
    TurnedOff {
        /// What is not allowed, such as `changing models`.
        what: &'static str,
        /// The setting that would allow it.
        setting: &'static str,
    },
    /// The model has more work waiting than it takes.
    #[error("the model's queue is full")]
    Saturated,
    /// The answer would have come too late.
    #[error("the answer took too long")]
    DeadlineExceeded,
    /// Something that the answer needs is not there for now.
    #[error("the {what} is not available")]
    Unavailable {
        /// What is missing, such as `store`.
        what: &'static str,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The model gave no usable numbers for this text.
    #[error("the model gave no answer for this text")]
    InferenceFailed {
        /// What went wrong in the engine.
        #[source]
        source: BoxError,
    },
    /// A kept row cannot be read back.
    #[error("row {id} of {table} cannot be read: {column}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column that does not hold what it should.
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
            StoreError::Unavailable { source } => Self::Unavailable { what: "store", source },
            StoreError::Corrupt { table, column, id } => Self::Corrupt { table, column, id },
        }
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
