use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::dev::{Payload, Service as _};
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Bytes;
use application::ports::{Clock, HealthCheck, SentenceSplitter};
use application::use_cases::{
    AdmitRequestUseCase, AuthenticateUseCase, AuthenticationPorts, BreakDownUseCase, CheckHealthUseCase,
    DeletePredictionUseCase, ExportPredictionsUseCase, FollowEventsUseCase, GetPredictionUseCase,
    GetUsageUseCase, IdempotencyPorts, IssueKeyUseCase, ListAuditUseCase, ListKeysUseCase, ListModelsUseCase,
    ListPredictionsUseCase, LoadModelUseCase, ModelChanges, PredictSentimentBatchUseCase,
    PredictSentimentUseCase, PredictionPorts, RankTermsUseCase, RevalidateCallerUseCase, RevokeKeyUseCase,
    ShowTrendsUseCase, StreamPredictionsUseCase, UnloadModelUseCase,
};
use async_trait::async_trait;
use domain::value_objects::{Dimensions, Limits, TextLimits, Timestamp};
use futures_util::Stream;
use http_actix::{
    ApiState, BodyMemory, Detached, EventFrames, Exports, HttpSettings, Offload, UseCases, admin_api, api,
};
use serde_json::Value;
use testkit::{
    CountingFailureLimiter, CountingUsageLimiter, DirectCallerDirectory, DirectComputePool, FakeEventFeed,
    FakeHealthCheck, FakeMlGateway, FakeModelCatalog, FixedClock, FullStopSplitter, MemoryRollups,
    MemoryStore, MlFailure, PlainKeySecrets, RecordingMetrics, SequenceIds, UtcCalendar,
};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::support::log::Log;
use crate::support::recorder::Metrics;
use crate::support::{Answer, answer_of};

/// A text for which inference fails.
pub(crate) const FAILS: &str = "this text fails";

/// A text at which the splitter of sentences panics.
pub(crate) const PANICS: &str = "this text panics";

/// Splits at full stops, except for one text, at which it panics until it is repaired.
#[derive(Default)]
pub(crate) struct PanickingSplitter {
    is_repaired: AtomicBool,
}

impl PanickingSplitter {
    pub(crate) fn repair(&self) {
        self.is_repaired.store(true, Ordering::Relaxed);
    }
}

#[async_trait]
impl SentenceSplitter for PanickingSplitter {
    async fn split(&self, text: &str) -> Vec<Range<usize>> {
        assert!(text != PANICS || self.is_repaired.load(Ordering::Relaxed), "a bug");
        FullStopSplitter.split(text).await
    }
}

/// The service over its fakes. Requests carry the id `test-request`.
pub(crate) struct Service {
    pub(crate) state: ApiState,
    pub(crate) log: Log,
    pub(crate) metrics: Metrics,
    /// The check of a vital component.
    pub(crate) store_check: Arc<FakeHealthCheck>,
    /// The check of a component without which the service is degraded.
    pub(crate) cache_check: Arc<FakeHealthCheck>,
    pub(crate) model: Arc<FakeMlGateway>,
    /// The catalog, with `model` as its default.
    pub(crate) catalog: Arc<FakeModelCatalog>,
    pub(crate) store: MemoryStore,
    /// The rollups, which count everything unless a test sets it.
    pub(crate) rollups: Arc<MemoryRollups>,
    /// Allows everything unless a test makes it refuse.
    pub(crate) limiter: Arc<CountingUsageLimiter>,
    pub(crate) splitter: Arc<PanickingSplitter>,
    shutting_down: watch::Sender<bool>,
    clock: Arc<FixedClock>,
}

/// Whose requests the service answers.
#[derive(Clone, Copy)]
enum Callers {
    Anyone,
    Authenticated { failures: usize },
}

/// The application that a request is sent to.
#[derive(Clone, Copy)]
pub(crate) enum Listener {
    Public,
    Admin,
}

