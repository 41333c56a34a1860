//! Requests that are counted, admitted and refused.

use std::future::ready;
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::to_bytes;
use actix_web::dev::Service as _;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Bytes;
use application::ports::{
    LimitError, LimitPolicy, Principal, PrincipalStanding, RequestPermit, UsageLimiter,
};
use application::use_cases::AdmitRequestUseCase;
use async_trait::async_trait;
use domain::value_objects::{Limits, Scope};
use futures_util::future::join;
use futures_util::{StreamExt, stream};
use http_actix::api;
use serde_json::{Value, json};
use testkit::DirectCallerDirectory;
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::access::{get, key, with_key};
use crate::support::{Service, all_limits, exceeded, limit_tenant, other_tasks_run, post, stream_of};

const PREDICTIONS: &str = "/api/v1/predictions";
const BATCH: &str = "/api/v1/predictions/batch";
const STREAM: &str = "/api/v1/predictions/stream";

#[actix_web::test]
async fn a_refused_request_gets_its_problem_before_its_body_is_read() {
    let service = Service::new();
    for (policy, retry_after, code, header) in [
        (LimitPolicy::Requests, Duration::from_millis(1_500), "rate_limited", "2"),
        (LimitPolicy::Requests, Duration::from_nanos(1), "rate_limited", "1"),
        (LimitPolicy::Concurrent, Duration::ZERO, "too_many_concurrent", "1"),
    ] {
        service.limiter.refuse_requests(exceeded(policy, retry_after));
        for path in [PREDICTIONS, BATCH, STREAM] {
            let never: stream::Pending<Result<Bytes, _>> = stream::pending();
            let answer = service.send_streaming(TestRequest::post().uri(path), never.boxed_local()).await;
            assert_eq!(answer.problem(), (429, code.into(), None), "{path}");
            assert_eq!(answer.header("retry-after"), Some(header));
        }
    }
    service.assert_nothing_logged_at_error();
    service.assert_nothing_stored();
}

#[actix_web::test]
async fn refused_texts_are_a_429_and_not_stored() {
    let service = Service::new();
    let (single, batch) = (json!({"text": "good"}), json!({"items": [{"text": "good"}]}));
    for (policy, code) in [(LimitPolicy::Texts, "rate_limited"), (LimitPolicy::TextsPerDay, "quota_exceeded")]
    {
        service.limiter.refuse_texts(exceeded(policy, Duration::from_secs(3)));
        for (path, body) in [(PREDICTIONS, &single), (BATCH, &batch)] {
            let answer = service.post_json(path, body).await;
            assert_eq!(answer.problem(), (429, code.into(), None), "{path}");
            assert_eq!(answer.header("retry-after"), Some("3"));
        }
    }
    let answer = service.send(stream_of("{\"text\":\"a\"}\n")).await;
    let first: Value = serde_json::from_str(answer.text().lines().next().unwrap()).unwrap();
    assert_eq!((&first["status"], &first["problem"]["code"]), (&json!(429), &json!("quota_exceeded")));
    service.limiter.refuse_texts(LimitError::TooManyAtOnce { max: 10 });
    let answer = service.post_json(BATCH, &batch).await;
    assert_eq!(answer.problem(), (422, "too_many".into(), Some("items".into())));
    service.assert_nothing_logged_at_error();
    service.assert_nothing_stored();
}

#[actix_web::test]
async fn the_quota_of_the_day_is_a_429_until_midnight() {
    let service = Service::new();
    let quota = Limits { texts_per_day: NonZeroU64::new(2), ..Limits::default() };
    limit_tenant(&service, quota).await;
    let batch = json!({"items": [{"text": "a"}, {"text": "b"}, {"text": "c"}]});
    assert_eq!(service.post_json(BATCH, &batch).await.problem(), (429, "quota_exceeded".into(), None));
    for _ in 0..2 {
        service.create(&json!({"text": "good"})).await;
    }
    let answer = service.post_json(PREDICTIONS, &json!({"text": "good"})).await;
    assert_eq!(answer.problem(), (429, "quota_exceeded".into(), None));
    // The store's clock shows a little after 03:04:05.
    let wait: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((75_000..=75_355).contains(&wait), "{wait}");
}

#[actix_web::test]
async fn callers_are_counted_once_each_and_only_on_the_routes_of_the_api() {
    let service = Service::with_authentication(100, |settings| settings.protect_metrics = true);
    limit_tenant(&service, all_limits()).await;
    let issued = key(&service, &[Scope::ModelsRead, Scope::MetricsRead]).await;
    for path in ["/health", "/health/live", "/health/ready", "/openapi.json", "/docs/", "/nowhere"] {
        service.get(path).await;
    }
    assert_eq!(get(&service, "/metrics", &issued).await.status, 200);
    assert_eq!(get(&service, "/api/v1/models", "ut_1").await.status, 401);
    assert_eq!(service.limiter.requests(), []);
    for (path, status) in [("/api/v1/models", 200), ("/api/v1/me", 200), ("/api/v1/keys", 403)] {
        assert_eq!(get(&service, path, &issued).await.status, status);
    }
    let principal = Principal { limits: all_limits(), ..Principal::default() };
    assert_eq!(service.limiter.requests(), vec![principal; 3]);
}

