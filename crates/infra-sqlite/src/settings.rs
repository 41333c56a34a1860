use std::sync::Arc;
use std::time::Duration;

use application::ports::AuditSealer;

/// How the database is opened and written.
#[derive(Debug, Clone)]
pub struct SqliteSettings {
    /// `sqlite:PATH`, with `?mode=ro` where nothing may be written, or `sqlite::memory:`.
    pub url: String,
    /// The longest that a call may take, waiting included.
    pub timeout: Duration,
    /// The most lists read at the same time. Reads by id and the relay's have connections of their own.
    pub readers: u32,
    /// The size beyond which the file does not grow; a store of that size accepts no new rows until some are deleted.
    /// The size of the write-ahead log beyond `max_log_bytes` counts as well. None: as large as the disk allows.
    pub max_size_bytes: Option<u64>,
    /// The size beyond which the write-ahead log is truncated as soon as no reader needs it.
    pub max_log_bytes: u64,
    /// How long deleted data may remain in the files before it is purged.
    pub purge_interval: Duration,
    /// The most write sets of one transaction.
    pub group_max_sets: usize,
    /// The rows at which no further write set joins a transaction.
    pub group_max_rows: usize,
    /// The name under which this process counts texts. Processes with one name are counted correctly as well.
    pub replica: String,
    /// Seals the lines of the audit; none where they are not sealed.
    pub audit_sealer: Option<Arc<dyn AuditSealer>>,
}

impl SqliteSettings {
    /// The settings for the database at `url`, with defaults for everything else.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            timeout: Duration::from_secs(5),
            readers: 4,
            max_size_bytes: None,
            max_log_bytes: 64 << 20,
            purge_interval: Duration::from_mins(1),
            group_max_sets: 256,
            group_max_rows: 4_096,
            replica: "local".to_owned(),
            audit_sealer: None,
        }
    }
}
