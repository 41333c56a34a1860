use std::path::PathBuf;

use application::errors::BoxError;

/// Weights that do not fit the configuration, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file is not in the safetensors format.
    #[error("{} is not a whole safetensors file; fetch it again", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        #[source]
        source: BoxError,
    },
    /// The file is not a state dict that PyTorch wrote, or must not be read.
    #[error("{} cannot be loaded as PyTorch weights", path.display())]
    Pytorch {
        /// The file.
        path: PathBuf,
        /// What the reader says, with advice.
        #[source]
        source: BoxError,
    },
    /// A tensor is missing.
    #[error("{} has no tensor {name}; it does not belong to the config.json beside it", path.display())]
    TensorMissing {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// Two files have the same tensor.
    #[error("{} has {}, which {} has too; fetch the files again", path.display(), name.escape_debug(), first.display())]
    TensorTwice {
        /// The later file.
        path: PathBuf,
        /// The earlier file.
        first: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A tensor has another shape than the configuration says.
    #[error(
        "{} has {name} of shape {found:?} where config.json asks for {expected:?}; they do not belong together",
        path.display()
    )]
    TensorShape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The shape by the configuration.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// A tensor has numbers of a type that is not read.
    #[error("{} has {name} in {found}; weights must be in F16, BF16 or F32", path.display())]
    TensorType {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its type.
        found: String,
    },
    /// A tensor has a NaN or an infinity.
    #[error("{} has NaN or infinity in {name}; the weights are damaged, fetch them again", path.display())]
    TensorNotFinite {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// The number of labels is not that of the classifier's outputs.
    #[error("{} names {named} labels but the classifier has {outputs} outputs; correct id2label", path.display())]
    LabelCount {
        /// The configuration.
        path: PathBuf,
        /// The labels.
        named: usize,
        /// The outputs.
        outputs: usize,
    },
}
