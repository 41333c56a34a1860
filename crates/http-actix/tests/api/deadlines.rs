//! How long requests may take.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::http::Method;
use actix_web::test::TestRequest;
use actix_web::web::Bytes;
use application::dtos::PredictionRecord;
use application::ports::{
    ApiKeyRepository, AuditReadModel, DayUsage, Deadline, KeyRecord, PredictionFilter, PredictionPage,
    PredictionReadModel, StoreError, UnitOfWork, UsageReadModel, WalkLimits, WalkPage, WalkRange, WriteStore,
};
use application::use_cases::time_limits::{LINE, SINGLE};
use application::use_cases::{
    DeletePredictionUseCase, GetPredictionUseCase, GetUsageUseCase, ListAuditUseCase, ListKeysUseCase,
    ListPredictionsUseCase,
};
use async_trait::async_trait;
use domain::entities::ApiKey;
use domain::value_objects::{AuditLine, Dimensions, KeyId, PredictionId, TenantId, Timestamp};
use futures_util::{StreamExt, stream};
use serde_json::json;
use testkit::{CountingUsageLimiter, FixedClock, SequenceIds};
use tokio::time::sleep_until;

use crate::support::{Service, post, uuid};

const PREDICTIONS: &str = "/api/v1/predictions";
const BATCH: &str = "/api/v1/predictions/batch";
const STREAM: &str = "/api/v1/predictions/stream";

/// A store that never answers.
struct Stalled;

#[async_trait]
impl PredictionReadModel for Stalled {
    async fn find(&self, _: &TenantId, _: PredictionId) -> Result<Option<PredictionRecord>, StoreError> {
        std::future::pending().await
    }

    async fn find_many(
        &self,
        _: &TenantId,
        _: &[PredictionId],
    ) -> Result<Vec<Result<Option<PredictionRecord>, StoreError>>, StoreError> {
        std::future::pending().await
    }

    async fn list(
        &self,
        _: &TenantId,
        _: &PredictionFilter,
        _: Option<PredictionId>,
        _: u32,
    ) -> Result<PredictionPage, StoreError> {
        std::future::pending().await
    }

    async fn newest(&self, _: &TenantId) -> Result<Option<PredictionId>, StoreError> {
        std::future::pending().await
    }

    async fn walk(
        &self,
        _: &TenantId,
        _: &PredictionFilter,
        _: WalkRange,
        _: WalkLimits,
    ) -> Result<WalkPage, StoreError> {
        std::future::pending().await
    }
}

#[async_trait]
impl AuditReadModel for Stalled {
    async fn list(&self, _: Option<&TenantId>, _: Option<i64>, _: u32) -> Result<Vec<AuditLine>, StoreError> {
        std::future::pending().await
    }

    async fn walk(&self, _: i64, _: u32) -> Result<Vec<AuditLine>, StoreError> {
        std::future::pending().await
    }

    async fn appended(&self) -> Result<i64, StoreError> {
        std::future::pending().await
    }
}

#[async_trait]
impl ApiKeyRepository for Stalled {
    async fn find(&self, _: &KeyId) -> Result<Option<KeyRecord>, StoreError> {
        std::future::pending().await
    }

    async fn list(&self, _: &TenantId) -> Result<Vec<ApiKey>, StoreError> {
        std::future::pending().await
    }

    async fn record_use(&self, _: &KeyId, _: Timestamp) -> Result<(), StoreError> {
        std::future::pending().await
    }
}

#[async_trait]
impl UsageReadModel for Stalled {
    async fn today(&self, _: &[TenantId]) -> Result<DayUsage, StoreError> {
        std::future::pending().await
    }
}

/// A store that records by when commits must have begun.
#[derive(Default)]
struct DeadlineStore(Mutex<Vec<Instant>>);

#[async_trait]
impl WriteStore for DeadlineStore {
    async fn commit(&self, work: UnitOfWork) -> Result<(), StoreError> {
        self.0.lock().unwrap().push(work.deadline().instant().unwrap());
        Ok(())
    }
}

