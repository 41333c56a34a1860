//! The ways to everything that is not a store.

mod audit_sealer;
mod cache_gateway;
mod caller_directory;
mod compute_pool;
mod failure_limiter;
mod key_secrets;
mod ml_gateway;
mod model_catalog;
mod model_loader;
mod precision;
mod prediction_metrics;
mod relay_metrics;
mod sentence_splitter;
mod token_verifier;
mod usage_limiter;

pub use audit_sealer::AuditSealer;
pub use cache_gateway::{CacheGateway, CacheKey, CachedOutput};
pub use caller_directory::CallerDirectory;
pub use compute_pool::{Computation, ComputePool, NotComputed};
pub use failure_limiter::FailureLimiter;
pub use key_secrets::{KeySecrets, NewKey, SecretText, SentKey};
pub use ml_gateway::{
    Admission, LabelMappingOrigin, MlError, MlGateway, ModelInfo, ModelOrigin, Queueing, SelfTest, WindowInfo,
};
pub use model_catalog::{CatalogError, LoadedModel, ModelCatalog, ServedModel};
pub use model_loader::{LabelsSpec, ModelLifecycle, ModelLoadError, ModelLoader, ModelSpec, RunningModel};
pub use precision::{Calibration, PrecisionReason};
pub use prediction_metrics::PredictionMetrics;
pub use relay_metrics::RelayMetrics;
pub use sentence_splitter::SentenceSplitter;
pub use token_verifier::{TokenError, TokenVerifier, VerifiedToken};
pub use usage_limiter::{
    ConcurrencyStanding, LimitError, LimitPolicy, LimitsStanding, OwnLimits, Principal, PrincipalStanding,
    QuotaStanding, RateStanding, RequestPermit, UsageLimiter,
};
