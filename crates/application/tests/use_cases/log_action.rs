use std::iter::successors;
use std::time::Duration;

use application::action::{ActionFailure, chain, log_action};
use application::dtos::PredictSentimentRequest;
use application::errors::ApplicationError;
use application::ports::{ItemFailure, LimitPolicy};
use application::use_cases::PredictSentimentUseCase;
use domain::errors::Rule;
use domain::value_objects::Scope;
use futures_util::FutureExt;
use testkit::{CapturedLog, LogLine, MlFailure};
use tracing::Level;

use crate::world::{World, item};

const TARGET: &str = "undertone::action";

fn words(lines: &[LogLine]) -> Vec<(Level, &str)> {
    lines.iter().map(|line| (line.level, line.message.as_str())).collect()
}

#[tokio::test]
async fn a_success_is_a_start_and_an_end_with_whole_milliseconds() {
    let log = CapturedLog::start();
    let answer = log_action("Type.method", async { Ok::<_, ApplicationError>(42) }).await;
    assert_eq!(answer.unwrap(), 42);
    let lines = log.under(TARGET);
    assert_eq!(words(&lines), [(Level::INFO, "→ Type.method"), (Level::INFO, "✓ Type.method")]);
    assert!(lines.iter().all(|line| line.field("action") == "Type.method"));
    assert!(lines[1].field("duration_ms").parse::<u64>().is_ok(), "{lines:?}");
    assert_eq!(lines[1].field("code"), "");
}

#[tokio::test]
async fn a_clients_failure_is_logged_at_info() {
    let log = CapturedLog::start();
    let failed = log_action("Type.method", async {
        Err::<(), _>(ApplicationError::NotFound { entity: "prediction", id: "7".into() })
    });
    assert!(failed.await.is_err());
    let lines = log.under(TARGET);
    assert_eq!(words(&lines), [(Level::INFO, "→ Type.method"), (Level::INFO, "✗ Type.method")]);
    assert_eq!(lines[1].field("code"), "not_found");
    assert!(lines[1].field("duration_ms").parse::<u64>().is_ok());
}

#[tokio::test]
async fn a_servers_failure_is_logged_once_at_error_with_its_chain() {
    let log = CapturedLog::start();
    let cause = std::io::Error::other(ApplicationError::Saturated);
    let failed = log_action("Type.method", async {
        Err::<(), _>(ApplicationError::Unavailable { what: "store", source: Box::new(cause) })
    });
    assert!(failed.await.is_err());
    let lines = log.under(TARGET);
    assert_eq!(words(&lines), [(Level::INFO, "→ Type.method"), (Level::ERROR, "✗ Type.method")]);
    assert_eq!(lines[1].field("code"), "unavailable");
    assert_eq!(lines[1].field("error"), "the store is not available: too much work is in progress");
}

#[tokio::test]
async fn a_dropped_action_logs_no_end() {
    let log = CapturedLog::start();
    let mut never =
        Box::pin(log_action("Type.method", std::future::pending::<Result<(), ApplicationError>>()));
    assert!(never.as_mut().now_or_never().is_none());
    drop(never);
    assert_eq!(words(&log.under(TARGET)), [(Level::INFO, "→ Type.method")]);
}

#[test]
fn every_error_has_a_code_and_a_party_at_fault() {
    let invalid = ApplicationError::Invalid { field: "text".into(), rule: Rule::Blank };
    let errors = successors(Some(invalid), next_kind);
    let actual: Vec<_> = errors.map(|error| (error.code(), error.is_server_fault())).collect();
    let expected = [
        ("invalid", false),
        ("not_found", false),
        ("conflict", false),
        ("default_model", false),
        ("not_loadable", false),
        ("turned_off", false),
        ("not_sealed", false),
        ("unauthenticated", false),
        ("forbidden", false),
        ("tenant_disabled", false),
        ("rate_limited", false),
        ("limit_exceeded", false),
        ("idempotency_in_progress", false),
        ("idempotency_key_reused", false),
        ("gone", false),
        ("failed_before", false),
        ("saturated", false),
        ("deadline_exceeded", false),
        ("unavailable", true),
        ("inference_failed", true),
        ("corrupt", true),
    ];
    assert_eq!(actual, expected);
}

