//! Limits of requests and texts, and deadlines.

use std::num::{NonZeroU32, NonZeroU64};
use std::slice;
use std::sync::Arc;
use std::time::{Duration, Instant};

use application::dtos::{
    Actor, Caller, ChangeTenantRequest, LimitsChange, PredictSentimentBatchRequest, PredictSentimentRequest,
    TenantChange, TimeLimit,
};
use application::errors::ApplicationError;
use application::ports::{
    AuditReadModel, Deadline, LimitError, LimitPolicy, OwnLimits, Principal, TenantRepository, TextCount,
    UnitOfWork, WriteStore,
};
use application::use_cases::time_limits::{LINE, LONGEST_BATCH, SINGLE};
use application::use_cases::{
    AdmitRequestUseCase, ChangeTenantUseCase, GetUsageUseCase, PredictSentimentBatchUseCase,
    PredictSentimentUseCase, PurgeUsageUseCase, StreamPredictionsUseCase,
};
use domain::value_objects::{Limits, Rate, TenantId, Timestamp};
use futures_util::{StreamExt, stream};
use testkit::{DirectCallerDirectory, MlFailure};

use crate::world::{World, failure, item, refusal};

fn exceeded(policy: LimitPolicy) -> LimitError {
    LimitError::Exceeded { policy, retry_after: Duration::from_secs(3) }
}

/// The principal of a tenant with a quota, and of a key with one of its own.
fn principal(of_tenant: Option<u64>, own: Option<u64>) -> Arc<Principal> {
    let quota = |texts| Limits { texts_per_day: NonZeroU64::new(texts), ..Limits::default() };
    let own = own.map(|texts| OwnLimits { id: "key:a".to_owned(), limits: quota(texts) });
    Arc::new(Principal { tenant: TenantId::default(), limits: of_tenant.map(quota).unwrap_or_default(), own })
}

fn request(text: &str, principal: &Arc<Principal>) -> PredictSentimentRequest {
    PredictSentimentRequest {
        item: item(text),
        principal: Some(Arc::clone(principal)),
        ..PredictSentimentRequest::default()
    }
}

fn batch_of(texts: &[&str], principal: &Arc<Principal>) -> PredictSentimentBatchRequest {
    PredictSentimentBatchRequest {
        items: texts.iter().map(|text| item(text)).collect(),
        principal: Some(Arc::clone(principal)),
        ..PredictSentimentBatchRequest::default()
    }
}

fn counted(world: &World) -> Vec<u32> {
    world.limiter.texts().into_iter().map(|(_, texts)| texts).collect()
}

#[tokio::test]
async fn texts_are_counted_before_they_are_classified_and_invalid_items_are_not() {
    let world = World::new();
    let principal = principal(None, None);
    let (ports, single) = (world.ports(), request("good", &principal));
    PredictSentimentUseCase::new(ports.clone()).execute(single).await.unwrap();
    let texts = ["good", "", "bad", " "];
    PredictSentimentBatchUseCase::new(ports.clone()).execute(batch_of(&texts, &principal)).await.unwrap();
    let lines = stream::iter(["good", "", "bad"].map(|text| Ok(request(text, &principal))));
    let answers = StreamPredictionsUseCase::new(ports).execute::<ApplicationError>(lines).await.unwrap();
    assert_eq!(answers.count().await, 3);
    assert_eq!(counted(&world), [1, 2, 1, 1]);
    assert!(world.limiter.texts().iter().all(|(of, _)| *of == *principal));
}

#[tokio::test]
async fn texts_that_a_limit_refuses_do_not_reach_the_model() {
    let world = World::new();
    let principal = principal(None, None);
    world.limiter.refuse_texts(exceeded(LimitPolicy::Texts));
    let single = PredictSentimentUseCase::new(world.ports()).execute(request("good", &principal)).await;
    let Err(ApplicationError::LimitExceeded { policy, retry_after }) = single else { panic!("{single:?}") };
    assert_eq!((policy, retry_after), (LimitPolicy::Texts, Duration::from_secs(3)));
    let batches = PredictSentimentBatchUseCase::new(world.ports());
    let refused = batches.execute(batch_of(&["good"], &principal)).await;
    assert_eq!(failure(&refused), ("limit_exceeded", ""));
    world.limiter.refuse_texts(LimitError::TooManyAtOnce { max: 1 });
    let refused = batches.execute(batch_of(&["good", "bad"], &principal)).await;
    assert_eq!(refusal(&refused), ("items", "too_many"));
    assert!(world.ml.calls().is_empty());
    world.assert_untouched();
}

