//! The forms in which values are stored, shared by the stores.
//!
//! A store prepares a unit of work ([`PreparedSet`]) and writes its values; a row that it has read it hands over as
//! [`Columns`], to a [`PageReader`], a [`FeedReader`] or a function such as [`read_prediction`]. Lines of the audit
//! are numbered and sealed by [`AuditHead`]. SQL, connections and transactions are each store's own: this crate knows
//! no database and no runtime, and does no I/O. Start reading at `prepared.rs`, then `prediction.rs`.

#![forbid(unsafe_code)]

mod access;
mod analytics;
mod answer;
mod audit;
mod columns;
mod feed_reader;
mod idempotency;
mod json;
mod limits;
mod page_reader;
mod prediction;
mod prepared;
mod rollup;
mod schema_step;
mod sentences;
mod timed;
mod trends;
mod usage;

pub use access::{read_key, read_key_record, read_tenant};
pub use analytics::{read_id_page, read_texts};
pub use audit::{AuditHead, read_line};
pub use columns::{Columns, Unreadable};
pub use feed_reader::FeedReader;
pub use idempotency::read_claim;
pub use json::write_payload;
pub use limits::write_limits;
pub use page_reader::PageReader;
pub use prediction::{read_prediction, read_prediction_id, read_predictions};
pub use prepared::{EventValues, PredictionValues, PreparedSet, PreparedWrite};
pub use rollup::{
    FIRST_BIN, HISTORY_COLUMNS, ROLLUP_COUNTS, ROLLUP_SENTIMENTS, read_deleted_bucket, read_history,
    read_pending, write_rollup, write_rollup_key,
};
pub use schema_step::SchemaStep;
pub use timed::timed;
pub use trends::{
    place_between, read_group_totals, read_rollup_sentiment, read_trend_progress, stored_sentiments,
};
pub use usage::{UsageValues, read_usage, sum_counts};
