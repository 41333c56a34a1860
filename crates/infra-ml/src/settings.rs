use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use domain::value_objects::Sentiment;

use crate::hub::{HubModel, HubSettings};

/// Which model is loaded, where it runs, and how much may wait for it.
#[derive(Debug, Clone)]
pub struct ModelSettings {
    /// Where the model comes from.
    pub source: ModelSource,
    /// The name in answers; that of the folder, or of the repository on the hub, where there is none.
    pub name: Option<String>,
    /// The arithmetic.
    pub precision: Precision,
    /// Where it runs.
    pub device: DeviceChoice,
    /// The most tokens of a window, special tokens not counted; the model's maximum where there is none.
    pub window: Option<u32>,
    /// The tokens that a window shares with the one before it; none where there is none.
    pub overlap: Option<u32>,
    /// How the model's labels become sentiments.
    pub labels: LabelMapping,
    /// The most texts that wait.
    pub max_queue_items: usize,
    /// The most tokens that wait; one text alone may have more.
    pub max_queue_tokens: usize,
    /// The most tokens of one batch; one window alone may have more.
    pub max_batch_tokens: usize,
    /// How many batches are computed at once on the CPU, each on a core; as many as there are cores where there is none.
    /// A CUDA device computes one at a time, and so does the CPU what is not on the fast path.
    pub threads: Option<NonZeroUsize>,
    /// The longest that a caller waits for an answer.
    pub max_wait: Duration,
}

impl ModelSettings {
    /// The model in the folder `path`, everything else as it is by default.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            source: ModelSource::Folder(path.into()),
            name: None,
            precision: Precision::Auto,
            device: DeviceChoice::Auto,
            window: None,
            overlap: None,
            labels: LabelMapping::Auto,
            max_queue_items: 1_024,
            max_queue_tokens: 65_536,
            max_batch_tokens: 2_048,
            threads: None,
            max_wait: Duration::from_secs(30),
        }
    }
}

/// Where a model comes from.
#[derive(Debug, Clone)]
pub enum ModelSource {
    /// A Hugging Face folder: `config.json`, `tokenizer.json`, `model.safetensors`, and `reference.json` if it has one.
    Folder(PathBuf),
    /// A repository on the Hugging Face hub.
    Hub {
        /// Which one, and in which state.
        model: HubModel,
        /// How it is asked for.
        hub: Arc<HubSettings>,
    },
}

/// The arithmetic of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// On CUDA `f16`. On the CPU `int8` where that is faster and the model's `reference.json` shows that it is near enough,
    /// else `f32`.
    #[default]
    Auto,
    /// 32 bits.
    F32,
    /// Weights and activations as bytes, on the CPU only.
    Int8,
    /// 16 bits, on CUDA only.
    F16,
    /// 16 bits with the range of 32, on CUDA only.
    Bf16,
}

impl Precision {
    /// The name in the configuration and in `/api/v1/models`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::F32 => "f32",
            Self::Int8 => "int8",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Precision {
    type Err = SettingsError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::Auto, Self::F32, Self::Int8, Self::F16, Self::Bf16]
            .into_iter()
            .find(|precision| precision.as_str() == name)
            .ok_or_else(|| SettingsError::Precision { given: name.to_owned() })
    }
}

/// Where the model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The first CUDA device where this program has CUDA and the machine such a device; else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The CUDA device of this number.
    Cuda(usize),
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => out.write_str("auto"),
            Self::Cpu => out.write_str("cpu"),
            Self::Cuda(number) => write!(out, "cuda:{number}"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = SettingsError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            other => other
                .strip_prefix("cuda:")
                .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|number| number.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| SettingsError::Device { given: name.to_owned() }),
        }
    }
}

/// How the model's labels become sentiments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LabelMapping {
    /// By their names, whatever their case: `negative` or `neg`, `neutral` or `neu`, `positive` or `pos`, `mixed`.
    /// A model none of whose labels has such a name is refused.
    #[default]
    Auto,
    /// Not at all: answers carry the model's own labels and no sentiment.
    Raw,
    /// As given, by the model's own names; labels not named stand for no sentiment.
    Map(BTreeMap<String, Sentiment>),
}

/// A setting that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No such arithmetic.
    #[error("there is no precision {given:?}; use auto, f32, int8, f16 or bf16")]
    Precision {
        /// What was given.
        given: String,
    },
    /// No such device.
    #[error("there is no device {given:?}; use auto, cpu or cuda:N with N a number, such as cuda:0")]
    Device {
        /// What was given.
        given: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_device_and_precision_is_read_back_from_its_name() {
        for device in [DeviceChoice::Auto, DeviceChoice::Cpu, DeviceChoice::Cuda(0), DeviceChoice::Cuda(13)] {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        for precision in [Precision::Auto, Precision::F32, Precision::Int8, Precision::F16, Precision::Bf16] {
            assert_eq!(precision.to_string().parse(), Ok(precision));
        }
    }

    #[test]
    fn an_unknown_device_or_precision_is_refused_with_those_that_exist() {
        for wrong in ["gpu", "cuda", "cuda:", "cuda:-1", "cuda:+1", "cuda:x", "CPU", ""] {
            let error = wrong.parse::<DeviceChoice>().unwrap_err().to_string();
            assert!(error.contains("cuda:N"), "{error}");
        }
        let error = "f64".parse::<Precision>().unwrap_err().to_string();
        assert!(error.contains("\"f64\"") && error.contains("bf16"), "{error}");
    }
}
