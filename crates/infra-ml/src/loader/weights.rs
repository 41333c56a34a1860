use std::collections::HashMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use candle_core::DType;
use candle_core::safetensors::SliceSafetensors;
use sha2::{Digest, Sha256};

use crate::load_error::LoadError;
use crate::loader::files::{ModelFolder, read};
use crate::loader::hf_config::HfConfig;

/// The bytes of `model.safetensors`, whose tensors are those that the configuration promises: names, shapes and
/// types are right, and every number of them is finite.
pub(super) struct Weights {
    bytes: Vec<u8>,
}

impl Weights {
    pub(super) fn read(folder: &ModelFolder, config: &HfConfig) -> Result<Self, LoadError> {
        let path = folder.weights();
        let bytes = read(&path)?;
        check(&path, &folder.config(), &bytes, config)?;
        Ok(Self { bytes })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The type of the tensor `name` in the file; `f32` where there is none.
    pub(super) fn dtype_of(&self, name: &str) -> DType {
        let file = SliceSafetensors::new(&self.bytes).ok();
        let found = file.and_then(|file| file.get(name).ok().map(|view| view.dtype()));
        found.and_then(|dtype| DType::try_from(dtype).ok()).unwrap_or(DType::F32)
    }

    /// In lower-case hexadecimal digits.
    pub(super) fn sha256(&self) -> String {
        Sha256::digest(&self.bytes).iter().fold(String::with_capacity(64), |mut digits, byte| {
            // Writing to a String cannot fail.
            let _ = write!(digits, "{byte:02x}");
            digits
        })
    }
}

/// A tensor as the file has it.
struct Found<'a> {
    shape: Vec<usize>,
    kind: String,
    dtype: Option<DType>,
    data: &'a [u8],
}

fn check(path: &Path, config_path: &Path, bytes: &[u8], config: &HfConfig) -> Result<(), LoadError> {
    let unreadable =
        |source: candle_core::Error| LoadError::Weights { path: path.to_owned(), source: source.into() };
    let file = SliceSafetensors::new(bytes).map_err(unreadable)?;
    let tensors: HashMap<String, Found<'_>> = file
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let kind = format!("{:?}", view.dtype());
            let dtype = DType::try_from(view.dtype()).ok();
            (name, Found { shape: view.shape().to_vec(), kind, dtype, data: view.data() })
        })
        .collect();
    let labels = config.labels().len();
    if let Some(outputs) = tensors.get("classifier.weight").and_then(|found| found.shape.first().copied())
        && outputs != labels
    {
        return Err(LoadError::LabelCount { path: config_path.to_owned(), named: labels, outputs });
    }
    Expected { tensors: &tensors, path: path.to_owned() }.check_all(config)
}

struct Expected<'a> {
    tensors: &'a HashMap<String, Found<'a>>,
    path: PathBuf,
}

impl Expected<'_> {
    fn check_all(&self, config: &HfConfig) -> Result<(), LoadError> {
        let bert = config.bert();
        let (hidden, inner) = (bert.hidden_size, bert.intermediate_size);
        let table = "bert.embeddings";
        self.tensor(&format!("{table}.word_embeddings.weight"), &[bert.vocab_size, hidden])?;
        self.tensor(&format!("{table}.position_embeddings.weight"), &[bert.max_position_embeddings, hidden])?;
        self.tensor(&format!("{table}.token_type_embeddings.weight"), &[bert.type_vocab_size, hidden])?;
        self.norm(&format!("{table}.LayerNorm"), hidden)?;
        for number in 0..bert.num_hidden_layers {
            let layer = format!("bert.encoder.layer.{number}");
            for part in [
                "attention.self.query",
                "attention.self.key",
                "attention.self.value",
                "attention.output.dense",
            ] {
                self.linear(&format!("{layer}.{part}"), hidden, hidden)?;
            }
            self.norm(&format!("{layer}.attention.output.LayerNorm"), hidden)?;
            self.linear(&format!("{layer}.intermediate.dense"), inner, hidden)?;
            self.linear(&format!("{layer}.output.dense"), hidden, inner)?;
            self.norm(&format!("{layer}.output.LayerNorm"), hidden)?;
        }
        self.linear("bert.pooler.dense", hidden, hidden)?;
        self.linear("classifier", config.labels().len(), hidden)
    }

    fn linear(&self, name: &str, outputs: usize, inputs: usize) -> Result<(), LoadError> {
        self.tensor(&format!("{name}.weight"), &[outputs, inputs])?;
        self.tensor(&format!("{name}.bias"), &[outputs])
    }

    /// Old checkpoints call a layer norm's weight `gamma` and its bias `beta`; Candle reads both.
    fn norm(&self, name: &str, size: usize) -> Result<(), LoadError> {
        for (new, old) in [("weight", "gamma"), ("bias", "beta")] {
            let (new, old) = (format!("{name}.{new}"), format!("{name}.{old}"));
            let present =
                if self.tensors.contains_key(&new) || !self.tensors.contains_key(&old) { new } else { old };
            self.tensor(&present, &[size])?;
        }
        Ok(())
    }

    fn tensor(&self, name: &str, expected: &[usize]) -> Result<(), LoadError> {
        let (path, owned) = (self.path.clone(), name.to_owned());
        let Some(found) = self.tensors.get(name) else {
            return Err(LoadError::TensorMissing { path, name: owned });
        };
        if found.shape != expected {
            let (expected, found) = (expected.to_vec(), found.shape.clone());
            return Err(LoadError::TensorShape { path, name: owned, expected, found });
        }
        match found.dtype.and_then(|dtype| is_finite(dtype, found.data)) {
            Some(true) => Ok(()),
            Some(false) => Err(LoadError::TensorNotFinite { path, name: owned }),
            None => Err(LoadError::TensorType { path, name: owned, found: found.kind.clone() }),
        }
    }
}

/// Whether every number of the little-endian `data` is finite: its exponent bits are not all set. None for types
/// that are not read.
fn is_finite(dtype: DType, data: &[u8]) -> Option<bool> {
    let halves = |exponent: u16| {
        data.as_chunks::<2>().0.iter().all(|bytes| u16::from_le_bytes(*bytes) & exponent != exponent)
    };
    match dtype {
        DType::F16 => Some(halves(0x7c00)),
        DType::BF16 => Some(halves(0x7f80)),
        DType::F32 => Some(
            data.as_chunks::<4>()
                .0
                .iter()
                .all(|bytes| u32::from_le_bytes(*bytes) & 0x7f80_0000 != 0x7f80_0000),
        ),
        _ => None,
    }
}
