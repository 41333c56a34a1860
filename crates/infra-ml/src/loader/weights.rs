mod safetensors_header;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Shape, Tensor};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};
use half::vec::HalfBitsVecExt;
use safetensors::Dtype;
use sha2::{Digest, Sha256};

use crate::architecture::TensorSpec;
use crate::load_error::{LoadError, WeightsError};
use crate::loader::hf_config::HfConfig;
use crate::model_folder::{FolderError, ModelFolder, WeightsFormat};
use crate::pytorch;
use crate::stored_tensor::{ReadAt, StoredTensor, for_each_block};

/// The files with weights, open, and where each tensor is. The tensors are those of the configuration: names, shapes
/// and types are right, and every number is finite. Their bytes are read when an engine is built, one tensor at a time.
pub(super) struct Weights {
    files: Vec<OpenFile>,
    tensors: HashMap<String, PlacedTensor>,
}

struct OpenFile {
    path: PathBuf,
    file: File,
}

/// A tensor and the index of its file.
struct PlacedTensor {
    file: usize,
    stored: StoredTensor,
}

impl Weights {
    pub(super) fn read(folder: &ModelFolder, config: &HfConfig) -> Result<Self, LoadError> {
        let mut weights = Self { files: Vec::new(), tensors: HashMap::new() };
        for path in folder.weights()? {
            weights.add(path, folder.weights_format())?;
        }
        weights.check(&folder.config(), config)?;
        Ok(weights)
    }

    /// The tensors in `dtype` on `device`.
    pub(super) fn builder(&self, dtype: DType, device: &Device) -> VarBuilder<'_> {
        VarBuilder::from_backend(Box::new(Backend(self)), dtype, device.clone())
    }

    /// The type of the tensor `name` in the file; `f32` where there is none.
    pub(super) fn dtype_of(&self, name: &str) -> DType {
        let tensor = self.tensors.get(name);
        tensor.and_then(|tensor| DType::try_from(tensor.stored.dtype).ok()).unwrap_or(DType::F32)
    }

    /// In lower-case hexadecimal digits. Several files are one behind the other, in the order of their names.
    pub(super) fn sha256(&self) -> Result<String, FolderError> {
        let mut hash = Sha256::new();
        for OpenFile { path, file } in &self.files {
            file.size()
                .and_then(|size| for_each_block(file, 0, size, |block| hash.update(block)))
                .map_err(|source| unreadable(path, source))?;
        }
        Ok(hex::encode(hash.finalize()))
    }

    /// Adds the tensors of a file.
    fn add(&mut self, path: PathBuf, format: WeightsFormat) -> Result<(), LoadError> {
        let file = File::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => FolderError::FileMissing { path: path.clone() },
            _ => unreadable(&path, source),
        })?;
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Err(unreadable(&path, io::ErrorKind::IsADirectory.into()).into());
        }
        let tensors = match format {
            WeightsFormat::Safetensors => safetensors_header::read(&file)
                .map_err(|source| WeightsError::Format { path: path.clone(), source })?,
            WeightsFormat::Pytorch => pytorch::read(&file)
                .map_err(|source| WeightsError::Pytorch { path: path.clone(), source: source.into() })?,
        };
        let index = self.files.len();
        self.files.push(OpenFile { path, file });
        for (name, stored) in tensors {
            match self.tensors.entry(name) {
                Entry::Vacant(entry) => drop(entry.insert(PlacedTensor { file: index, stored })),
                // Nothing says which of the two is right.
                Entry::Occupied(entry) => {
                    let [path, first] = [index, entry.get().file].map(|file| self.files[file].path.clone());
                    return Err(WeightsError::TensorTwice { path, first, name: entry.key().clone() }.into());
                }
            }
        }
        Ok(())
    }

    fn check(&mut self, config_path: &Path, config: &HfConfig) -> Result<(), LoadError> {
        let (architecture, labels) = (config.architecture(), config.labels().len());
        let output = self.tensors.get(&architecture.output_weight());
        if let Some(outputs) = output.and_then(|tensor| tensor.stored.shape.first().copied())
            && outputs != labels
        {
            let path = config_path.to_owned();
            return Err(WeightsError::LabelCount { path, named: labels, outputs }.into());
        }
        let prefix = architecture.encoder_prefix();
        for spec in architecture.tensors(labels) {
            self.check_tensor(spec, &prefix)?;
        }
        Ok(())
    }

    /// Checks a tensor, and renames it where the file has it under another name that transformers accepts: that of old
    /// checkpoints, or one without the encoder's `prefix`.
    fn check_tensor(&mut self, spec: TensorSpec, prefix: &str) -> Result<(), LoadError> {
        let TensorSpec { name, old_name, shape: expected } = spec;
        if !self.tensors.contains_key(&name) {
            let own_names = [Some(&name), old_name.as_ref()].into_iter().flatten();
            let other_names = own_names.flat_map(|name| [Some(name.as_str()), name.strip_prefix(prefix)]);
            let found = other_names.flatten().find_map(|other| self.tensors.remove(other));
            let Some(tensor) = found else {
                // The first file is named as that of a missing tensor.
                let path = self.files.first().map(|file| file.path.clone()).unwrap_or_default();
                return Err(WeightsError::TensorMissing { path, name }.into());
            };
            self.tensors.insert(name.clone(), tensor);
        }
        let PlacedTensor { file, stored } = &self.tensors[&name];
        let OpenFile { path, file } = &self.files[*file];
        if stored.shape != expected {
            let (path, found) = (path.clone(), stored.shape.clone());
            return Err(WeightsError::TensorShape { path, name, expected, found }.into());
        }
        match stored.is_finite(file).map_err(|source| unreadable(path, source))? {
            Some(true) => Ok(()),
            Some(false) => Err(WeightsError::TensorNotFinite { path: path.clone(), name }.into()),
            None => {
                let found = format!("{:?}", stored.dtype);
                Err(WeightsError::TensorType { path: path.clone(), name, found }.into())
            }
        }
    }
}

fn unreadable(path: &Path, source: io::Error) -> FolderError {
    FolderError::FileUnreadable { path: path.to_owned(), source }
}

/// Reads tensors when they are asked for. The bytes of a tensor become the tensor: there is no second copy.
struct Backend<'a>(&'a Weights);

impl SimpleBackend for Backend<'_> {
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
        let tensor = self.0.tensors.get(name);
        let PlacedTensor { file, stored } =
            tensor.ok_or_else(|| candle_core::Error::CannotFindTensor { path: name.to_owned() })?;
        let (file, shape) = (&self.0.files[*file].file, &stored.shape[..]);
        let tensor = if stored.dtype == Dtype::F32 {
            let mut numbers = vec![0.0_f32; stored.elements()];
            stored.read(file, bytemuck::cast_slice_mut(&mut numbers))?;
            Tensor::from_vec(numbers, shape, device)?
        } else {
            let mut halves = vec![0_u16; stored.elements()];
            stored.read(file, bytemuck::cast_slice_mut(&mut halves))?;
            match stored.dtype {
                Dtype::F16 => Tensor::from_vec(halves.reinterpret_into::<half::f16>(), shape, device)?,
                _ => Tensor::from_vec(halves.reinterpret_into::<half::bf16>(), shape, device)?,
            }
        };
        tensor.to_dtype(dtype)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.0.tensors.contains_key(name)
    }
}
