use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::fake_hub::answer::Answer;
use crate::fake_hub::request::HubRequest;

/// A model's repository at one commit.
#[derive(Debug, Clone)]
pub struct FakeRepo {
    /// `org/name`.
    pub id: String,
    /// Forty hexadecimal digits.
    pub commit: String,
    /// The branches and tags that stand for the commit.
    pub revisions: Vec<String>,
    /// Its files.
    pub files: Vec<HubFile>,
}

/// A file of a repository.
#[derive(Debug, Clone)]
pub struct HubFile {
    /// Its path.
    pub path: String,
    /// Its content.
    pub content: Arc<[u8]>,
    /// Whether git stores a pointer (LFS) and another host the content.
    pub large: bool,
}

impl FakeRepo {
    /// The files of `folder` as `id` on the branch `main`; weights are large files.
    ///
    /// # Panics
    /// Where the folder cannot be read.
    pub fn of_folder(id: &str, commit: &str, folder: &Path) -> Self {
        let file = |path: &Path| HubFile {
            path: path.file_name().expect("a name").to_string_lossy().into_owned(),
            content: fs::read(path).expect("a file").into(),
            large: path.extension().is_some_and(|extension| extension == "safetensors" || extension == "bin"),
        };
        let files = fs::read_dir(folder).expect("a folder").flatten().map(|entry| file(&entry.path()));
        Self {
            id: id.to_owned(),
            commit: commit.to_owned(),
            revisions: vec!["main".to_owned()],
            files: files.collect(),
        }
    }

    fn is_at(&self, revision: &str) -> bool {
        self.commit == revision || self.revisions.iter().any(|known| known == revision)
    }

    fn file(&self, path: &str) -> Option<&HubFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The folders, then all files, also those in folders.
    fn tree(&self) -> serde_json::Value {
        let folders = self.files.iter().filter_map(|file| file.path.split_once('/'));
        let folders: BTreeSet<&str> = folders.map(|(folder, _)| folder).collect();
        let oid = "0".repeat(40);
        let entry = |path| json!({ "type": "directory", "oid": oid, "size": 0, "path": path });
        folders.into_iter().map(entry).chain(self.files.iter().map(HubFile::tree_entry)).collect()
    }
}

impl HubFile {
    fn sha256(&self) -> String {
        hex::encode(Sha256::digest(&self.content))
    }

    /// The content of the git object.
    fn in_git(&self) -> Vec<u8> {
        if !self.large {
            return self.content.to_vec();
        }
        let (sha256, size) = (self.sha256(), self.content.len());
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n").into_bytes()
    }

    fn oid(&self) -> String {
        let object = self.in_git();
        hex::encode(Sha1::new_with_prefix(format!("blob {}\0", object.len())).chain_update(object).finalize())
    }

    fn tree_entry(&self) -> serde_json::Value {
        let mut entry =
            json!({ "type": "file", "oid": self.oid(), "size": self.content.len(), "path": self.path });
        if self.large {
            let pointer = self.in_git().len();
            entry["lfs"] =
                json!({ "oid": self.sha256(), "size": self.content.len(), "pointerSize": pointer });
        }
        entry
    }
}

/// The hub's answer without a fault.
pub(super) fn answer(repos: &[FakeRepo], request: &HubRequest, address: SocketAddr) -> Answer {
    let path = request.path.replace("%2F", "/");
    let path = path.trim_start_matches('/');
    let repo_path = path.strip_prefix("api/models/").or(path.strip_prefix("cdn/")).unwrap_or(path);
    let Some(of_repo) = repos.iter().find(|repo| repo_path.starts_with(&format!("{}/", repo.id))) else {
        // As the real hub: without a token it does not say which repositories exist.
        let status = if request.token.is_some() { 404 } else { 401 };
        return Answer::refusal(status, Some("RepoNotFound"), None);
    };
    let id = &of_repo.id;
    let mut parts = repo_path[id.len() + 1..].splitn(2, '/');
    let (kind, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let at = |revision: &str| repos.iter().find(|repo| &repo.id == id && repo.is_at(revision));
    let (revision, file) = match kind {
        "revision" | "tree" => (rest, ""),
        _ => rest.split_once('/').unwrap_or((rest, "")),
    };
    let Some(repo) = at(revision) else { return Answer::refusal(404, Some("RevisionNotFound"), None) };
    match kind {
        "revision" => Answer::json(&json!({ "_id": "1", "id": repo.id, "sha": repo.commit })),
        "tree" => Answer::json(&repo.tree()),
        _ => match repo.file(file) {
            Some(file) => file_answer(repo, file, path, address),
            None => Answer::refusal(404, Some("EntryNotFound"), None),
        },
    }
}

fn file_answer(repo: &FakeRepo, file: &HubFile, path: &str, address: SocketAddr) -> Answer {
    if path.starts_with("cdn/") {
        return Answer::content(&file.content, vec![("ETag", format!("\"{}\"", file.sha256()))]);
    }
    let commit = ("X-Repo-Commit", repo.commit.clone());
    if !file.large {
        return Answer::content(&file.content, vec![commit, ("ETag", format!("\"{}\"", file.oid()))]);
    }
    // Another host than the hub's, as with the real one: the token must not be sent there.
    let port = address.port();
    let store = format!("http://localhost:{port}/cdn/{}/store/{}/{}", repo.id, repo.commit, file.path);
    Answer::redirect(vec![
        commit,
        ("Location", store),
        ("X-Linked-Size", file.content.len().to_string()),
        ("X-Linked-Etag", format!("\"{}\"", file.sha256())),
        ("ETag", format!("\"{}\"", file.oid())),
    ])
}