fn within(request: TestRequest, millis: &str) -> TestRequest {
    request.insert_header(("x-request-timeout-ms", millis))
}

#[actix_web::test]
async fn a_read_of_a_store_that_does_not_answer_ends_in_time() {
    let mut service = Service::with(|settings| settings.retry_after_s = 7);
    service.change_use_cases(|use_cases| {
        let (stalled, clock) = (Arc::new(Stalled), Arc::new(FixedClock::default()));
        use_cases.get = GetPredictionUseCase::new(stalled.clone());
        use_cases.list = ListPredictionsUseCase::new(stalled.clone());
        use_cases.audit = ListAuditUseCase::new(stalled.clone());
        use_cases.list_keys = ListKeysUseCase::new(stalled.clone(), clock.clone());
        let limiter = Arc::new(CountingUsageLimiter::default());
        use_cases.usage = GetUsageUseCase::new(limiter, stalled, clock);
    });
    let by_id = format!("{PREDICTIONS}/{}", uuid(1));
    for path in [PREDICTIONS, &by_id, "/api/v1/audit", "/api/v1/keys", "/api/v1/usage"] {
        let answer = service.send(within(TestRequest::get().uri(path), "1")).await;
        assert_eq!(answer.problem(), (503, "deadline_exceeded".into(), None), "{path}");
        assert_eq!(answer.header("retry-after"), Some("7"));
    }
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn a_time_that_is_not_allowed_is_refused_with_its_field() {
    let service = Service::new();
    let by_id = format!("{PREDICTIONS}/{}", uuid(1));
    for (method, path, media_type) in [
        (Method::GET, PREDICTIONS, ""),
        (Method::HEAD, PREDICTIONS, ""),
        (Method::GET, &by_id, ""),
        (Method::DELETE, &by_id, ""),
        (Method::GET, "/api/v1/models", ""),
        (Method::GET, "/api/v1/me", ""),
        (Method::GET, "/api/v1/usage", ""),
        (Method::GET, "/api/v1/keys", ""),
        (Method::GET, "/api/v1/audit", ""),
        (Method::POST, PREDICTIONS, "application/json"),
        (Method::POST, BATCH, "application/json"),
        (Method::POST, STREAM, "application/x-ndjson"),
    ] {
        for (millis, code) in
            [("0", "out_of_range"), ("120001", "out_of_range"), ("-1", "out_of_range"), ("1s", "malformed")]
        {
            let request = TestRequest::default().method(method.clone()).uri(path);
            let request = within(request, millis).insert_header(("content-type", media_type));
            let field = Some("X-Request-Timeout-Ms".to_owned());
            let answer = service.send(request).await;
            assert_eq!(answer.problem(), (422, code.to_owned(), field), "{method} {path} {millis}");
        }
        let request = within(TestRequest::default().method(method.clone()).uri(path), "5");
        let twice = request.append_header(("x-request-timeout-ms", "5"));
        let twice = service.send(twice.insert_header(("content-type", media_type))).await;
        assert_eq!((twice.status, twice.problem().1), (422, "malformed".to_owned()), "{method} {path}");
    }
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn a_time_that_is_long_enough_changes_nothing() {
    let service = Service::new();
    let body = json!({"text": "good"});
    assert_eq!(service.send(within(post(PREDICTIONS, &body), "120000")).await.status, 200);
    let page = service.send(within(TestRequest::get().uri(PREDICTIONS), "9000")).await;
    assert_eq!(page.json()["items"].as_array().unwrap().len(), 1);
}

/// Returns when the model must have classified the texts of its last call.
fn last_deadline(service: &Service) -> Deadline {
    service.model.calls().last().unwrap().deadline
}

fn last_instant(service: &Service) -> Instant {
    last_deadline(service).instant().unwrap()
}

#[actix_web::test]
async fn the_deadline_of_a_prediction_begins_with_the_last_byte_of_its_body() {
    let service = Service::new();
    for (millis, allowed) in
        [(None, SINGLE), (Some("250"), Duration::from_millis(250)), (Some("60000"), SINGLE)]
    {
        let arrived = Arc::new(Mutex::new(None));
        let last = Arc::clone(&arrived);
        let chunks = stream::iter([&b"{\"text\":"[..], b"\"good\"}"]).map(move |chunk| {
            *last.lock().unwrap() = Some(Instant::now());
            Ok(Bytes::from_static(chunk))
        });
        let request =
            TestRequest::post().uri(PREDICTIONS).insert_header(("content-type", "application/json"));
        let request = millis.into_iter().fold(request, within);
        assert_eq!(service.send_streaming(request, chunks.boxed_local()).await.status, 200);
        let arrived = arrived.lock().unwrap().unwrap();
        let deadline = last_instant(&service);
        assert!(deadline >= arrived + allowed, "{millis:?}");
        assert!(deadline <= Instant::now() + allowed, "{millis:?}");
    }
}

#[actix_web::test]
async fn batches_and_the_lines_of_streams_have_deadlines_that_clients_may_shorten() {
    let service = Service::new();
    service.model.set_tokens_per_second(1.0);
    let batch = json!({"items": [{"text": "x".repeat(400)}]});
    for (millis, allowed) in [(None, 120), (Some("60000"), 60)] {
        let before = Instant::now();
        let request = millis.into_iter().fold(post(BATCH, &batch), within);
        assert_eq!(service.send(request).await.status, 200);
        let allowed = Duration::from_secs(allowed);
        assert!((before + allowed..=Instant::now() + allowed).contains(&last_instant(&service)));
    }
    for (millis, allowed) in [(None, LINE), (Some("500"), Duration::from_millis(500)), (Some("60000"), LINE)]
    {
        let lines = TestRequest::post().uri(STREAM).set_payload("{\"text\":\"good\"}\n");
        let lines = lines.insert_header(("content-type", "application/x-ndjson"));
        let answer = service.send(millis.into_iter().fold(lines, within)).await;
        assert!(answer.text().contains("\"done\":true,\"ok\":1"), "{}", answer.text());
        assert_eq!(last_deadline(&service), Deadline::AfterQueueing(allowed));
    }
}

#[actix_web::test]
async fn a_deletion_has_a_deadline_that_clients_may_shorten() {
    let (mut service, store) = (Service::new(), Arc::new(DeadlineStore::default()));
    let read = Arc::new(service.store.clone());
    service.change_use_cases(|use_cases| {
        let (clock, ids) = (Arc::new(FixedClock::default()), Arc::new(SequenceIds::new()));
        let dimensions = Dimensions::default();
        use_cases.delete = DeletePredictionUseCase::new(read, store.clone(), dimensions, clock, ids);
    });
    let answer = service.send(post(PREDICTIONS, &json!({"text": "good"}))).await.json();
    let path = format!("{PREDICTIONS}/{}", answer["id"].as_str().unwrap());
    for (millis, allowed) in [(None, SINGLE), (Some("250"), Duration::from_millis(250))] {
        let before = Instant::now();
        let request = millis.into_iter().fold(TestRequest::delete().uri(&path), within);
        assert_eq!(service.send(request).await.status, 204);
        let deadline = *store.0.lock().unwrap().last().unwrap();
        assert!((before + allowed..=Instant::now() + allowed).contains(&deadline), "{millis:?}");
    }
}

#[actix_web::test]
async fn after_the_deadline_nothing_is_stored() {
    let service = Service::new();
    let (single, batch) = (json!({"text": "good"}), json!({"items": [{"text": "good"}]}));
    for (path, body) in [(PREDICTIONS, single), (BATCH, batch)] {
        service.model.hold_all();
        let request = service.send(within(post(path, &body), "1"));
        let late_model = async {
            service.model.until_in_work(1).await;
            sleep_until(last_instant(&service).into()).await;
            service.model.release_all();
        };
        let (answer, ()) = futures_util::future::join(request, late_model).await;
        assert_eq!(answer.problem(), (503, "deadline_exceeded".into(), None), "{path}");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    service.assert_nothing_stored();
}