/// Returns an error of the kind after that of `error`. A new kind does not compile until it has a place here.
fn next_kind(error: &ApplicationError) -> Option<ApplicationError> {
    let id = || "7".to_owned();
    Some(match error {
        ApplicationError::Invalid { .. } => ApplicationError::NotFound { entity: "prediction", id: id() },
        ApplicationError::NotFound { .. } => ApplicationError::Conflict { entity: "prediction", id: id() },
        ApplicationError::Conflict { .. } => ApplicationError::DefaultModel { name: "default".to_owned() },
        ApplicationError::DefaultModel { .. } => {
            ApplicationError::ModelNotLoadable { field: "path", why: "config.json is missing".to_owned() }
        }
        ApplicationError::ModelNotLoadable { .. } => ApplicationError::TurnedOff { what: "w", setting: "s" },
        ApplicationError::TurnedOff { .. } => ApplicationError::NotSealed,
        ApplicationError::NotSealed => ApplicationError::Unauthenticated { why: "w" },
        ApplicationError::Unauthenticated { .. } => ApplicationError::Forbidden { scope: Scope::KeysAdmin },
        ApplicationError::Forbidden { .. } => ApplicationError::TenantDisabled,
        ApplicationError::TenantDisabled => {
            ApplicationError::RateLimited { retry_after: Duration::from_secs(1) }
        }
        ApplicationError::RateLimited { retry_after } => {
            ApplicationError::LimitExceeded { policy: LimitPolicy::Texts, retry_after: *retry_after }
        }
        ApplicationError::LimitExceeded { .. } => ApplicationError::IdempotencyInProgress,
        ApplicationError::IdempotencyInProgress => ApplicationError::IdempotencyKeyReused,
        ApplicationError::IdempotencyKeyReused => ApplicationError::Gone { entity: "prediction", id: id() },
        ApplicationError::Gone { .. } => ApplicationError::FailedBefore(ItemFailure {
            code: "blank".to_owned(),
            field: None,
            detail: None,
        }),
        ApplicationError::FailedBefore(_) => ApplicationError::Saturated,
        ApplicationError::Saturated => ApplicationError::DeadlineExceeded,
        ApplicationError::DeadlineExceeded => {
            ApplicationError::Unavailable { what: "store", source: "x".into() }
        }
        ApplicationError::Unavailable { .. } => ApplicationError::InferenceFailed { source: "NaN".into() },
        ApplicationError::InferenceFailed { .. } => {
            ApplicationError::Corrupt { table: "t", column: "c", id: id() }
        }
        ApplicationError::Corrupt { .. } => return None,
    })
}

#[test]
fn a_chain_names_every_cause_outermost_first() {
    let inner = application::ports::PublishError("the receiver is away".into());
    let outer = ApplicationError::Unavailable { what: "publisher", source: Box::new(inner) };
    let expected = "the publisher is not available: the event was not published: the receiver is away";
    assert_eq!(chain(&outer), expected);
}

#[tokio::test]
async fn a_use_case_logs_its_failure_once_and_never_the_text() {
    let world = World::new();
    let secret = "the secret words of the text";
    let predict = PredictSentimentUseCase::new(world.ports());
    let request = || PredictSentimentRequest { item: item(secret), ..PredictSentimentRequest::default() };
    let log = CapturedLog::start();
    predict.execute(request()).await.unwrap();
    world.store.fail_with("the disk is full");
    assert!(predict.execute(request()).await.is_err());
    world.ml.fail(secret, MlFailure::InferenceFailed);
    assert!(predict.execute(request()).await.is_err());

    let lines = log.lines();
    let errors: Vec<_> = lines.iter().filter(|line| line.level == Level::ERROR).collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert_eq!(errors[0].field("error"), "the store is not available: the disk is full");
    assert_eq!(errors[1].field("code"), "inference_failed");
    let chain = "the model failed on this text: the engine failed: a logit is not a number";
    assert_eq!(errors[1].field("error"), chain);
    assert!(lines.iter().all(|line| !format!("{line:?}").contains("secret")), "{lines:?}");
}
