use std::time::Duration;

use application::errors::ApplicationError;
use application::ports::{ItemFailure, LimitPolicy};
use domain::errors::{DomainError, Rule};

use crate::body_memory::BodyMemoryFull;
use crate::offload::ProcessEnding;
use crate::problem::{Problem, ProblemCode};

impl From<ApplicationError> for Problem {
    /// Translates a use case's error into what the client sees. Its cause is left to the log.
    fn from(error: ApplicationError) -> Self {
        match error {
            ApplicationError::Invalid { field, rule } => {
                Self::new(ProblemCode::from(&rule)).detail(format!("{field} {rule}")).field(&field)
            }
            ApplicationError::NotFound { .. } => Self::new(ProblemCode::NotFound).detail(error.to_string()),
            ApplicationError::Conflict { .. } => Self::new(ProblemCode::Conflict).detail(error.to_string()),
            ApplicationError::DefaultModel { .. } => {
                Self::new(ProblemCode::DefaultModel).detail(error.to_string())
            }
            ApplicationError::ModelNotLoadable { field, .. } => {
                Self::new(ProblemCode::NotLoadable).detail(error.to_string()).field(field)
            }
            ApplicationError::TurnedOff { .. } | ApplicationError::NotSealed => {
                Self::new(ProblemCode::TurnedOff).detail(error.to_string())
            }
            ApplicationError::Unauthenticated { .. } => Self::new(ProblemCode::Unauthenticated),
            ApplicationError::Forbidden { .. } => Self::new(ProblemCode::Forbidden).detail(error.to_string()),
            ApplicationError::TenantDisabled => Self::new(ProblemCode::TenantDisabled),
            ApplicationError::RateLimited { retry_after } => {
                Self::new(ProblemCode::RateLimited).detail(error.to_string()).retry_after(retry_after)
            }
            ApplicationError::LimitExceeded { policy, retry_after } => {
                Self::new(ProblemCode::from(policy)).detail(error.to_string()).retry_after(retry_after)
            }
            ApplicationError::IdempotencyInProgress => {
                Self::new(ProblemCode::IdempotencyInProgress).retry_after(Duration::from_secs(1))
            }
            ApplicationError::IdempotencyKeyReused => Self::new(ProblemCode::IdempotencyKeyReused),
            ApplicationError::Gone { .. } => Self::new(ProblemCode::Gone).detail(error.to_string()),
            ApplicationError::FailedBefore(failure) => failure.into(),
            ApplicationError::Saturated => Self::new(ProblemCode::Saturated),
            ApplicationError::DeadlineExceeded => Self::new(ProblemCode::DeadlineExceeded),
            ApplicationError::InferenceFailed { .. } => Self::new(ProblemCode::InferenceFailed),
            ApplicationError::Corrupt { .. } => Self::new(ProblemCode::Internal),
            ApplicationError::Unavailable { .. } => Self::new(ProblemCode::Unavailable),
        }
    }
}

impl From<ItemFailure> for Problem {
    /// Returns the problem of an item once more. A code that the catalog does not have was stored for a fault of the
    /// service itself.
    fn from(failure: ItemFailure) -> Self {
        let problem = Self::new(ProblemCode::named(&failure.code).unwrap_or(ProblemCode::Internal));
        let problem = failure.field.iter().fold(problem, |problem, field| problem.field(field));
        failure.detail.into_iter().fold(problem, Self::detail)
    }
}

impl From<LimitPolicy> for ProblemCode {
    fn from(policy: LimitPolicy) -> Self {
        match policy {
            LimitPolicy::Requests | LimitPolicy::Texts => Self::RateLimited,
            LimitPolicy::Concurrent => Self::TooManyConcurrent,
            LimitPolicy::TextsPerDay => Self::QuotaExceeded,
        }
    }
}

impl From<DomainError> for Problem {
    fn from(error: DomainError) -> Self {
        ApplicationError::from(error).into()
    }
}

impl From<BodyMemoryFull> for Problem {
    fn from(_: BodyMemoryFull) -> Self {
        Self::new(ProblemCode::Saturated)
    }
}

