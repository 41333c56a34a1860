use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use candle_core::safetensors::SliceSafetensors;
use candle_core::{DType, Device, Shape, Tensor};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::architecture::TensorSpec;
use crate::load_error::LoadError;
use crate::loader::files::{ModelFolder, read, read_json};
use crate::loader::hf_config::HfConfig;

/// The bytes of `model.safetensors`, or of the several files that `model.safetensors.index.json` names, whose tensors
/// are those that the configuration promises: names, shapes and types are right, and every number of them is finite.
pub(super) struct Weights {
    files: Vec<(PathBuf, Vec<u8>)>,
}

/// `model.safetensors.index.json`.
#[derive(Deserialize)]
struct Index {
    /// The file of each tensor.
    weight_map: BTreeMap<String, String>,
}

impl Weights {
    pub(super) fn read(folder: &ModelFolder, config: &HfConfig) -> Result<Self, LoadError> {
        let mut files = Vec::new();
        for path in weight_files(folder)? {
            let bytes = read(&path)?;
            files.push((path, bytes));
        }
        let weights = Self { files };
        weights.check(&folder.config(), config)?;
        Ok(weights)
    }

    /// The tensors in `dtype` on `device`.
    pub(super) fn builder(
        &self,
        dtype: DType,
        device: &Device,
    ) -> Result<VarBuilder<'_>, candle_core::Error> {
        let files = self.files.iter().map(|(_, bytes)| SliceSafetensors::new(bytes));
        let files = Files(files.collect::<Result<_, _>>()?);
        Ok(VarBuilder::from_backend(Box::new(files), dtype, device.clone()))
    }

    /// The type of the tensor `name` in the file; `f32` where there is none.
    pub(super) fn dtype_of(&self, name: &str) -> DType {
        let files = self.files.iter().filter_map(|(_, bytes)| SliceSafetensors::new(bytes).ok());
        let mut found = files.filter_map(|file| file.get(name).ok().map(|view| view.dtype()));
        found.next().and_then(|dtype| DType::try_from(dtype).ok()).unwrap_or(DType::F32)
    }

    /// In lower-case hexadecimal digits. Several files are one behind the other, in the order of their names.
    pub(super) fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for (_, bytes) in &self.files {
            hash.update(bytes);
        }
        hash.finalize().iter().fold(String::with_capacity(64), |mut digits, byte| {
            // Writing to a String cannot fail.
            let _ = write!(digits, "{byte:02x}");
            digits
        })
    }

    fn check(&self, config_path: &Path, config: &HfConfig) -> Result<(), LoadError> {
        let mut files = Vec::with_capacity(self.files.len());
        for (path, bytes) in &self.files {
            let file = SliceSafetensors::new(bytes)
                .map_err(|source| LoadError::Weights { path: path.clone(), source: source.into() })?;
            files.push((path, file));
        }
        let mut tensors = HashMap::new();
        for (path, file) in &files {
            for (name, view) in file.tensors() {
                let (kind, dtype) = (format!("{:?}", view.dtype()), DType::try_from(view.dtype()).ok());
                let shape = view.shape().to_vec();
                let found = Found { path, shape, kind, dtype, data: view.data() };
                // Which of two is meant cannot be told.
                if let Some(Found { path: first, .. }) = tensors.insert(name.clone(), found) {
                    let (path, first) = ((*path).clone(), first.to_owned());
                    return Err(LoadError::TensorTwice { path, first, name });
                }
            }
        }
        let (architecture, labels) = (config.architecture(), config.labels().len());
        if let Some(outputs) =
            tensors.get(&architecture.outputs()).and_then(|found| found.shape.first().copied())
            && outputs != labels
        {
            return Err(LoadError::LabelCount { path: config_path.to_owned(), named: labels, outputs });
        }
        let whole = self.files.first().map_or(config_path, |(path, _)| path);
        architecture.tensors(labels).try_for_each(|spec| check_tensor(&tensors, whole, spec))
    }
}

/// One file, or those that the index names.
fn weight_files(folder: &ModelFolder) -> Result<BTreeSet<PathBuf>, LoadError> {
    let (single, index) = (folder.weights(), folder.weights_index());
    if !single.exists() && index.exists() {
        let Index { weight_map } = read_json(&index)?;
        // A name is that of a file in the folder and leads nowhere else.
        if let Some(name) =
            weight_map.values().find(|name| Path::new(name).file_name() != Some(name.as_ref()))
        {
            return Err(LoadError::ShardName { path: index, name: name.clone() });
        }
        let files: BTreeSet<_> = weight_map.values().map(|name| folder.path().join(name)).collect();
        if !files.is_empty() {
            return Ok(files);
        }
    }
    match folder.foreign_weights().into_iter().next() {
        Some(path) if !single.exists() => Err(LoadError::ForeignWeights { path }),
        _ => Ok(BTreeSet::from([single])),
    }
}

/// A tensor as its file has it.
struct Found<'a> {
    path: &'a Path,
    shape: Vec<usize>,
    kind: String,
    dtype: Option<DType>,
    data: &'a [u8],
}

/// `whole` stands for the file where there is none.
fn check_tensor(
    tensors: &HashMap<String, Found<'_>>,
    whole: &Path,
    spec: TensorSpec,
) -> Result<(), LoadError> {
    let TensorSpec { name, old_name, shape: expected } = spec;
    let found = tensors.get(&name).or_else(|| tensors.get(&old_name?));
    let Some(found) = found else {
        return Err(LoadError::TensorMissing { path: whole.to_owned(), name });
    };
    let path = found.path.to_owned();
    if found.shape != expected {
        return Err(LoadError::TensorShape { path, name, expected, found: found.shape.clone() });
    }
    match found.dtype.and_then(|dtype| is_finite(dtype, found.data)) {
        Some(true) => Ok(()),
        Some(false) => Err(LoadError::TensorNotFinite { path, name }),
        None => Err(LoadError::TensorType { path, name, found: found.kind.clone() }),
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

/// Several safetensors files as one.
struct Files<'a>(Vec<SliceSafetensors<'a>>);

impl SimpleBackend for Files<'_> {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: Init,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        let tensor = self.get_unchecked(name, dtype, device)?;
        if *tensor.shape() == shape {
            return Ok(tensor);
        }
        let (msg, got) = (format!("shape of {name}"), tensor.shape().clone());
        Err(candle_core::Error::UnexpectedShape { msg, expected: shape, got })
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> candle_core::Result<Tensor> {
        let file = self.0.iter().find(|file| file.get(name).is_ok());
        let path = || candle_core::Error::CannotFindTensor { path: name.to_owned() };
        file.ok_or_else(path)?.load(name, device)?.to_dtype(dtype)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.0.iter().any(|file| file.get(name).is_ok())
    }
}