impl Service {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut HttpSettings)) -> Self {
        let mut settings = HttpSettings::default();
        change(&mut settings);
        Self::build(settings, Callers::Anyone, false)
    }

    /// Creates a service whose models clients may change.
    pub(crate) fn with_model_changes() -> Self {
        Self::build(HttpSettings::default(), Callers::Anyone, true)
    }

    /// Creates a service that requires authentication, and refuses an address after `failures` failures.
    pub(crate) fn with_authentication(failures: usize, change: impl FnOnce(&mut HttpSettings)) -> Self {
        let mut settings = HttpSettings::default();
        change(&mut settings);
        Self::build(settings, Callers::Authenticated { failures }, true)
    }

    fn build(settings: HttpSettings, callers: Callers, model_changes: bool) -> Self {
        let (log, metrics) = (Log::capture(), Metrics::capture());
        let (model, store) = (Arc::new(FakeMlGateway::new()), MemoryStore::new());
        model.fail(FAILS, MlFailure::InferenceFailed);
        let catalog = Arc::new(FakeModelCatalog::of(Arc::clone(&model) as _));
        // 2026-01-01T00:00:00Z.
        let clock = Arc::new(FixedClock::at(Timestamp::from_micros(1_767_225_600_000_000)));
        let store_check = Arc::new(FakeHealthCheck::vital("store"));
        let cache_check = Arc::new(FakeHealthCheck::non_vital("cache"));
        let checks: Vec<Arc<dyn HealthCheck>> =
            vec![Arc::clone(&store_check) as _, Arc::clone(&cache_check) as _];
        let limiter = Arc::new(CountingUsageLimiter::default());
        let splitter = Arc::new(PanickingSplitter::default());
        let ports = PredictionPorts {
            limiter: Arc::clone(&limiter) as _,
            idempotency: Some(IdempotencyPorts {
                claims: Arc::new(store.clone()),
                predictions: Arc::new(store.clone()),
            }),
            models: Arc::clone(&catalog) as _,
            store: Arc::new(store.clone()),
            clock: Arc::clone(&clock) as _,
            ids: Arc::new(SequenceIds::new()),
            metrics: Arc::new(RecordingMetrics::new()),
            sentences: Arc::clone(&splitter) as _,
            limits: TextLimits { max_chars: settings.max_text_chars },
            dimensions: Dimensions::default(),
        };
        let health = CheckHealthUseCase::new(checks, Arc::clone(&clock) as _);
        let rollups = Arc::new(MemoryRollups::default());
        let use_cases = use_cases(ports, (&store, &rollups), health, callers, model_changes);
        let (shutting_down, is_shutting_down) = watch::channel(false);
        let state = state(use_cases, settings, is_shutting_down);
        Self {
            state,
            log,
            metrics,
            store_check,
            cache_check,
            model,
            catalog,
            store,
            rollups,
            limiter,
            splitter,
            shutting_down,
            clock,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(TestRequest::get().uri(path)).await
    }

    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.send(post(path, body)).await
    }

    /// Creates a prediction from `body` and returns its id.
    pub(crate) async fn create(&self, body: &Value) -> String {
        let answer = self.post_json("/api/v1/predictions", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn send(&self, request: TestRequest) -> Answer {
        self.send_to(Listener::Public, request).await
    }

    pub(crate) async fn send_to(&self, listener: Listener, request: TestRequest) -> Answer {
        let request = named(request).to_request();
        let response = match listener {
            Listener::Public => {
                init_service(api(self.state.clone())).await.call(request).await.unwrap().map_into_boxed_body()
            }
            Listener::Admin => init_service(admin_api(self.state.clone()))
                .await
                .call(request)
                .await
                .unwrap()
                .map_into_boxed_body(),
        };
        answer_of(response).await
    }

    /// Sends a request without setting its id.
    pub(crate) async fn send_unnamed(&self, request: TestRequest) -> Answer {
        let app = init_service(api(self.state.clone())).await;
        answer_of(app.call(request.to_request()).await.unwrap()).await
    }

    /// Sends a request whose body arrives in the chunks of `body`.
    pub(crate) async fn send_streaming(
        &self,
        request: TestRequest,
        body: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>,
    ) -> Answer {
        let app = init_service(api(self.state.clone())).await;
        let (request, _) = named(request).to_request().replace_payload(Payload::from(body));
        answer_of(app.call(request).await.unwrap()).await
    }

    /// Begins a request and returns it at its first wait.
    pub(crate) async fn begin_post(&self, path: &str, body: &Value) -> Pin<Box<dyn Future<Output = ()>>> {
        self.begin(post(path, body)).await
    }

    /// Begins a request and returns it at its first wait.
    pub(crate) async fn begin(&self, request: TestRequest) -> Pin<Box<dyn Future<Output = ()>>> {
        let app = init_service(api(self.state.clone())).await;
        let request = named(request).to_request();
        let mut call: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async move {
            let _ = app.call(request).await;
        });
        assert!(futures_util::poll!(&mut call).is_pending());
        call
    }

    /// Changes the use cases; before the first request.
    pub(crate) fn change_use_cases(&mut self, change: impl FnOnce(&mut UseCases)) {
        change(Arc::get_mut(&mut self.state.use_cases).unwrap());
    }

    pub(crate) fn begin_to_shut_down(&self) {
        self.shutting_down.send_replace(true);
    }

    pub(crate) fn break_the_store(&self) {
        self.store.fail_with("a secret of the store");
    }

    pub(crate) fn a_second_passes(&self) {
        self.clock.advance(Duration::from_secs(1));
    }

    /// Checks the components, as the background task does every second.
    pub(crate) async fn check_health(&self) {
        self.state.use_cases.health.execute().await.unwrap();
    }

    pub(crate) fn errors_logged(&self) -> usize {
        self.log.errors().len()
    }

    #[track_caller]
    pub(crate) fn assert_nothing_logged_at_error(&self) {
        assert_eq!(self.log.errors(), Vec::<String>::new());
    }

    #[track_caller]
    pub(crate) fn assert_nothing_stored(&self) {
        assert_eq!(self.store.commits(), 0);
    }
}

