use std::time::Duration;

/// How the database is opened and written.
#[derive(Debug, Clone)]
pub struct SqliteSettings {
    /// `sqlite:PATH`, with `?mode=ro` where nothing may be written, or `sqlite::memory:`.
    pub url: String,
    /// The longest that a call may take, its waiting included.
    pub timeout: Duration,
    /// The most lists that are read at the same time. Reads by id and the relay's have connections of their own.
    pub readers: u32,
    /// The size beyond which the file does not grow; a store of that size takes no new rows until some are
    /// deleted. What the write-ahead log takes beyond `max_log_bytes` counts as well. None leaves it to the disk.
    pub max_size_bytes: Option<u64>,
    /// The size beyond which the write-ahead log is cut as soon as no reader needs it.
    pub max_log_bytes: u64,
    /// How long what was deleted may stay in the files before it is purged from them.
    pub purge_interval: Duration,
    /// The most write sets of one transaction.
    pub group_max_sets: usize,
    /// The rows at which no further write set joins a transaction.
    pub group_max_rows: usize,
}

impl SqliteSettings {
    /// The database at `url`, and the usual for everything else.
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
        }
    }
}
