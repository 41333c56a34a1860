//! The ways to everything that is not a store.

mod cache_gateway;
mod ml_gateway;
mod model_catalog;
mod model_loader;
mod precision;
mod prediction_metrics;
mod relay_metrics;
mod sentence_splitter;

pub use cache_gateway::{CacheGateway, CacheKey, CachedOutput};
pub use ml_gateway::{
    Admission, LabelMappingOrigin, MlError, MlGateway, ModelInfo, ModelOrigin, SelfTest, WindowInfo,
};
pub use model_catalog::{CatalogError, LoadedModel, ModelCatalog, ServedModel};
pub use model_loader::{LabelsSpec, ModelLifecycle, ModelLoadError, ModelLoader, ModelSpec, RunningModel};
pub use precision::{Calibration, PrecisionReason};
pub use prediction_metrics::PredictionMetrics;
pub use relay_metrics::RelayMetrics;
pub use sentence_splitter::SentenceSplitter;
