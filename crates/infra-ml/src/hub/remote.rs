use std::error::Error;
use std::time::Duration;

use application::action::chain;
use futures_util::{StreamExt, TryStreamExt};
use hf_hub::repository::RepoTreeEntry;
use hf_hub::repository::download::HFByteStream;
use hf_hub::{HFClient, HFError, HFRepository, RepoTypeModel};
use tokio::time::timeout;

use crate::hub::committed_file::CommittedFile;
use crate::hub::error::HubError;
use crate::hub::hub_model::{HubModel, is_commit};
use crate::hub::redaction::redact_urls;
use crate::hub::settings::HubSettings;

/// One repository on the hub. Each method makes one request, without a retry.
pub(super) struct Remote<'a> {
    repo: HFRepository<RepoTypeModel>,
    endpoint: String,
    model: &'a HubModel,
    timeout: Duration,
}

impl<'a> Remote<'a> {
    pub(super) fn open(model: &'a HubModel, settings: &HubSettings) -> Result<Self, HubError> {
        let mut builder = HFClient::builder()
            .user_agent(concat!("undertone/", env!("CARGO_PKG_VERSION")))
            .cache_enabled(false)
            .retry_max_attempts(0);
        if let Some(endpoint) = &settings.endpoint {
            builder = builder.endpoint(endpoint);
        }
        if let Some(token) = &settings.token {
            builder = builder.token(token.expose());
        }
        let client = builder.build().map_err(|error| HubError::Client { source: error.into() })?;
        let (owner, name) = model.owner_and_name();
        Ok(Self {
            repo: client.model(owner, name),
            endpoint: redact_urls(client.endpoint()),
            model,
            timeout: settings.timeout.duration(),
        })
    }

    /// The commit that the revision stands for now.
    pub(super) async fn commit(&self) -> Result<String, HubError> {
        let info = self.receive(self.repo.info().revision(self.model.revision()).send()).await?;
        let commit = info.sha.filter(|sha| is_commit(sha));
        commit.ok_or_else(|| self.unexpected("a revision without a commit".into()))
    }

    /// The files of the commit, those in folders left out.
    pub(super) async fn files(&self, commit: &str) -> Result<Vec<CommittedFile>, HubError> {
        let list = async { self.repo.list_tree().revision(commit).send()?.try_collect::<Vec<_>>().await };
        let file = |entry| match entry {
            // Paths become links in the snapshot, and must not lead out of it.
            RepoTreeEntry::File { oid, size, path, lfs, .. } if !path.contains('/') => {
                Some(CommittedFile { path, size, oid, large: lfs.is_some() })
            }
            RepoTreeEntry::File { .. } | RepoTreeEntry::Directory { .. } => None,
        };
        let files: Vec<CommittedFile> = self.receive(list).await?.into_iter().filter_map(file).collect();
        // Object ids become names of files in the cache.
        match files.iter().find(|file| !is_commit(&file.oid)) {
            Some(file) => Err(self.unexpected(format!("{} without an object id", file.path).into())),
            None => Ok(files),
        }
    }

    /// The content of `file` from the byte `from` on.
    pub(super) async fn stream(
        &self,
        commit: &str,
        file: &CommittedFile,
        from: u64,
    ) -> Result<HFByteStream, HubError> {
        let range = (from > 0).then_some(from..file.size);
        let request =
            self.repo.download_file_stream().filename(&file.path).revision(commit).maybe_range(range);
        Ok(self.receive(request.send()).await?.1)
    }

    /// The next bytes of `stream`, none at its end.
    pub(super) async fn next(
        &self,
        stream: &mut HFByteStream,
    ) -> Result<Option<impl AsRef<[u8]> + use<>>, HubError> {
        self.receive(async { stream.next().await.transpose() }).await
    }

    /// Awaits an answer of the hub, up to the time-out.
    async fn receive<T>(&self, answer: impl Future<Output = Result<T, HFError>>) -> Result<T, HubError> {
        match timeout(self.timeout, answer).await {
            Ok(answer) => answer.map_err(|error| self.classify(&error)),
            Err(_) => {
                Err(HubError::Silent { endpoint: self.endpoint.clone(), seconds: self.timeout.as_secs_f64() })
            }
        }
    }

    /// What an error of the client means.
    fn classify(&self, error: &HFError) -> HubError {
        let cause = || redact_urls(&chain(error)).into();
        let context = match error {
            HFError::RateLimited { retry_after, .. } => {
                return HubError::RateLimited { endpoint: self.endpoint.clone(), retry_after: *retry_after };
            }
            HFError::Request { source, .. } if !has_cause::<serde_json::Error>(source) => {
                return HubError::Unreachable { endpoint: self.endpoint.clone(), source: cause() };
            }
            HFError::Xet { .. } | HFError::Io(_) => {
                return HubError::Unreachable { endpoint: self.endpoint.clone(), source: cause() };
            }
            HFError::AuthRequired { context }
            | HFError::Forbidden { context }
            | HFError::Http { context }
            | HFError::RepoNotFound { context: Some(context), .. }
            | HFError::RevisionNotFound { context: Some(context), .. }
            | HFError::EntryNotFound { context: Some(context), .. } => context,
            _ => return self.unexpected(cause()),
        };
        let repo = self.model.repo().to_owned();
        let revision = self.model.revision().to_owned();
        match (context.error_code.as_deref(), context.status.as_u16()) {
            (Some("GatedRepo"), _) => HubError::Gated { repo },
            (Some("RevisionNotFound"), _) => HubError::RevisionNotFound { repo, revision },
            (Some("RepoNotFound"), _) | (_, 401) => HubError::RepoNotFound { repo },
            (_, 403) => HubError::Gated { repo },
            (_, 404) => HubError::RevisionNotFound { repo, revision },
            (_, 429) => HubError::RateLimited { endpoint: self.endpoint.clone(), retry_after: None },
            (_, status @ (408 | 500..=599)) => HubError::Failing { endpoint: self.endpoint.clone(), status },
            _ => self.unexpected(cause()),
        }
    }

    fn unexpected(&self, source: application::errors::BoxError) -> HubError {
        HubError::Unexpected { endpoint: self.endpoint.clone(), source }
    }
}

fn has_cause<T: Error + 'static>(error: &dyn Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<T>() {
            return true;
        }
        cause = error.source();
    }
    false
}
