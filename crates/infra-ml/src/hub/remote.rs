use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use application::action::chain;
use application::errors::BoxError;
use hf_hub::api::tokio::{Api, ApiBuilder, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};
use reqwest::header::{CONTENT_RANGE, LINK, RANGE, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::time::timeout;

use crate::hub::access::Hub;
use crate::hub::committed_file::CommittedFile;
use crate::hub::content_range::begins_at;
use crate::hub::environment;
use crate::hub::error::HubError;
use crate::hub::hub_model::{HubModel, is_commit};
use crate::hub::listing::Tree;
use crate::hub::redaction::redact_urls;

/// One repository on the hub. Each method makes one request (listing files: one a page), without a retry.
pub(super) struct Remote<'a> {
    api: Api,
    endpoint: String,
    model: &'a HubModel,
    timeout: Duration,
}

/// `GET /api/models/{repo}/revision/{revision}`.
#[derive(Deserialize)]
struct Info {
    sha: Option<String>,
}

/// An entry of `GET /api/models/{repo}/tree/{commit}`.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum TreeEntry {
    File {
        path: String,
        size: u64,
        oid: String,
        lfs: Option<IgnoredAny>,
    },
    Directory {
        path: String,
    },
    #[serde(other)]
    Other,
}

impl<'a> Remote<'a> {
    pub(super) fn open(model: &'a HubModel, hub: &Hub) -> Result<Self, HubError> {
        let settings = &hub.settings;
        let endpoint = settings.endpoint.clone().unwrap_or_else(environment::endpoint);
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        let token = || {
            let configured = settings.token.as_ref().map(|token| token.expose().to_owned());
            configured.or_else(environment::token)
        };
        // The client's own cache is not used.
        let api = ApiBuilder::from_cache(Cache::new(PathBuf::new()))
            .with_endpoint(endpoint.clone())
            .with_token(hub.sends_token.then(token).flatten())
            .with_user_agent("undertone", env!("CARGO_PKG_VERSION"))
            .with_progress(false)
            .build()
            .map_err(|error| HubError::Client { source: error.into() })?;
        Ok(Self { api, endpoint, model, timeout: settings.timeout.duration() })
    }

    /// The commit that the revision stands for now. `limit` bounds the request as a whole, connection included.
    pub(super) async fn commit(&self, limit: Duration) -> Result<String, HubError> {
        let info = async {
            let response = self.send(self.repo(self.model.revision()).info_request()).await?;
            self.in_time(response.json::<Info>()).await
        };
        let info = timeout(limit, info).await.unwrap_or_else(|_| Err(self.silent(limit)))?;
        let commit = info.sha.filter(|sha| is_commit(sha));
        commit.ok_or_else(|| self.unexpected("a revision without a commit"))
    }

    /// The first level of the commit.
    pub(super) async fn tree(&self, commit: &str) -> Result<Tree, HubError> {
        let mut page = Some(format!("{}/api/models/{}/tree/{commit}", self.endpoint, self.model.repo()));
        let mut tree = Tree::default();
        while let Some(url) = page {
            let response = self.send(self.api.client().get(url)).await?;
            let links = response.headers().get(LINK).and_then(|links| links.to_str().ok());
            page = links.and_then(|links| next_page(links, &self.endpoint));
            let entries: Vec<TreeEntry> = self.in_time(response.json()).await?;
            for entry in entries {
                add(&mut tree, entry);
            }
        }
        // Object ids become names of files.
        match tree.files.iter().find(|file| !is_commit(&file.oid)) {
            Some(file) => Err(self.unexpected(format!("{} without an object id", file.path))),
            None => Ok(tree),
        }
    }

