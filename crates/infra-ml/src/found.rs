use std::path::PathBuf;

use application::ports::ModelOrigin;

use crate::hub;
use crate::load_error::LoadError;
use crate::settings::ModelSource;
use crate::stopping::Stopping;

/// Where a model is, once it is on this machine.
pub(crate) struct FoundModel {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// The name it has there, if that is not the folder's.
    pub(crate) name: Option<String>,
    /// What is told of where it comes from.
    pub(crate) origin: ModelOrigin,
}

/// Finds the model, on this thread; one on the hub is fetched first.
pub(crate) fn find(source: &ModelSource, stopping: Stopping) -> Result<FoundModel, LoadError> {
    match source {
        ModelSource::Folder(folder) => Ok(FoundModel::in_folder(folder)),
        ModelSource::Hub { model, hub: settings } => {
            let hub::Obtained { folder, commit } = hub::obtain(model, settings, stopping)?;
            let (repo, revision) = (model.repo().to_owned(), model.revision().to_owned());
            let origin = ModelOrigin::Hub { repo, revision, commit };
            Ok(FoundModel { folder, name: Some(model.name().to_owned()), origin })
        }
    }
}

impl FoundModel {
    /// The model in a folder of the user's.
    pub(crate) fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), name: None, origin: ModelOrigin::Folder }
    }
}
