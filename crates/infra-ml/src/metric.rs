use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub(crate) const BATCH_SIZE: &str = "undertone_batch_size";
pub(crate) const BATCH_TOKENS: &str = "undertone_batch_tokens";
pub(crate) const QUEUE_WAIT_SECONDS: &str = "undertone_queue_wait_seconds";
pub(crate) const INFERENCE_SECONDS: &str = "undertone_inference_seconds";
pub(crate) const TOKENIZE_SECONDS: &str = "undertone_tokenize_seconds";
pub(crate) const QUEUE_DEPTH: &str = "undertone_queue_depth";
pub(crate) const QUEUE_TOKENS: &str = "undertone_queue_tokens";
pub(crate) const SATURATED: &str = "undertone_saturated_total";
pub(crate) const SKIPPED: &str = "undertone_skipped_total";
pub(crate) const INFERENCE_FAILED: &str = "undertone_inference_failed_total";

/// Describes this crate's metrics to the recorder of the process. Must be called once, after it is installed.
pub fn describe_metrics() {
    describe_histogram!(BATCH_SIZE, Unit::Count, "Windows of a model batch");
    describe_histogram!(BATCH_TOKENS, Unit::Count, "Tokens of a model batch, special tokens included");
    describe_histogram!(
        QUEUE_WAIT_SECONDS,
        Unit::Seconds,
        "From a text's arrival to its first window's batch"
    );
    describe_histogram!(INFERENCE_SECONDS, Unit::Seconds, "One batch in the engine");
    describe_histogram!(TOKENIZE_SECONDS, Unit::Seconds, "One text in the tokenizer");
    describe_gauge!(QUEUE_DEPTH, Unit::Count, "Texts that wait");
    describe_gauge!(QUEUE_TOKENS, Unit::Count, "Tokens that wait, special tokens included");
    describe_counter!(
        SATURATED,
        Unit::Count,
        "Requests refused because the queue was full, or too slow for their deadlines"
    );
    describe_counter!(SKIPPED, Unit::Count, "Texts skipped because their request was cancelled");
    describe_counter!(INFERENCE_FAILED, Unit::Count, "Texts for which the engine returned no usable logits");
}
