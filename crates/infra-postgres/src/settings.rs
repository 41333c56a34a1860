use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use application::ports::AuditSealer;

/// How the database is reached. `Debug` hides the URL, which may contain a password.
#[derive(Clone)]
pub struct PostgresSettings {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE`, as libpq reads it.
    pub url: String,
    /// The longest that a call may take: waiting for a connection, statements and commit together.
    pub timeout: Duration,
    /// The most connections of the pool that reads, leases and the outbox share; lists take at most half of them. The
    /// writer and the health check have one more each. With fewer than two, lists can delay the other calls.
    pub max_connections: u32,
    /// Whether to accept a server that may lose committed rows when it crashes.
    pub allow_unsafe: bool,
    /// The name under which this process counts texts. Processes with one name are counted correctly, but wait for each
    /// other.
    pub replica: String,
    /// Seals the lines of the audit; none where they are not sealed.
    pub audit_sealer: Option<Arc<dyn AuditSealer>>,
}

impl PostgresSettings {
    /// The settings for the database at `url`, with defaults for everything else.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            timeout: Duration::from_secs(5),
            max_connections: 10,
            allow_unsafe: false,
            replica: "local".to_owned(),
            audit_sealer: None,
        }
    }
}

impl fmt::Debug for PostgresSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PostgresSettings")
            .field("url", &"***")
            .field("timeout", &self.timeout)
            .field("max_connections", &self.max_connections)
            .field("allow_unsafe", &self.allow_unsafe)
            .field("replica", &self.replica)
            .field("audit_sealer", &self.audit_sealer)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_password() {
        let shown = format!("{:?}", PostgresSettings::new("postgres://ann:s3cret@db/x?password=s3cret"));
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
