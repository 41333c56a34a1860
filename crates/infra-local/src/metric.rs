use metrics::{Unit, counter, describe_counter, describe_gauge};

pub(crate) const CACHE_HITS: &str = "cache_hits_total";
pub(crate) const CACHE_MISSES: &str = "cache_misses_total";
pub(crate) const CACHE_ENTRIES: &str = "cache_entries";
pub(crate) const CACHE_BYTES: &str = "cache_bytes";

pub(crate) const OLDEST_UNSEQUENCED: &str = "undertone_outbox_oldest_unsequenced_seconds";
pub(crate) const SINK_BEHIND: &str = "undertone_sink_behind_events";
pub(crate) const SINK_LAG: &str = "undertone_sink_lag_seconds";
pub(crate) const SINK_GAP: &str = "undertone_sink_gap";
pub(crate) const SINK_LOST: &str = "undertone_sink_lost_events_total";
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
    describe_gauge!(
        OLDEST_UNSEQUENCED,
        Unit::Seconds,
        "Age of the oldest event without a position in the feed"
    );
    describe_gauge!(SINK_BEHIND, Unit::Count, "Events of the feed that the sink has not passed");
    describe_gauge!(
        SINK_LAG,
        Unit::Seconds,
        "How long the first event that the sink has not passed is in the feed"
    );
    describe_gauge!(SINK_GAP, Unit::Count, "1 where events were purged that the sink has not passed, else 0");
    describe_counter!(SINK_LOST, Unit::Count, "Events that were purged before the sink passed them");
    describe_counter!(
        LOG_LINES_DROPPED,
        Unit::Count,
        "Log lines that standard output did not accept in time"
    );
    counter!(LOG_LINES_DROPPED).increment(0);
}
