mod runs;
mod sample;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::errors::{DomainError, Rule};
use domain::policies::{RankedTerm, Side, TermCounts};
use domain::value_objects::{PredictionId, Sentiment, TenantId};

use crate::action::log_action;
use crate::dtos::{Against, DistinctTerm, RankTermsRequest, RankTermsResponse, TextSample};
use crate::errors::ApplicationError;
use crate::ports::{AnalyticsReadModel, Clock, ComputePool, TextSelection};
use crate::use_cases::page_limit::page_limit;
use crate::use_cases::rank_terms::runs::Runs;
use crate::use_cases::rank_terms::sample::Sample;

/// Finds the terms that distinguish the texts of a sentiment from others.
pub struct RankTermsUseCase {
    analytics: Arc<dyn AnalyticsReadModel>,
    compute: Arc<dyn ComputePool>,
    clock: Arc<dyn Clock>,
    runs: Runs,
}

/// The range of time by default.
const RANGE: Duration = Duration::from_hours(7 * 24);
/// The fewest texts with a term by default.
const MIN_TEXTS: u32 = 5;
/// The texts that are read at a time: those of the longest allowed characters fill tens of megabytes.
const TEXTS_AT_A_TIME: usize = 250;
/// The bytes of text after which no more texts of a side are read. The texts are in random order, so that those read
/// are a uniform sample all the same.
const MAX_BYTES: usize = 32 * 1024 * 1024;

impl RankTermsUseCase {
    /// The use case over its ports.
    pub fn new(
        analytics: Arc<dyn AnalyticsReadModel>,
        compute: Arc<dyn ComputePool>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { analytics, compute, clock, runs: Runs::default() }
    }

    /// Returns the terms with the greatest log-odds ratio between both sides (`domain::policies::log_odds`), those of
    /// at least 3 standard deviations. At most 25,000 texts of each side are read; where there are more, they are a
    /// uniform sample, the same for the same texts. At most two runs at a time; a dropped run ends with the page that
    /// it reads.
    ///
    /// # Errors
    /// `Saturated` beside two other runs; `Invalid` for `limit` or `min_texts`; `Unavailable`, `Corrupt`.
    pub async fn execute(&self, request: RankTermsRequest) -> Result<RankTermsResponse, ApplicationError> {
        log_action("RankTermsUseCase.execute", async {
            let limit = page_limit(request.limit)?;
            let min_texts = min_texts(request.min_texts)?;
            let _run = self.runs.start().ok_or(ApplicationError::Saturated)?;
            let sides = Sides::of(&request, self.clock.as_ref());
            let tenant = &request.tenant;
            let first = Sample::draw(self.analytics.as_ref(), tenant, &sides.first).await?;
            let second = Sample::draw(self.analytics.as_ref(), tenant, &sides.second).await?;
            let counted = self.count(&request, [first, second]).await?;
            let Counted { counts, samples: [sample, sample_other], ids } = counted;
            let ranked = self.compute.compute(move || (counts.rank(min_texts), counts.is_truncated()));
            let (terms, truncated_vocabulary) = ranked.await?;
            let terms = terms.into_iter().take(limit as usize).map(|term| distinct(term, &ids)).collect();
            let (from, to) = (sides.first[0].from, sides.first[0].to);
            Ok(RankTermsResponse { terms, sample, sample_other, from, to, truncated_vocabulary })
        })
        .await
    }

    /// Reads the texts of both samples, a page of each in turn, and counts their terms.
    async fn count(
        &self,
        request: &RankTermsRequest,
        [first, second]: [Sample; 2],
    ) -> Result<Counted, ApplicationError> {
        let mut ids: Vec<PredictionId> = first.ids.iter().chain(&second.ids).copied().collect();
        ids.sort_unstable();
        // The numbers of texts rise with their ids: the greatest are those of the newest.
        let numbers: Arc<HashMap<PredictionId, u32>> = Arc::new(ids.iter().copied().zip(1_u32..).collect());
        let mut counts = TermCounts::new(request.ngrams.clone());
        let mut readings = [Reading::new(Side::First, first), Reading::new(Side::Second, second)];
        while readings.iter().any(|reading| reading.next_page().is_some()) {
            for reading in &mut readings {
                let Some(page) = reading.next_page() else { continue };
                let texts = self.read_page(&request.tenant, page).await?;
                let texts = reading.take(texts);
                let (side, numbers) = (reading.side, Arc::clone(&numbers));
                let count = move || {
                    for (id, text) in texts {
                        counts.add(side, numbers.get(&id).copied().unwrap_or(0), &text);
                    }
                    counts
                };
                counts = self.compute.compute(count).await?;
            }
        }
        Ok(Counted { counts, samples: readings.map(|reading| reading.sample), ids })
    }

