//! Pure functions over numbers and texts, and the counts that one of them needs; those over numbers accept every input,
//! NaN included.

mod intervals;
mod log_odds;
mod probabilities;
mod search_terms;
mod sentences;
mod term_counts;
mod terms;
mod tokens;

pub use intervals::{Interval, two_share_z, wilson_interval};
pub use log_odds::{LogOdds, log_odds};
pub use probabilities::{choose_label, merge_windows, sigmoid, softmax};
pub use search_terms::{MAX_QUERY_TERMS, parse_query, search_terms};
pub use sentences::{Sentence, sentences, sentences_disagree};
pub use term_counts::{MIN_Z, RankedTerm, Side, TermCounts};
pub use terms::distinct_terms;
pub use tokens::estimate_tokens;