#[tokio::test]
async fn stored_texts_are_counted_for_the_tenant_and_for_a_key_with_a_quota() {
    let world = World::new();
    let usage = GetUsageUseCase::new(world.limiter.clone(), world.read(), world.clock.clone());
    let predict = PredictSentimentUseCase::new(world.ports());
    world.ml.fail("poison", MlFailure::InferenceFailed);
    let (plain, keyed) = (principal(None, None), principal(Some(10), Some(2)));
    predict.execute(request("good", &plain)).await.unwrap();
    predict.execute(request("good", &keyed)).await.unwrap();
    assert!(predict.execute(request("poison", &keyed)).await.is_err());
    let batches = PredictSentimentBatchUseCase::new(world.ports());
    assert_eq!(failure(&batches.execute(batch_of(&["a", "b"], &keyed)).await), ("limit_exceeded", ""));
    batches.execute(batch_of(&["a", "poison"], &keyed)).await.unwrap();
    let used = usage.execute(&keyed).await.unwrap();
    assert_eq!((used.texts_today, used.own_texts_today), (3, Some(2)));
    // 2026-01-03T00:00:00Z.
    assert_eq!(used.day_ends_at, Timestamp::from_micros(1_767_398_400_000_000));
    assert_eq!(usage.execute(&plain).await.unwrap().own_texts_today, None);
    assert_eq!(world.store.stored(&TenantId::default()).len(), 3);
}

#[tokio::test]
async fn a_caller_without_authentication_has_the_limits_of_its_tenant() {
    let world = World::new();
    let directory = Arc::new(DirectCallerDirectory::of(&world.store));
    let admit = AdmitRequestUseCase::new(directory, world.limiter.clone());
    let change = LimitsChange { concurrent: Some(NonZeroU32::new(2)), ..LimitsChange::default() };
    change_limits(&world, change).await;
    let principal = admit.principal_of(&Caller::anonymous()).await;
    admit.execute(&principal).await.unwrap();
    let limits = Limits { concurrent: NonZeroU32::new(2), ..Limits::default() };
    assert_eq!(principal, Principal { limits, ..Principal::default() });
    assert_eq!(world.limiter.requests(), slice::from_ref(&principal));
    assert!(admit.standing(&principal).is_some());
    world.limiter.refuse_requests(exceeded(LimitPolicy::Concurrent));
    assert_eq!(failure(&admit.execute(&principal).await), ("limit_exceeded", ""));
    world.limiter.allow_all();
    world.store.fail_with("the disk is full");
    assert_eq!(admit.principal_of(&Caller::anonymous()).await, principal, "the limits that are known");
    let admit =
        AdmitRequestUseCase::new(Arc::new(DirectCallerDirectory::of(&world.store)), world.limiter.clone());
    let unlimited = admit.principal_of(&Caller::anonymous()).await;
    assert_eq!((unlimited.limits.is_unlimited(), admit.standing(&unlimited)), (true, None));
}

async fn change_limits(world: &World, change: LimitsChange) {
    let (tenant, actor) = (TenantId::default(), Actor::command_line("ann"));
    let request = ChangeTenantRequest { tenant, change: TenantChange::Limit(change), actor };
    let use_case = ChangeTenantUseCase::new(world.read(), world.read(), world.clock.clone());
    use_case.execute(request).await.unwrap();
}

#[tokio::test]
async fn a_change_of_limits_leaves_the_others() {
    let world = World::new();
    let rate = Rate::try_new("requests", 5, 10).ok();
    change_limits(&world, LimitsChange { requests: Some(rate), ..LimitsChange::default() }).await;
    let texts = Some(NonZeroU64::new(7));
    change_limits(&world, LimitsChange { texts_per_day: texts, ..LimitsChange::default() }).await;
    let stored = TenantRepository::find(&world.store, &TenantId::default()).await.unwrap().unwrap();
    let both = Limits { requests: rate, texts_per_day: NonZeroU64::new(7), ..Limits::default() };
    assert_eq!(stored.limits, both);
    change_limits(&world, LimitsChange { requests: Some(None), ..LimitsChange::default() }).await;
    let lines = AuditReadModel::list(&world.store, None, None, 100).await.unwrap();
    let details: Vec<_> = lines.iter().filter_map(|line| line.entry.detail.as_deref()).collect();
    let expected = ["texts per day 7", "requests 5/s:10, texts per day 7", "requests 5/s:10"];
    assert_eq!(details, expected);
    assert!(lines.iter().all(|line| line.entry.action == "tenant.limited"));
}

