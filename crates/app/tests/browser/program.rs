//! The program under test with a store of its own.

use tempfile::TempDir;

use crate::api::Api;
use crate::command::undertone;
use crate::undertone::Undertone;

const STORE: &str = "sqlite:undertone.db";

/// Every scope that a key of a tenant can have.
pub(crate) const EVERY_SCOPE: &str = "predictions:write,predictions:read,predictions:delete,models:read,\
                                      models:write,keys:admin,metrics:read,audit:instance";

pub(crate) struct Program {
    pub(crate) running: Undertone,
    folder: TempDir,
}

impl Program {
    /// Starts the program without authentication.
    pub(crate) fn open() -> Self {
        Self::start(&[])
    }

    /// Starts the program, which requires keys.
    pub(crate) fn with_keys() -> Self {
        Self::start(&["auth.mode=required"])
    }

    fn start(settings: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let running = Undertone::start(folder.path(), STORE, settings);
        Self { running, folder }
    }

    pub(crate) fn api(&self) -> Api {
        self.running.api()
    }

    /// Issues a key of the tenant `default`.
    pub(crate) fn issue(&self, name: &str, scopes: &str) -> String {
        self.issue_for("default", name, scopes)
    }

    /// Adds a tenant and issues a key of it.
    pub(crate) fn issue_for_new_tenant(&self, tenant: &str, scopes: &str) -> String {
        undertone(self.folder.path(), STORE, &["tenants", "add", tenant]);
        self.issue_for(tenant, "first", scopes)
    }

    fn issue_for(&self, tenant: &str, name: &str, scopes: &str) -> String {
        let issue = ["keys", "issue", "--tenant", tenant, "--scopes", scopes, "--name", name];
        undertone(self.folder.path(), STORE, &issue).trim_end().to_owned()
    }

    /// Revokes a key.
    pub(crate) fn revoke(&self, key: &str) {
        undertone(self.folder.path(), STORE, &["keys", "revoke", key]);
    }
}
