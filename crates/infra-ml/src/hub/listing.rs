use crate::hub::committed_file::CommittedFile;
use crate::hub::error::HubError;
use crate::hub::hub_model::HubModel;
use crate::model_folder::{FileSelection, Incomplete};

/// The first level of a commit.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) files: Vec<CommittedFile>,
    /// The names of its folders, whose files are never requested.
    pub(super) folders: Vec<String>,
}

/// What a commit of a model has.
pub(super) struct Listing<'a> {
    pub(super) model: &'a HubModel,
    pub(super) commit: &'a str,
    pub(super) tree: &'a Tree,
}

impl<'a> Listing<'a> {
    /// The files that make the model.
    pub(super) fn select(&self) -> Result<FileSelection, HubError> {
        let files = self.tree.files.iter().map(|file| &file.path);
        let names = files.chain(&self.tree.folders).cloned().collect();
        FileSelection::of(&names).map_err(|incomplete| match incomplete {
            Incomplete::Missing(name) => self.missing(name),
            Incomplete::ForeignWeights(found) => {
                let (repo, commit) = (self.model.repo().to_owned(), self.commit.to_owned());
                HubError::ForeignWeights { repo, commit, found }
            }
        })
    }

    pub(super) fn get(&self, name: &str) -> Result<&'a CommittedFile, HubError> {
        self.tree.files.iter().find(|file| file.path == name).ok_or_else(|| self.missing(name))
    }

    /// The files of these names, each with its size.
    pub(super) fn sizes<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<Vec<(String, u64)>, HubError> {
        names.into_iter().map(|name| Ok((name.to_owned(), self.get(name)?.size))).collect()
    }

    /// The model and commit, for messages.
    pub(super) fn name(&self) -> String {
        format!("{}@{}", self.model.repo(), self.commit)
    }

    fn missing(&self, file: &str) -> HubError {
        let (repo, commit) = (self.model.repo().to_owned(), self.commit.to_owned());
        HubError::FileMissing { repo, commit, file: file.to_owned() }
    }
}
