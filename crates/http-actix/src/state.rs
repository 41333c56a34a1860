use std::sync::Arc;
use std::time::{Duration, Instant};

use application::use_cases::{
    AdmitRequestUseCase, AuthenticateUseCase, BreakDownUseCase, CheckHealthUseCase, DeletePredictionUseCase,
    ExportPredictionsUseCase, FollowEventsUseCase, GetPredictionUseCase, GetUsageUseCase, IssueKeyUseCase,
    ListAuditUseCase, ListKeysUseCase, ListModelsUseCase, ListPredictionsUseCase, LoadModelUseCase,
    PredictSentimentBatchUseCase, PredictSentimentUseCase, RankTermsUseCase, RevalidateCallerUseCase,
    RevokeKeyUseCase, ShowTrendsUseCase, StreamPredictionsUseCase, UnloadModelUseCase,
};

use tokio::sync::watch;

use crate::allowed_hosts::AllowedHosts;
use crate::body_memory::BodyMemory;
use crate::client_address::TrustedProxies;
use crate::detached::Detached;
use crate::exports::Exports;
use crate::offload::Offload;
use crate::presenters::EventFrames;

/// The settings of the API.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct HttpSettings {
    /// The most bytes of a body with one text or a model spec.
    pub max_body_bytes: usize,
    /// The most bytes of a batch's body.
    pub max_batch_body_bytes: usize,
    /// The most bytes of one line of a stream.
    pub max_line_bytes: usize,
    /// The longest time in all that a request waits for its client to send the body.
    pub body_timeout: Duration,
    /// The longest time that a stream waits for its client to send the next line.
    pub stream_idle_timeout: Duration,
    /// The longest that a response that is ready waits for its client.
    pub send_timeout: Duration,
    /// The hosts that a request may name.
    pub allowed_hosts: AllowedHosts,
    /// The most characters of a text. Only for the OpenAPI document: the use cases check the limit.
    pub max_text_chars: usize,
    /// The web origins whose pages may call the API: `*` for any, empty for none.
    pub cors_origins: Vec<String>,
    /// The `max-age` of the `Strict-Transport-Security` header in seconds; the header is not sent where it is none.
    pub hsts_max_age_s: Option<u64>,
    /// Whether only the operators' listener serves `/metrics` and the details of `/health`.
    pub admin_split: bool,
    /// Whether the web console is served, and browsers are redirected to it from `/`.
    pub console: bool,
    /// Whether `/metrics` needs the scope `metrics:read`.
    pub protect_metrics: bool,
    /// The proxies whose reports of their clients' addresses are trusted.
    pub trusted_proxies: TrustedProxies,
    /// Whether `Cache-Status` is sent: whether there is a cache in front of the model.
    pub cache_status: bool,
    /// The `Retry-After` of a 503, in seconds.
    pub retry_after_s: u32,
    /// What the spans of requests have.
    pub span_content: SpanContent,
}

/// What the span of a request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanContent {
    /// Method and route: nothing that a client chose.
    Route,
    /// The path and the caller, too: for a log that a person reads on a terminal, and that is not stored.
    Client,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            max_body_bytes: 1024 * 1024,
            max_batch_body_bytes: 8 * 1024 * 1024,
            max_line_bytes: 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            stream_idle_timeout: Duration::from_mins(5),
            send_timeout: Duration::from_secs(30),
            allowed_hosts: AllowedHosts::Any,
            max_text_chars: 10_000,
            cors_origins: Vec::new(),
            hsts_max_age_s: None,
            admin_split: false,
            console: true,
            protect_metrics: false,
            trusted_proxies: TrustedProxies::default(),
            cache_status: true,
            retry_after_s: 1,
            span_content: SpanContent::Route,
        }
    }
}

/// The use cases behind the routes.
pub struct UseCases {
    /// `POST /api/v1/predictions`.
    pub predict: PredictSentimentUseCase,
    /// `POST /api/v1/predictions/batch`.
    pub predict_batch: PredictSentimentBatchUseCase,
    /// `POST /api/v1/predictions/stream`.
    pub stream: StreamPredictionsUseCase,
    /// `GET /api/v1/predictions/{id}`.
    pub get: GetPredictionUseCase,
    /// `GET /api/v1/predictions`.
    pub list: ListPredictionsUseCase,
    /// `GET /api/v1/predictions/export`.
    pub export: ExportPredictionsUseCase,
    /// `DELETE /api/v1/predictions/{id}`.
    pub delete: DeletePredictionUseCase,
    /// `GET /api/v1/events`.
    pub follow_events: FollowEventsUseCase,
    /// `GET /api/v1/analytics/terms`.
    pub rank_terms: RankTermsUseCase,
    /// `GET /api/v1/models`.
    pub models: ListModelsUseCase,
    /// `POST /api/v1/models/{name}`.
    pub load_model: LoadModelUseCase,
    /// `DELETE /api/v1/models/{name}`.
    pub unload_model: UnloadModelUseCase,
    /// Finds out who sent a request; none where no authentication is required.
    pub authenticate: Option<AuthenticateUseCase>,
    /// Counts the requests of callers, and reports what is left of their limits.
    pub admit: AdmitRequestUseCase,
    /// `GET /api/v1/usage`.
    pub usage: GetUsageUseCase,
    /// `GET /api/v1/analytics/trends`.
    pub trends: ShowTrendsUseCase,
    /// `GET /api/v1/analytics/breakdown`.
    pub breakdown: BreakDownUseCase,
    /// Checks the callers of requests that last; none where no authentication is required.
    pub revalidate: Option<RevalidateCallerUseCase>,
    /// `POST /api/v1/keys`.
    pub issue_key: IssueKeyUseCase,
    /// `GET /api/v1/keys`.
    pub list_keys: ListKeysUseCase,
    /// `DELETE /api/v1/keys/{id}`.
    pub revoke_key: RevokeKeyUseCase,
    /// `GET /api/v1/audit`.
    pub audit: ListAuditUseCase,
    /// `GET /health`, `/health/live` and `/health/ready`; shared with the background task that runs the checks.
    pub health: Arc<CheckHealthUseCase>,
}

/// What the controllers and middlewares share; cloned for each worker.
#[derive(Clone)]
pub struct ApiState {
    /// The use cases.
    pub use_cases: Arc<UseCases>,
    /// The settings.
    pub settings: HttpSettings,
    /// The memory for the bodies of all requests and responses.
    pub body_memory: BodyMemory,
    /// The frames of recent events.
    pub event_frames: EventFrames,
    /// Runs work on large bodies away from the connections' threads.
    pub offload: Offload,
    /// Runs work that continues if its client disconnects.
    pub detached: Detached,
    /// The exports in progress.
    pub exports: Exports,
    /// Becomes true when the service begins to shut down.
    pub shutting_down: watch::Receiver<bool>,
    /// When the process started, for `uptime_seconds`.
    pub started: Instant,
    /// The program's version, for `/health`.
    pub version: &'static str,
    /// Renders the metrics in the Prometheus text format.
    pub render_metrics: Arc<dyn Fn() -> String + Send + Sync>,
}
