//! The settings of a model: the one owner of their defaults and checks, whether they come from the configuration or
//! from a client.

mod device;
mod labels;
mod place;
mod precision;
mod seconds;
mod spec;

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use device::DeviceChoice;
pub use labels::LabelMapping;
pub use place::SettingsPlace;
pub use precision::Precision;
pub use seconds::Seconds;

/// Which model classifies, and how it runs. A section `[model]` or `[models.NAME]` of the configuration has this form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelSettings {
    /// A Hugging Face folder with configuration, tokenizer and weights; the name of a folder under `models/`; or, where
    /// there is no such folder, a model on the Hugging Face hub, at a branch, tag or commit (`hf:org/name` means the
    /// hub in any case). By default the bundled model.
    #[schemars(extend("values" = "folder, name, org/name[@revision]"))]
    pub path: Option<PathBuf>,
    /// The name that predictions carry; by default the folder's, or the repository's on the hub.
    pub name: Option<String>,
    /// The arithmetic. `int8` is for CPUs, `f16` and `bf16` are for GPUs. `auto` is the first of `f16`, `bf16` and
    /// `f32` that works on a GPU; on a CPU it is `int8` where that is faster and, by the model's `reference.json` or by
    /// built-in texts, near `f32`, else `f32`. CPUs may differ in this: set it where replicas must agree.
    pub precision: Precision,
    /// Where the model runs; `auto` is the first GPU of a CUDA build, else the CPU.
    #[schemars(extend("values" = "auto, cpu, cuda:N"))]
    pub device: DeviceChoice,
    /// The most tokens that the model sees at once, special tokens not counted; by default, and at most, the model's
    /// maximum less its special tokens.
    #[schemars(extend("values" = "tokens"))]
    pub window: Option<u32>,
    /// The tokens that two neighboring windows of a long text share; by default none.
    #[schemars(extend("values" = "tokens"))]
    pub overlap: Option<u32>,
    /// How labels become sentiments: `auto`, by their names or as known of a published model; `raw`, not at all; or by
    /// a table such as `{ LABEL_0 = "negative", LABEL_1 = "positive" }`.
    #[schemars(with = "labels::LabelsValue", extend("values" = "auto, raw, table"))]
    pub labels: LabelMapping,
    /// How many batches are computed at once on a CPU, each on a core of its own; by default as many as there are
    /// cores, and no more than the CPU quota of the container grants, rounded down. A CUDA device computes one at a
    /// time.
    pub threads: Option<NonZeroUsize>,
    /// The most tokens that are computed together, unless one window has more; by default, and at most, what the device
    /// gains by: up to 256 on a CPU, 16,384 on a CUDA device.
    #[schemars(extend("values" = "tokens"))]
    pub max_batch_tokens: Option<usize>,
    /// The most tokens of single texts that may wait, unless one text has more; beyond them requests get 503
    /// `saturated`. Texts of batches and streams have half as much room of their own, and wait for it.
    #[schemars(extend("values" = "tokens"))]
    pub max_queue_tokens: usize,
    /// The most single texts that may wait, each with all its windows; beyond them requests get 503 `saturated`. A
    /// batch gets 503 where as many texts of batches and streams wait already.
    pub max_queue_items: usize,
    /// Has no effect, and gives a warning in the log: a text may wait until the deadline of its request.
    #[schemars(with = "Option<f64>", extend("values" = "seconds"))]
    pub max_wait: Option<Seconds>,
    /// The most bytes that the model's files may have together. A larger model is refused before its first byte is
    /// fetched or read. The limit of `[model]` is also that of the models which clients load at run time.
    #[schemars(extend("values" = "bytes"))]
    pub max_bytes: u64,
    /// Where these settings were given.
    #[serde(skip)]
    #[schemars(skip)]
    pub place: SettingsPlace,
}

/// A setting whose value is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct SettingsError {
    /// The key within its section.
    pub key: &'static str,
    /// What is wrong with its value.
    pub reason: String,
}

impl SettingsError {
    pub(crate) fn new(key: &'static str, reason: impl fmt::Display) -> Self {
        Self { key, reason: reason.to_string() }
    }
}

/// More cores than any machine of today has.
const MAX_THREADS: usize = 1_024;

/// In seconds.
const MIN_WAIT: f64 = 0.1;

/// 4 GiB: above the largest classifiers in use, such as XLM-RoBERTa-large in f32 (2.2 GB) and DeBERTa-v2-xxlarge in f16
/// (3.2 GB), and below what fills a disk or the memory of a usual server by mistake.
const DEFAULT_MAX_BYTES: u64 = 4 << 30;

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            path: None,
            name: None,
            precision: Precision::Auto,
            device: DeviceChoice::Auto,
            window: None,
            overlap: None,
            labels: LabelMapping::Auto,
            threads: None,
            max_batch_tokens: None,
            max_queue_tokens: 65_536,
            max_queue_items: 1_024,
            max_wait: None,
            max_bytes: DEFAULT_MAX_BYTES,
            place: SettingsPlace::DefaultSection,
        }
    }
}

impl ModelSettings {
    /// The model at `path`, with the defaults of everything else.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: Some(path.into()), ..Self::default() }
    }

    /// Checks the values that their types do not check.
    ///
    /// # Errors
    /// The first key whose value is invalid.
    pub fn validate(&self) -> Result<(), SettingsError> {
        if self.path.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            return Err(SettingsError::new("path", "must not be empty"));
        }
        if self.threads.is_some_and(|threads| threads.get() > MAX_THREADS) {
            return Err(SettingsError::new("threads", format_args!("must be from 1 to {MAX_THREADS}")));
        }
        for (key, value) in [
            ("max_batch_tokens", self.max_batch_tokens.unwrap_or(usize::MAX)),
            ("max_queue_tokens", self.max_queue_tokens),
            ("max_queue_items", self.max_queue_items),
        ] {
            if value == 0 {
                return Err(SettingsError::new(key, "must be at least 1"));
            }
        }
        if self.max_bytes == 0 {
            return Err(SettingsError::new("max_bytes", "must be at least 1"));
        }
        let max_wait = self.max_wait.map_or(Ok(()), |max_wait| max_wait.check(MIN_WAIT));
        max_wait.map_err(|reason| SettingsError::new("max_wait", reason))
    }
}
