use std::sync::Arc;
use std::time::{Duration, Instant};

use application::use_cases::{
    CheckHealthUseCase, DeletePredictionUseCase, GetPredictionUseCase, ListModelsUseCase,
    ListPredictionsUseCase, LoadModelUseCase, PredictSentimentBatchUseCase, PredictSentimentUseCase,
    StreamPredictionsUseCase, UnloadModelUseCase,
};

use tokio::sync::watch;

use crate::allowed_hosts::AllowedHosts;
use crate::body_memory::BodyMemory;
use crate::offload::Offload;

/// What the configuration decides about the API.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The most bytes of the body that carries one text.
    pub max_body_bytes: usize,
    /// The most bytes of the body that carries a batch.
    pub max_batch_body_bytes: usize,
    /// The most bytes of one line of a stream.
    pub max_line_bytes: usize,
    /// The longest that a request waits in all for its client to send the body.
    pub body_timeout: Duration,
    /// The longest that a stream waits for its client to send the next line.
    pub stream_idle_timeout: Duration,
    /// The hosts that requests may be for.
    pub allowed_hosts: AllowedHosts,
    /// The most characters of a text: for the served OpenAPI document; the use cases judge.
    pub max_text_chars: usize,
    /// The web origins whose pages may call the API; `*` means any, none means that no page may.
    pub cors_origins: Vec<String>,
    /// The `Strict-Transport-Security` header: its `max-age` in seconds, where it is to be sent at all.
    pub hsts_max_age_s: Option<u64>,
    /// Whether `/metrics` and the details of `/health` belong to the operators' listener alone.
    pub admin_split: bool,
    /// Whether there is a cache before the model, so that `Cache-Status` tells what it did.
    pub cache_status: bool,
    /// What `Retry-After` says on a 503, in seconds.
    pub retry_after_s: u32,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            max_body_bytes: 1024 * 1024,
            max_batch_body_bytes: 8 * 1024 * 1024,
            max_line_bytes: 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            stream_idle_timeout: Duration::from_mins(5),
            allowed_hosts: AllowedHosts::Any,
            max_text_chars: 10_000,
            cors_origins: Vec::new(),
            hsts_max_age_s: None,
            admin_split: false,
            cache_status: true,
            retry_after_s: 1,
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
    /// `DELETE /api/v1/predictions/{id}`.
    pub delete: DeletePredictionUseCase,
    /// `GET /api/v1/models`.
    pub models: ListModelsUseCase,
    /// `POST /api/v1/models/{name}`.
    pub load_model: LoadModelUseCase,
    /// `DELETE /api/v1/models/{name}`.
    pub unload_model: UnloadModelUseCase,
    /// `GET /health` and its kin; shared with the task that looks in the background.
    pub health: Arc<CheckHealthUseCase>,
}

/// Everything the controllers and middlewares work with; cheap to clone, once a worker.
#[derive(Clone)]
pub struct ApiState {
    /// The use cases.
    pub use_cases: Arc<UseCases>,
    /// The settings.
    pub settings: HttpSettings,
    /// The memory for the bodies of all requests and responses.
    pub body_memory: BodyMemory,
    /// The threads for work over large bodies.
    pub offload: Offload,
    /// Becomes true when the service begins to shut down.
    pub shutting_down: watch::Receiver<bool>,
    /// When the process began, for `uptime_seconds`.
    pub started: Instant,
    /// The program's version, for `/health`.
    pub version: &'static str,
    /// Gives the metrics in the Prometheus text format.
    pub render_metrics: Arc<dyn Fn() -> String + Send + Sync>,
}
