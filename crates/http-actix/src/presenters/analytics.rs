use application::dtos::{DistinctTerm, RankTermsResponse, TextSample};
use serde::Serialize;
use utoipa::ToSchema;

use crate::presenters::present_timestamp;

/// The terms that distinguish texts of a sentiment from others.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Terms)]
pub(crate) struct TermsView {
    /// The terms, the greatest `|z|` first; `|z|` is at least 3.
    #[schema(max_items = 100)]
    terms: Vec<TermView>,
    /// The texts of the sentiment.
    sample: TextSampleView,
    /// The texts that they are compared with.
    sample_other: TextSampleView,
    /// The beginning of the range.
    #[schema(format = DateTime, example = "2026-01-24T12:00:00.000000Z")]
    from: String,
    /// The end of the range.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000000Z")]
    to: String,
    /// Whether rare terms were dropped, since there were more than 200,000 distinct ones.
    truncated_vocabulary: bool,
}

/// A term that distinguishes texts of a sentiment from others.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Term)]
struct TermView {
    /// One or two words in lower case.
    #[schema(example = "battery")]
    term: String,
    /// How many texts of `sample` have it.
    texts: u32,
    /// How many texts of `sample_other` have it.
    texts_other: u32,
    /// The log-odds ratio: positive if the term is more frequent in texts of the sentiment.
    log_odds: f64,
    /// `log_odds` in standard deviations.
    z: f64,
    /// At most three predictions whose text has the term, the newest first: of the side where it is more frequent.
    #[schema(max_items = 3, example = json!(["01997a3e-7c10-7d52-a1f0-5f0f6f3f9f11"]))]
    examples: Vec<String>,
}

/// How many texts were read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TextSample)]
struct TextSampleView {
    /// The texts that were read.
    #[schema(maximum = 25_000)]
    read: u64,
    /// The predictions in the range, of which they are a uniform sample.
    of: u64,
    /// The chosen predictions whose text is not stored.
    unavailable: u64,
}

/// Presents the terms that distinguish texts of a sentiment from others.
pub(crate) fn present_terms(ranked: RankTermsResponse) -> TermsView {
    let RankTermsResponse { terms, sample, sample_other, from, to, truncated_vocabulary } = ranked;
    TermsView {
        terms: terms.into_iter().map(present_term).collect(),
        sample: present_sample(sample),
        sample_other: present_sample(sample_other),
        from: present_timestamp(from),
        to: present_timestamp(to),
        truncated_vocabulary,
    }
}

fn present_term(ranked: DistinctTerm) -> TermView {
    let DistinctTerm { term, texts, texts_other, log_odds, z, examples } = ranked;
    let examples = examples.iter().map(ToString::to_string).collect();
    TermView { term, texts, texts_other, log_odds, z, examples }
}

fn present_sample(TextSample { read, of, unavailable }: TextSample) -> TextSampleView {
    TextSampleView { read, of, unavailable }
}
