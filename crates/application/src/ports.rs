//! What the use cases need from outside. An adapter in an `infra-*` crate implements each port. Each "must" in a port's
//! docs is part of its contract, and every contract of a store has its case in `store-contract`.

mod calendar;
mod clock;
mod deadline;
mod download_progress;
mod event_feed;
mod event_publisher;
pub mod gateways;
mod health_check;
mod id_generator;
pub mod read_models;
pub mod repositories;
mod schema_migrator;
mod store_error;
mod unit_of_work;
mod write_store;

pub use calendar::{Calendar, CalendarError, MAX_EDGES};
pub use clock::Clock;
pub use deadline::Deadline;
pub use download_progress::DownloadProgress;
pub use event_feed::{EventFeed, FeedFollower, FeedSignal, FeedWakeUp, FollowError};
pub use event_publisher::{EventPublisher, PublishError};
pub use gateways::{
    Admission, AuditSealer, CacheGateway, CacheKey, CachedOutput, Calibration, CallerDirectory, CatalogError,
    Computation, ComputePool, ConcurrencyStanding, FailureLimiter, KeySecrets, LabelMappingOrigin,
    LabelsSpec, LimitError, LimitPolicy, LimitsStanding, LoadedModel, MlError, MlGateway, ModelCatalog,
    ModelInfo, ModelLifecycle, ModelLoadError, ModelLoader, ModelOrigin, ModelSpec, NewKey, NotComputed,
    OwnLimits, PrecisionReason, PredictionMetrics, Principal, PrincipalStanding, Queueing, QuotaStanding,
    RateStanding, RelayMetrics, RequestPermit, RunningModel, SecretText, SelfTest, SentKey, SentenceSplitter,
    ServedModel, TokenError, TokenVerifier, UsageLimiter, VerifiedToken, WindowInfo,
};
pub use health_check::HealthCheck;
pub use id_generator::IdGenerator;
pub use read_models::{
    AnalyticsReadModel, AuditReadModel, Counted, DayUsage, FoundRow, GroupCell, GroupLimits, GroupTotals,
    GroupedRollups, IdPage, IdWalk, PredictionFilter, PredictionPage, PredictionReadModel, RollupGroup,
    RollupGrouping, RollupSelection, RollupSum, SentimentSums, SeriesCell, TextSelection, TrendProgress,
    TrendReadModel, UsageCount, UsageReadModel, WalkLimits, WalkPage, WalkRange,
};
pub use repositories::{
    ANALYTICS_SINK, AdmittedValue, ApiKeyRepository, ClaimOutcome, EventFeedRepository, FeedBounds,
    FeedEvent, HistorySnapshot, IdempotencyClaim, IdempotencyRepository, ItemFailure, KeyRecord, Lease,
    LeaseRepository, OutboxRepository, OutdatedRange, PendingEvent, ProjectionStep, Recount,
    RollupRepository, SinkProgress, SinkRepository, SinkStep, StoredAnswer, StoredItem, TenantRepository,
    UsageRepository,
};
pub use schema_migrator::{
    MigrationStep, RecordedStep, SchemaChange, SchemaError, SchemaMigrator, StepState,
};
pub use store_error::StoreError;
pub use unit_of_work::{AccessChange, TextCount, UnitOfWork, Write};
pub use write_store::WriteStore;