impl From<ProcessEnding> for Problem {
    fn from(_: ProcessEnding) -> Self {
        Self::new(ProblemCode::Unavailable)
    }
}

impl From<&Rule> for ProblemCode {
    fn from(rule: &Rule) -> Self {
        match rule {
            Rule::Blank => Self::Blank,
            Rule::TooLong { .. } => Self::TooLong,
            Rule::ContainsNul => Self::ContainsNul,
            Rule::NotPrintable => Self::NotPrintable,
            Rule::TooMany { .. } => Self::TooMany,
            Rule::TooLarge { .. } => Self::TooLarge,
            Rule::OutOfRange { .. } => Self::OutOfRange,
            Rule::Malformed { .. } => Self::Malformed,
            Rule::NotOneOf { .. } => Self::NotOneOf,
            Rule::NoTerms => Self::NoTerms,
            Rule::TooManyTokens { .. } => Self::TooManyTokens,
            Rule::TooManySentences { .. } => Self::TooManySentences,
            Rule::TooMuch { .. } => Self::TooMuch,
            Rule::Contradictory { .. } => Self::Contradictory,
            Rule::UnknownModel => Self::UnknownModel,
            Rule::WrongState { .. } => Self::WrongState,
        }
    }
}

#[cfg(test)]
mod tests {
    use application::ports::MlError;

    use super::*;

    /// Every rule, with some numbers.
    fn rules() -> [Rule; 16] {
        [
            Rule::Blank,
            Rule::TooLong { max: 1, actual: 2 },
            Rule::ContainsNul,
            Rule::NotPrintable,
            Rule::TooMany { max: 1, actual: 2 },
            Rule::TooLarge { max: 1 },
            Rule::OutOfRange { allowed: "positive".into() },
            Rule::Malformed { expected: "a UUID" },
            Rule::NotOneOf { allowed: "a, b".into() },
            Rule::NoTerms,
            Rule::TooManyTokens { max: 1, actual: 2 },
            Rule::TooManySentences { max: 1, actual: 2 },
            Rule::TooMuch { max: 1 },
            Rule::Contradictory { why: "needs another" },
            Rule::UnknownModel,
            Rule::WrongState { required: "active", actual: "erased" },
        ]
    }

    #[test]
    fn every_rule_has_the_same_name_on_the_wire() {
        for rule in rules() {
            let code = ProblemCode::from(&rule);
            assert_eq!(code.code(), rule.code());
            assert_eq!(code.status().as_u16(), 422);
        }
    }

    #[test]
    fn an_item_that_failed_has_the_same_problem_when_its_request_is_answered_again() {
        let broken = rules().map(|rule| ApplicationError::Invalid { field: "text".into(), rule });
        let failed = [
            MlError::Saturated,
            MlError::DeadlineExceeded,
            MlError::inference_failed("a logit is not a number"),
            MlError::TooManyTokens { max: 1, actual: 2 },
            MlError::unavailable("the model is not there"),
        ];
        for error in broken.into_iter().chain(failed.map(ApplicationError::from)) {
            let again = ApplicationError::FailedBefore(error.to_item_failure());
            assert_eq!(Problem::from(again), Problem::from(error));
        }
    }

    #[test]
    fn a_stored_code_without_an_entry_is_an_internal_error() {
        let failure = ItemFailure { code: "corrupt".to_owned(), field: None, detail: None };
        assert_eq!(Problem::from(failure), Problem::new(ProblemCode::Internal));
    }

    #[test]
    fn a_cause_never_reaches_a_problem() {
        let secret = "password authentication failed for user \"postgres\"";
        for error in [
            ApplicationError::Unavailable { what: "store", source: secret.into() },
            ApplicationError::InferenceFailed { source: secret.into() },
            ApplicationError::Corrupt { table: "predictions", column: "sentiment", id: secret.into() },
        ] {
            let shown = format!("{:?}", Problem::from(error));
            assert!(!shown.contains("postgres") && !shown.contains("predictions"), "{shown}");
        }
    }
}