#[actix_web::test]
async fn an_open_stream_follows_when_the_limits_of_its_caller_change() {
    let with_authentication = Service::with_authentication(100, |_| {});
    let issued = key(&with_authentication, &[Scope::PredictionsWrite]).await;
    let with_key = with_key(stream_of(""), &issued);
    for (service, request) in [(Service::new(), stream_of("")), (with_authentication, with_key)] {
        let limiter = Arc::clone(&service.limiter);
        let follows = move || limiter.texts().last().is_some_and(|(of, _)| of.limits == all_limits());
        // Lines until one is counted by the new limits, with a pause between two looks; 20 s at most.
        let lines = stream::iter(0..1_000).take_while(move |_| ready(!follows())).then(|_| async {
            sleep(Duration::from_millis(20)).await;
            Ok(Bytes::from_static(b"{\"text\":\"a\"}\n"))
        });
        let answer = service.send_streaming(request, lines.boxed_local());
        let change = async {
            while service.limiter.texts().is_empty() {
                yield_now().await;
            }
            limit_tenant(&service, all_limits()).await;
        };
        let (answer, ()) = join(answer, change).await;
        assert!(answer.text().contains("\"done\":true"), "{}", answer.text());
        let texts = service.limiter.texts();
        let limits = |counted: Option<&(Principal, u32)>| counted.map(|(of, _)| of.limits);
        assert_eq!(limits(texts.first()), Some(Limits::default()));
        assert_eq!(limits(texts.last()), Some(all_limits()));
    }
}

/// Gives permits that can be counted.
#[derive(Default)]
struct CountingPermits(Arc<()>);

impl CountingPermits {
    fn in_progress(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

#[async_trait]
impl UsageLimiter for CountingPermits {
    async fn begin_request(&self, _: &Principal) -> Result<RequestPermit, LimitError> {
        Ok(RequestPermit::new(Arc::clone(&self.0)))
    }

    async fn take_texts(&self, _: &Principal, _: NonZeroU32) -> Result<(), LimitError> {
        Ok(())
    }

    async fn wait_for_text(&self, _: &Principal) -> Result<(), LimitError> {
        Ok(())
    }

    fn standing(&self, _: &Principal) -> PrincipalStanding {
        PrincipalStanding::default()
    }
}

/// A service with these permits.
fn with_permits(permits: &Arc<CountingPermits>) -> Service {
    let mut service = Service::new();
    let directory = Arc::new(DirectCallerDirectory::of(&service.store));
    service.change_use_cases(|use_cases| {
        use_cases.admit = AdmitRequestUseCase::new(directory, Arc::clone(permits) as _);
    });
    service
}

#[actix_web::test]
async fn a_request_is_in_progress_until_its_response_is_sent() {
    let permits = Arc::new(CountingPermits::default());
    let service = with_permits(&permits);
    let app = init_service(api(service.state.clone())).await;
    for request in [
        TestRequest::get().uri("/api/v1/models"),
        TestRequest::get().uri("/api/v1/models?a=b"),
        stream_of("{\"text\":\"a\"}\n{\"text\":\"b\"}\n"),
    ] {
        let response = app.call(request.to_request()).await.unwrap();
        assert_eq!(permits.in_progress(), 1);
        assert!(to_bytes(response.into_body()).await.is_ok());
        assert_eq!(permits.in_progress(), 0);
    }
    let unread = app.call(TestRequest::get().uri("/api/v1/models").to_request()).await.unwrap();
    assert_eq!(permits.in_progress(), 1);
    drop(unread);
    assert_eq!(permits.in_progress(), 0);
}

#[actix_web::test]
async fn a_request_with_a_key_is_in_progress_until_it_ends_without_its_client() {
    let permits = Arc::new(CountingPermits::default());
    let service = with_permits(&permits);
    service.model.hold_all();
    let body = json!({"text": "good"});
    let keyed = service.begin(post(PREDICTIONS, &body).insert_header(("idempotency-key", "a"))).await;
    let plain = service.begin_post(PREDICTIONS, &body).await;
    service.model.until_in_work(2).await;
    assert_eq!(permits.in_progress(), 2);
    drop((keyed, plain));
    other_tasks_run().await;
    assert_eq!(permits.in_progress(), 1);
    service.model.release_all();
    other_tasks_run().await;
    assert_eq!(permits.in_progress(), 0);
}
