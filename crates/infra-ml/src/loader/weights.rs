use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::safetensors::SliceSafetensors;
use candle_core::{DType, Device, Shape, Tensor};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};
use sha2::{Digest, Sha256};

use crate::architecture::TensorSpec;
use crate::load_error::{LoadError, WeightsError};
use crate::loader::hf_config::HfConfig;
use crate::model_folder::{ModelFolder, read};

/// The bytes of the files with weights. Their tensors are those of the configuration: names, shapes and types are
/// right, and every number is finite.
pub(super) struct Weights {
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Weights {
    pub(super) fn read(folder: &ModelFolder, config: &HfConfig) -> Result<Self, LoadError> {
        let mut files = Vec::new();
        for path in folder.weights()? {
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
        hex::encode(hash.finalize())
    }

    fn check(&self, config_path: &Path, config: &HfConfig) -> Result<(), WeightsError> {
        let mut files = Vec::with_capacity(self.files.len());
        for (path, bytes) in &self.files {
            let file = SliceSafetensors::new(bytes)
                .map_err(|source| WeightsError::Format { path: path.clone(), source: source.into() })?;
            files.push((path, file));
        }
        let mut tensors = HashMap::new();
        for (path, file) in &files {
            for (name, view) in file.tensors() {
                let (kind, dtype) = (format!("{:?}", view.dtype()), DType::try_from(view.dtype()).ok());
                let shape = view.shape().to_vec();
                let found = Found { path, shape, kind, dtype, data: view.data() };
                // Nothing says which of the two is right.
                if let Some(Found { path: first, .. }) = tensors.insert(name.clone(), found) {
                    let (path, first) = ((*path).clone(), first.to_owned());
                    return Err(WeightsError::TensorTwice { path, first, name });
                }
            }
        }
        let (architecture, labels) = (config.architecture(), config.labels().len());
        if let Some(outputs) =
            tensors.get(&architecture.output_weight()).and_then(|found| found.shape.first().copied())
            && outputs != labels
        {
            return Err(WeightsError::LabelCount { path: config_path.to_owned(), named: labels, outputs });
        }
        let whole = self.files.first().map_or(config_path, |(path, _)| path);
        architecture.tensors(labels).try_for_each(|spec| check_tensor(&tensors, whole, spec))
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

/// `whole` is named as the file of a missing tensor.
fn check_tensor(
    tensors: &HashMap<String, Found<'_>>,
    whole: &Path,
    spec: TensorSpec,
) -> Result<(), WeightsError> {
    let TensorSpec { name, old_name, shape: expected } = spec;
    let found = tensors.get(&name).or_else(|| tensors.get(&old_name?));
    let Some(found) = found else {
        return Err(WeightsError::TensorMissing { path: whole.to_owned(), name });
    };
    let path = found.path.to_owned();
    if found.shape != expected {
        return Err(WeightsError::TensorShape { path, name, expected, found: found.shape.clone() });
    }
    match found.dtype.and_then(|dtype| is_finite(dtype, found.data)) {
        Some(true) => Ok(()),
        Some(false) => Err(WeightsError::TensorNotFinite { path, name }),
        None => Err(WeightsError::TensorType { path, name, found: found.kind.clone() }),
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