fn deadlines(world: &World) -> Vec<Deadline> {
    world.ml.calls().into_iter().map(|call| call.deadline).collect()
}

#[tokio::test]
async fn the_deadline_of_a_request_reaches_the_model() {
    let world = World::new();
    let (arrived, short) = (Instant::now(), Duration::from_secs(4));
    let limits = |at_most| TimeLimit::OfRoute { arrived, at_most };
    let requests = |at_most| PredictSentimentRequest {
        time_limit: limits(at_most),
        ..request("good", &principal(None, None))
    };
    let predict = PredictSentimentUseCase::new(world.ports());
    predict.execute(requests(None)).await.unwrap();
    predict.execute(requests(Some(short))).await.unwrap();
    let lines = stream::iter([Ok(requests(None)), Ok(requests(Some(short)))]);
    let answers =
        StreamPredictionsUseCase::new(world.ports()).execute::<ApplicationError>(lines).await.unwrap();
    assert_eq!(answers.count().await, 2);
    let expected = [
        Deadline::At(arrived + SINGLE),
        Deadline::At(arrived + short),
        Deadline::AfterQueueing(LINE),
        Deadline::AfterQueueing(short),
    ];
    assert_eq!(deadlines(&world), expected);
}

#[tokio::test]
async fn a_batch_may_take_three_times_as_long_as_its_tokens_need() {
    let world = World::new();
    let arrived = Instant::now();
    let text = "abcd ".repeat(16);
    let batch = || PredictSentimentBatchRequest {
        time_limit: TimeLimit::OfRoute { arrived, at_most: None },
        ..batch_of(&[text.as_str(); 50], &principal(None, None))
    };
    let use_case = PredictSentimentBatchUseCase::new(world.ports());
    use_case.execute(batch()).await.unwrap();
    // 50 texts of 80 characters, 20 tokens each.
    for speed in [1_000_000.0, 100.0, 1.0, 0.0, f64::NAN] {
        world.ml.set_tokens_per_second(speed);
        use_case.execute(batch()).await.unwrap();
    }
    let allowed =
        [LONGEST_BATCH, SINGLE, Duration::from_secs(30), LONGEST_BATCH, LONGEST_BATCH, LONGEST_BATCH];
    assert_eq!(deadlines(&world), allowed.map(|allowed| Deadline::At(arrived + allowed)));
}

#[tokio::test]
async fn after_its_deadline_nothing_of_a_request_is_stored() {
    let world = World::new();
    let (arrived, at_most) = (Instant::now(), Some(Duration::ZERO));
    let time_limit = TimeLimit::OfRoute { arrived, at_most };
    let late = PredictSentimentRequest { time_limit, ..request("good", &principal(None, None)) };
    let single = PredictSentimentUseCase::new(world.ports()).execute(late).await;
    assert_eq!(failure(&single), ("deadline_exceeded", ""));
    let batches = PredictSentimentBatchUseCase::new(world.ports());
    let late = batch_of(&["good", "bad"], &principal(None, None));
    let late = PredictSentimentBatchRequest { time_limit, ..late };
    assert_eq!(failure(&batches.execute(late).await), ("deadline_exceeded", ""));
    world.ml.fail("bad", MlFailure::DeadlineExceeded);
    let half = batches.execute(batch_of(&["good", "bad"], &principal(None, None))).await;
    assert_eq!(failure(&half), ("deadline_exceeded", ""), "the deadline is that of the whole batch");
    world.assert_untouched();
}

#[tokio::test]
async fn counts_of_texts_are_deleted_after_35_days() {
    let world = World::new();
    let purge = PurgeUsageUseCase::new(world.read());
    let mut work = UnitOfWork::of(&TenantId::default());
    for n in 0..2_500 {
        work.count_texts(TextCount { principal: Some(format!("key:{n}")), texts: 1, quota: None });
    }
    world.store.commit(work).await.unwrap();
    world.clock.advance(Duration::from_hours(24 * 34));
    world.predict("good").await;
    assert_eq!(purge.execute().await.unwrap(), 0);
    world.clock.advance(Duration::from_hours(24));
    assert_eq!(purge.execute().await.unwrap(), 2_500);
    world.store.fail_with("the disk is full");
    assert_eq!(failure(&purge.execute().await), ("unavailable", "store"));
}