    /// The content of `file` from the byte `from` on, or, from a server that ignores ranges, from its beginning; and
    /// which of the two.
    pub(super) async fn stream(
        &self,
        commit: &str,
        file: &CommittedFile,
        from: u64,
    ) -> Result<(Response, u64), HubError> {
        let mut request = self.api.client().get(self.repo(commit).url(&file.path));
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-{}", file.size - 1));
        }
        let response = self.in_time(request.send()).await?;
        let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
        match response.status() {
            StatusCode::OK => Ok((response, 0)),
            StatusCode::PARTIAL_CONTENT if range.is_some_and(|range| begins_at(range, from, file.size)) => {
                Ok((response, from))
            }
            status @ (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE) => {
                let (repo, path) = (self.model.repo().to_owned(), file.path.clone());
                let found = format!("{} {}", status.as_u16(), range.unwrap_or("without a range"));
                Err(HubError::WrongRange { repo, file: path, from, found })
            }
            _ => Err(self.refusal(&response)),
        }
    }

    /// The next bytes of `stream`, none at its end.
    pub(super) async fn next(
        &self,
        stream: &mut Response,
    ) -> Result<Option<impl AsRef<[u8]> + use<>>, HubError> {
        self.in_time(stream.chunk()).await
    }

    fn repo(&self, revision: &str) -> ApiRepo {
        let repo = self.model.repo().to_owned();
        self.api.repo(Repo::with_revision(repo, RepoType::Model, revision.to_owned()))
    }

    /// The response to `request`, if it reports success.
    async fn send(&self, request: RequestBuilder) -> Result<Response, HubError> {
        let response = self.in_time(request.send()).await?;
        if response.status().is_success() { Ok(response) } else { Err(self.refusal(&response)) }
    }

    /// The result of `answer`, if the hub is not silent for too long.
    async fn in_time<T>(&self, answer: impl Future<Output = reqwest::Result<T>>) -> Result<T, HubError> {
        match timeout(self.timeout, answer).await {
            Ok(answer) => answer.map_err(|error| self.failure(&error)),
            Err(_) => Err(self.silent(self.timeout)),
        }
    }

    fn silent(&self, limit: Duration) -> HubError {
        HubError::Silent { endpoint: self.shown(), seconds: limit.as_secs_f64() }
    }

    /// A request that got no complete response.
    fn failure(&self, error: &reqwest::Error) -> HubError {
        let source: BoxError = redact_urls(&chain(error)).into();
        if error.is_builder() {
            HubError::Client { source }
        } else if is_malformed_json(error) {
            self.unexpected(source)
        } else {
            HubError::Unreachable { endpoint: self.shown(), source }
        }
    }

    /// A response that reports a failure, by the hub's error code, else by the status.
    fn refusal(&self, response: &Response) -> HubError {
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let repo = self.model.repo().to_owned();
        let revision = self.model.revision().to_owned();
        match (header("X-Error-Code"), response.status().as_u16()) {
            (Some("GatedRepo"), _) => HubError::Gated { repo },
            (Some("RevisionNotFound"), _) => HubError::RevisionNotFound { repo, revision },
            (Some("RepoNotFound"), _) | (_, 401) => HubError::RepoNotFound { repo },
            (_, 403) => HubError::Gated { repo },
            (_, 404) => HubError::RevisionNotFound { repo, revision },
            (_, 429) => {
                let seconds = header(RETRY_AFTER.as_str()).and_then(|seconds| seconds.trim().parse().ok());
                HubError::RateLimited {
                    endpoint: self.shown(),
                    retry_after: seconds.map(Duration::from_secs),
                }
            }
            (_, status @ (408 | 500..=599)) => HubError::Failing { endpoint: self.shown(), status },
            (_, status) => self.unexpected(format!("status {status}")),
        }
    }

    fn unexpected(&self, source: impl Into<BoxError>) -> HubError {
        HubError::Unexpected { endpoint: self.shown(), source: source.into() }
    }

    /// The endpoint without secrets.
    fn shown(&self) -> String {
        redact_urls(&self.endpoint)
    }
}

/// The client reports a body that breaks off as a decoding error too, so the cause decides.
fn is_malformed_json(error: &reqwest::Error) -> bool {
    error.source().is_some_and(<dyn Error>::is::<serde_json::Error>)
}

/// Adds `entry` to `tree`. Files in folders are left out: their paths are never requested.
fn add(tree: &mut Tree, entry: TreeEntry) {
    match entry {
        TreeEntry::File { path, size, oid, lfs } if !path.contains('/') => {
            tree.files.push(CommittedFile { path, size, oid, large: lfs.is_some() });
        }
        TreeEntry::Directory { path } => tree.folders.push(path),
        TreeEntry::File { .. } | TreeEntry::Other => {}
    }
}

/// The address of the next page by the header `Link: <URL>; rel="next"` (RFC 8288). An address outside `endpoint` is
/// ignored: it would receive the token.
fn next_page(links: &str, endpoint: &str) -> Option<String> {
    let next = links.split(',').find(|link| link.contains("rel=\"next\""))?;
    let (url, _) = next.split_once('<')?.1.split_once('>')?;
    let rest = url.strip_prefix(endpoint)?;
    rest.starts_with('/').then(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_followed_on_the_same_hub_only() {
        let page = |links: &str| next_page(links, "https://hub.example");
        let next = "https://hub.example/api/models/o/n/tree/main?cursor=a%3D";
        assert_eq!(page(&format!("<{next}>; rel=\"next\"")).as_deref(), Some(next));
        let both = format!("<https://hub.example/first>; rel=\"prev\", <{next}>; rel=\"next\"");
        assert_eq!(page(&both).as_deref(), Some(next));
        for other in [
            "",
            "<https://hub.example/first>; rel=\"prev\"",
            "<https://hub.example.evil/x>; rel=\"next\"",
            "<; rel=\"next\"",
        ] {
            assert_eq!(page(other), None, "{other}");
        }
    }
}