fn named(request: TestRequest) -> TestRequest {
    request.insert_header(("x-request-id", "test-request"))
}

/// A request with a JSON body.
pub(crate) fn post(path: &str, body: &Value) -> TestRequest {
    TestRequest::post()
        .uri(path)
        .insert_header((CONTENT_TYPE, "application/json"))
        .set_payload(body.to_string())
}

fn state(use_cases: UseCases, settings: HttpSettings, shutting_down: watch::Receiver<bool>) -> ApiState {
    ApiState {
        use_cases: Arc::new(use_cases),
        settings,
        body_memory: BodyMemory::new(64 << 20),
        event_frames: EventFrames::new(),
        offload: Offload::new(),
        detached: Detached::on(Handle::current()),
        exports: Exports::new(2),
        shutting_down,
        started: Instant::now(),
        version: "0.0.0-test",
        render_metrics: Arc::new(|| "undertone_build_info 1\n".to_owned()),
    }
}

fn authentication(
    callers: Callers,
    store: &MemoryStore,
    clock: &Arc<dyn Clock>,
) -> Option<(AuthenticateUseCase, RevalidateCallerUseCase)> {
    let Callers::Authenticated { failures } = callers else { return None };
    let directory = Arc::new(DirectCallerDirectory::of(store));
    let authenticate = AuthenticateUseCase::new(AuthenticationPorts {
        secrets: Arc::new(PlainKeySecrets::new()),
        directory: Arc::clone(&directory) as _,
        tokens: None,
        token_limits: Limits::default(),
        failures: Arc::new(CountingFailureLimiter::after(failures)),
        clock: Arc::clone(clock),
    });
    Some((authenticate, RevalidateCallerUseCase::new(directory, Arc::clone(clock))))
}

/// The keys by which predictions are counted.
fn dimensions() -> Dimensions {
    Dimensions::try_new(vec!["channel".to_owned()]).unwrap()
}

fn show_trends(rollups: &Arc<MemoryRollups>, clock: &Arc<dyn Clock>) -> ShowTrendsUseCase {
    ShowTrendsUseCase::new(Arc::clone(rollups) as _, Arc::new(UtcCalendar), dimensions(), Arc::clone(clock))
}

fn use_cases(
    ports: PredictionPorts,
    (store, rollups): (&MemoryStore, &Arc<MemoryRollups>),
    health: CheckHealthUseCase,
    callers: Callers,
    model_changes: bool,
) -> UseCases {
    let read = Arc::new(store.clone());
    let clock = Arc::clone(&ports.clock);
    let (authenticate, revalidate) = authentication(callers, store, &clock).unzip();
    let changes = ModelChanges {
        models: Arc::clone(&ports.models),
        allowed: model_changes,
        store: Arc::clone(&ports.store),
        clock: Arc::clone(&clock),
    };
    let directory = Arc::new(DirectCallerDirectory::of(store));
    UseCases {
        admit: AdmitRequestUseCase::new(directory, Arc::clone(&ports.limiter)),
        usage: GetUsageUseCase::new(Arc::clone(&ports.limiter), read.clone(), Arc::clone(&clock)),
        trends: show_trends(rollups, &clock),
        breakdown: BreakDownUseCase::new(Arc::clone(rollups) as _, dimensions(), Arc::clone(&clock)),
        authenticate,
        revalidate,
        issue_key: IssueKeyUseCase::new(
            read.clone(),
            read.clone(),
            read.clone(),
            Arc::new(PlainKeySecrets::new()),
            Arc::clone(&clock),
        ),
        list_keys: ListKeysUseCase::new(read.clone(), Arc::clone(&clock)),
        revoke_key: RevokeKeyUseCase::new(read.clone(), read.clone(), Arc::clone(&clock)),
        audit: ListAuditUseCase::new(read.clone()),
        predict: PredictSentimentUseCase::new(ports.clone()),
        predict_batch: PredictSentimentBatchUseCase::new(ports.clone()),
        stream: StreamPredictionsUseCase::new(ports.clone()),
        get: GetPredictionUseCase::new(Arc::clone(&read) as _),
        export: ExportPredictionsUseCase::new(Arc::clone(&read) as _, Arc::clone(&clock)),
        rank_terms: RankTermsUseCase::new(read.clone(), Arc::new(DirectComputePool), Arc::clone(&clock)),
        list: ListPredictionsUseCase::new(read.clone()),
        delete: DeletePredictionUseCase::new(
            read,
            Arc::clone(&ports.store),
            ports.dimensions.clone(),
            Arc::clone(&ports.clock),
            Arc::clone(&ports.ids),
        ),
        follow_events: FollowEventsUseCase::new(Arc::new(FakeEventFeed::default())),
        models: ListModelsUseCase::new(ports.models),
        load_model: LoadModelUseCase::new(changes.clone()),
        unload_model: UnloadModelUseCase::new(changes),
        health: Arc::new(health),
    }
}
