use std::sync::Arc;

use async_trait::async_trait;
use domain::value_objects::{InputText, LabelSet, ModelOutput, ModelRef, ReadOptions, TenantId};

use crate::errors::{BoxError, SharedError};
use crate::ports::{Calibration, Deadline, PrecisionReason};

/// A model that classifies texts.
///
/// Implementations must return exactly one output or error for each text, in the order of the texts; must classify a
/// text in a batch as they do alone, within the tolerance of the arithmetic; must not let one text's failure affect
/// another; must skip the work of a call whose future was dropped; and must report in `usage` which part of a text
/// the model read, which [`ReadOptions`] may limit.
#[async_trait]
pub trait MlGateway: Send + Sync {
    /// Classifies `texts`.
    ///
    /// # Errors
    /// The outer error concerns the whole call, an inner one a single text; see [`MlError`]. `Saturated` is always an
    /// outer error; it is also returned where what waits already would take longer than the deadline allows.
    async fn classify(
        &self,
        tenant: &TenantId,
        texts: &[&InputText],
        options: ReadOptions,
        queueing: Queueing,
    ) -> Result<Vec<Result<ModelOutput, MlError>>, MlError>;

    /// The tokens that the model computes in a second when it has nothing else to do, as measured lately; none before
    /// the first measurement.
    fn tokens_per_second(&self) -> Option<f64>;

    /// The loaded model; none while it is loading or after it has stopped.
    fn info(&self) -> Option<Arc<ModelInfo>>;
}

/// How texts enter the queue of a model. Single texts and bulk texts (those of batches and streams) have separate room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The text of a request of its own: refused with [`MlError::Saturated`] when the room for single texts is full.
    Single,
    /// The first texts of a bulk request: refused with [`MlError::Saturated`] when the room for bulk texts is full.
    BulkStart,
    /// Further texts of a bulk request: they wait for room.
    BulkNext,
}

/// How texts wait for a model, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queueing {
    /// How they enter its queue.
    pub admission: Admission,
    /// When they must be classified.
    pub deadline: Deadline,
}

impl From<Admission> for Queueing {
    /// Without a deadline.
    fn from(admission: Admission) -> Self {
        Self { admission, deadline: Deadline::Never }
    }
}

/// Why a classification failed. A clone shares the cause, so that several waiting calls can return it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MlError {
    /// The queue is full.
    #[error("the queue is full")]
    Saturated,
    /// The model did not answer in time.
    #[error("the model did not answer in time")]
    DeadlineExceeded,
    /// The engine failed on this text, or computed a logit that is not finite.
    #[error("inference failed")]
    InferenceFailed {
        /// The cause, without the text.
        #[source]
        source: SharedError,
    },
    /// The text has more tokens than the options allow, which ask to refuse it then.
    #[error("the text has {actual} tokens, but at most {max} are allowed")]
    TooManyTokens {
        /// The most tokens allowed.
        max: u32,
        /// The text's tokens.
        actual: u32,
    },
    /// The model is not loaded, or has stopped.
    #[error("the model is not available")]
    Unavailable {
        /// Why.
        #[source]
        source: SharedError,
    },
}

impl MlError {
    /// An [`InferenceFailed`](Self::InferenceFailed) with this cause.
    pub fn inference_failed(source: impl Into<BoxError>) -> Self {
        Self::InferenceFailed { source: source.into().into() }
    }

    /// An [`Unavailable`](Self::Unavailable) with this cause.
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable { source: source.into().into() }
    }
}

/// A loaded model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInfo {
    /// Name and revision, as stored with predictions.
    pub model: Arc<ModelRef>,
    /// Its labels.
    pub labels: Arc<LabelSet>,
    /// What the sentiments of its labels are based on.
    pub label_mapping: LabelMappingOrigin,
    /// How long texts are split into windows.
    pub window: WindowInfo,
    /// The device: `cpu` or `cuda:N`.
    pub device: String,
    /// The precision in use, such as `f32`.
    pub precision: String,
    /// Why it is used.
    pub precision_reason: PrecisionReason,
    /// The code that computes the model: a SIMD level such as `avx512_vnni`, or `candle` for Candle's operations.
    pub kernel: String,
    /// The comparison of int8 with f32, where there was one.
    pub calibration: Option<Calibration>,
    /// SHA-256 of the weights, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Where it comes from.
    pub source: ModelOrigin,
    /// The result of the self-test at start.
    pub self_test: SelfTest,
}

/// What the mapping of a model's labels to sentiments is based on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelMappingOrigin {
    /// The names of the labels, such as `negative`.
    Names,
    /// The names of the labels, which are `1 star` to `5 stars`.
    Stars,
    /// The repository on the hub, whose model card states the order of the labels.
    KnownRepository {
        /// The repository.
        repo: String,
    },
    /// The checksum of the weights, which a repository on the hub publishes whose model card states the order.
    KnownWeights {
        /// The repository.
        repo: String,
    },
    /// A table in the configuration or in the request that loaded the model.
    Config,
    /// Nothing: no label is mapped.
    Raw,
}

impl LabelMappingOrigin {
    /// All names.
    pub const NAMES: [&str; 6] = ["names", "stars", "known_repository", "known_weights", "config", "raw"];

    /// Returns the name in the API and in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Names => "names",
            Self::Stars => "stars",
            Self::KnownRepository { .. } => "known_repository",
            Self::KnownWeights { .. } => "known_weights",
            Self::Config => "config",
            Self::Raw => "raw",
        }
    }

    /// Returns the repository whose model card states the order of the labels.
    pub fn repo(&self) -> Option<&str> {
        match self {
            Self::KnownRepository { repo } | Self::KnownWeights { repo } => Some(repo),
            Self::Names | Self::Stars | Self::Config | Self::Raw => None,
        }
    }
}

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelOrigin {
    /// A folder on this machine.
    Folder,
    /// The Hugging Face hub.
    Hub {
        /// The repository, such as `org/name`.
        repo: String,
        /// The requested branch, tag or commit.
        revision: String,
        /// The commit that it resolved to, from which all files are.
        commit: String,
    },
}

impl ModelOrigin {
    /// Returns the repository on the hub.
    pub fn repo(&self) -> Option<&str> {
        match self {
            Self::Folder => None,
            Self::Hub { repo, .. } => Some(repo),
        }
    }
}

/// How a text longer than one window is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowInfo {
    /// The most tokens of a window, special tokens not counted.
    pub tokens: u32,
    /// The tokens that a window shares with the previous one.
    pub overlap: u32,
}

/// The result of the self-test at start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SelfTest {
    /// The model's folder has no reference logits.
    Absent,
    /// The engine's logits agree with the reference.
    Passed {
        /// The number of texts compared.
        cases: u32,
        /// The largest difference between two logits.
        max_difference: f32,
        /// The allowed difference.
        tolerance: f32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_origin_of_a_label_mapping_has_a_name_of_its_own() {
        let repo = || "org/name".to_owned();
        let origins = [
            LabelMappingOrigin::Names,
            LabelMappingOrigin::Stars,
            LabelMappingOrigin::KnownRepository { repo: repo() },
            LabelMappingOrigin::KnownWeights { repo: repo() },
            LabelMappingOrigin::Config,
            LabelMappingOrigin::Raw,
        ];
        assert_eq!(origins.map(|origin| origin.name()), LabelMappingOrigin::NAMES);
    }
}
