use metrics::{Unit, counter, describe_counter, describe_gauge};

pub(crate) const CACHE_HITS: &str = "cache_hits_total";
pub(crate) const CACHE_MISSES: &str = "cache_misses_total";
pub(crate) const CACHE_ENTRIES: &str = "cache_entries";
pub(crate) const CACHE_BYTES: &str = "cache_bytes";

pub(crate) const OLDEST_UNPUBLISHED: &str = "undertone_outbox_oldest_unpublished_seconds";
pub(crate) const LOG_LINES_DROPPED: &str = "undertone_log_lines_dropped_total";

/// The label that holds the name of the cache.
pub(crate) const CACHE_NAME: &str = "cache_name";
/// The name of the cache before the model.
pub(crate) const PREDICTION: &str = "prediction";

/// Describes this crate's metrics to the recorder of the process. To be called once, after it is installed.
pub fn describe_metrics() {
    describe_counter!(CACHE_HITS, Unit::Count, "Texts whose output came from the cache");
    describe_counter!(CACHE_MISSES, Unit::Count, "Texts that the model computed");
    describe_gauge!(CACHE_ENTRIES, Unit::Count, "Cached outputs");
    describe_gauge!(CACHE_BYTES, Unit::Bytes, "Memory of the cached outputs");
    describe_gauge!(OLDEST_UNPUBLISHED, Unit::Seconds, "Age of the oldest event that is not published yet");
    describe_counter!(
        LOG_LINES_DROPPED,
        Unit::Count,
        "Log lines that standard output did not accept in time"
    );
    counter!(LOG_LINES_DROPPED).increment(0);
}
