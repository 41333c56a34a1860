use std::io;
use std::path::PathBuf;

use crate::model_folder::files::REQUIRED_FILES;
use crate::model_folder::sizes::TooLarge;

/// A folder that contains no model, or a file of it that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is no such folder.
    #[error("there is no model folder {}; set model.path to a Hugging Face folder with {}", path.display(), REQUIRED_FILES)]
    FolderMissing {
        /// The folder.
        path: PathBuf,
    },
    /// A required file is missing.
    #[error("{} is missing; a model folder has {}", path.display(), REQUIRED_FILES)]
    FileMissing {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("{} cannot be read; see that it is a file and that this user may read it", path.display())]
    FileUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A JSON file has another content than expected.
    #[error("{} does not hold what it should; fetch the file again", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where it goes wrong.
        #[source]
        source: serde_json::Error,
    },
    /// There are weights, but in another format.
    #[error(
        "{} has its weights as {found} only, which is not read; save the model as model.safetensors (transformers: \
         save_pretrained) or pytorch_model.bin", path.display()
    )]
    ForeignWeights {
        /// The folder.
        path: PathBuf,
        /// The weights that are there.
        found: String,
    },
    /// The index names a file outside its folder.
    #[error("{} names the file {name:?}, which is not one of its folder; fetch the index again", path.display())]
    ShardName {
        /// The index.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// The files have more bytes than the settings allow.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}
