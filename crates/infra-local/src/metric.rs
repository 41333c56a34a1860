use metrics::{Unit, counter, describe_counter, describe_gauge};

pub(crate) const CACHE_HITS: &str = "cache_hits_total";
pub(crate) const CACHE_MISSES: &str = "cache_misses_total";
pub(crate) const CACHE_ENTRIES: &str = "cache_entries";
pub(crate) const CACHE_BYTES: &str = "cache_bytes";

pub(crate) const OLDEST_UNPUBLISHED: &str = "undertone_outbox_oldest_unpublished_seconds";
pub(crate) const LOG_LINES_DROPPED: &str = "undertone_log_lines_dropped_total";

/// The label that tells caches apart.
pub(crate) const CACHE_NAME: &str = "cache_name";
/// The cache before the model.
pub(crate) const PREDICTION: &str = "prediction";

/// Describes the metrics of the relay to the recorder of the process. To be called once, after it is installed.
pub fn describe_relay_metrics() {
    describe_gauge!(
        OLDEST_UNPUBLISHED,
        Unit::Seconds,
        "How long ago the oldest event happened that is not published yet"
    );
}

/// Describes the metrics of the log to the recorder of the process. To be called once, after it is installed.
pub fn describe_log_metrics() {
    describe_counter!(LOG_LINES_DROPPED, Unit::Count, "Log lines that standard output did not take in time");
    counter!(LOG_LINES_DROPPED).increment(0);
}

/// Tells the recorder of the process what the cache's metrics mean. To be called once, after it is installed.
pub fn describe_cache_metrics() {
    describe_counter!(CACHE_HITS, Unit::Count, "Texts answered without asking the model for them");
    describe_counter!(CACHE_MISSES, Unit::Count, "Texts that the model was asked for");
    describe_gauge!(CACHE_ENTRIES, Unit::Count, "Outputs that are kept now");
    describe_gauge!(CACHE_BYTES, Unit::Bytes, "The memory that they take");
}