    /// The texts of a page, in the order of their ids.
    async fn read_page(&self, tenant: &TenantId, page: &[PredictionId]) -> Result<Texts, ApplicationError> {
        let mut texts = self.analytics.texts(tenant, page).await?;
        texts.sort_unstable_by_key(|(id, _)| *id);
        Ok(texts)
    }
}

/// Predictions and their texts, where they are stored.
type Texts = Vec<(PredictionId, Option<String>)>;

/// The terms of both samples.
struct Counted {
    counts: TermCounts,
    samples: [TextSample; 2],
    /// The ids of both samples; that of the text with the number `n` at `n - 1`.
    ids: Vec<PredictionId>,
}

/// The selections of both sides.
struct Sides {
    first: Vec<TextSelection>,
    second: Vec<TextSelection>,
}

impl Sides {
    fn of(request: &RankTermsRequest, clock: &dyn Clock) -> Self {
        let to = request.to.unwrap_or_else(|| clock.now());
        let from = request.from.unwrap_or_else(|| to.minus(RANGE));
        let select =
            |sentiment, from, to| TextSelection { sentiment, from, to, model: request.model.clone() };
        let sentiment = request.sentiment;
        let second = match request.against {
            Against::Rest => {
                let others = Sentiment::ALL.into_iter().filter(|other| *other != sentiment);
                others.map(|other| select(other, from, to)).collect()
            }
            Against::Previous => vec![select(sentiment, from.minus(to.since(from)), from)],
        };
        Self { first: vec![select(sentiment, from, to)], second }
    }
}

/// The progress of reading the texts of a sample.
struct Reading {
    side: Side,
    /// The ids in random order.
    ids: Vec<PredictionId>,
    /// How many of the ids were read.
    done: usize,
    bytes: usize,
    sample: TextSample,
}

impl Reading {
    fn new(side: Side, drawn: Sample) -> Self {
        let sample = TextSample { of: drawn.of, ..TextSample::default() };
        Self { side, ids: drawn.ids, done: 0, bytes: 0, sample }
    }

    /// The ids of the next page, if there is one.
    fn next_page(&self) -> Option<&[PredictionId]> {
        let end = self.ids.len().min(self.done + TEXTS_AT_A_TIME);
        self.ids.get(self.done..end).filter(|page| !page.is_empty() && self.bytes < MAX_BYTES)
    }

    /// Counts the texts of a page, and returns those that are stored. Those that were deleted since are neither.
    fn take(&mut self, texts: Texts) -> Vec<(PredictionId, String)> {
        self.done += TEXTS_AT_A_TIME;
        let found = texts.len();
        let stored: Vec<_> = texts.into_iter().filter_map(|(id, text)| Some((id, text?))).collect();
        self.sample.read += stored.len() as u64;
        self.sample.unavailable += (found - stored.len()) as u64;
        self.bytes += stored.iter().map(|(_, text)| text.len()).sum::<usize>();
        stored
    }
}

fn min_texts(requested: Option<u32>) -> Result<u32, DomainError> {
    let min_texts = requested.unwrap_or(MIN_TEXTS);
    if min_texts > 0 {
        return Ok(min_texts);
    }
    Err(DomainError::violation("min_texts", Rule::OutOfRange { allowed: "at least 1".into() }))
}

fn distinct(ranked: RankedTerm, ids: &[PredictionId]) -> DistinctTerm {
    let RankedTerm { term, texts, texts_other, log_odds, z, examples } = ranked;
    let id = |number: u32| ids.get((number as usize).checked_sub(1)?).copied();
    let examples = examples.into_iter().filter_map(id).collect();
    DistinctTerm { term, texts, texts_other, log_odds, z, examples }
}
