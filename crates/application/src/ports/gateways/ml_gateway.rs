use std::sync::Arc;

use async_trait::async_trait;
use domain::value_objects::{InputText, LabelSet, ModelOutput, ModelRef, ReadOptions, TenantId};

use crate::errors::{BoxError, SharedError};

/// The way to the model.
///
/// Implementations must answer a text in a batch as they answer it alone, up to the arithmetic's tolerance, must
/// let one text's failure be that text's alone, must leave out the work of callers who have gone, and must tell in
/// `usage` what was read: with [`ReadOptions`] other than the default that may be less than the text.
#[async_trait]
pub trait MlGateway: Send + Sync {
    /// Reads one text; refuses at once where too much is waiting.
    ///
    /// # Errors
    /// See [`MlError`].
    async fn predict(
        &self,
        tenant: &TenantId,
        text: &InputText,
        options: ReadOptions,
    ) -> Result<ModelOutput, MlError>;

    /// Reads many texts; the answers stand in the order of the texts.
    ///
    /// # Errors
    /// The outer error is about the whole batch, the inner ones about one text each; see [`MlError`].
    async fn predict_batch(
        &self,
        tenant: &TenantId,
        texts: &[&InputText],
        options: ReadOptions,
        admission: Admission,
    ) -> Result<Vec<Result<ModelOutput, MlError>>, MlError>;

    /// The models that are loaded.
    fn models(&self) -> Vec<ModelInfo>;
}

/// What happens where too much work is waiting already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Refuse with [`MlError::Saturated`], at once.
    Refuse,
    /// Wait for room: for work that belongs to a request that was let in already.
    Wait,
}

/// Why the model gave no answer. A clone shares the cause, so that each of several callers gets all of it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MlError {
    /// Too much work is waiting.
    #[error("the queue is full")]
    Saturated,
    /// The answer would have come too late.
    #[error("the answer took too long")]
    DeadlineExceeded,
    /// The engine gave no usable numbers for this text.
    #[error("inference failed")]
    InferenceFailed {
        /// What went wrong; it never repeats the text.
        #[source]
        source: SharedError,
    },
    /// The text has more tokens than the caller allowed, and was to be refused then.
    #[error("the text has {actual} tokens, and at most {max} were allowed")]
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

/// What is known of a loaded model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInfo {
    /// Name and revision, as answers carry them.
    pub model: Arc<ModelRef>,
    /// Its outputs.
    pub labels: Arc<LabelSet>,
    /// How long texts are read.
    pub window: WindowInfo,
    /// Where it runs: `cpu` or `cuda:N`.
    pub device: String,
    /// The arithmetic in use, such as `f32`.
    pub precision: String,
    /// SHA-256 of the weights, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Where it comes from.
    pub source: ModelOrigin,
    /// What the self-test at start found.
    pub self_test: SelfTest,
}

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelOrigin {
    /// A folder of this machine.
    Folder,
    /// The Hugging Face hub.
    Hub {
        /// The repository, such as `org/name`.
        repo: String,
        /// The branch, tag or commit that was asked for.
        revision: String,
        /// The commit that it stood for: all files are from this one.
        commit: String,
    },
}

/// How a text longer than one window is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowInfo {
    /// The most tokens of a window, special tokens not counted.
    pub tokens: u32,
    /// The tokens that a window shares with the one before it.
    pub overlap: u32,
}

/// What the self-test at start found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SelfTest {
    /// The model's folder has no reference logits.
    Absent,
    /// The engine's logits agree with the reference.
    Passed {
        /// The texts compared.
        cases: u32,
        /// The largest difference between two logits.
        max_difference: f32,
        /// The difference that would have been allowed.
        tolerance: f32,
    },
}
