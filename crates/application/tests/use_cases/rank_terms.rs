use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use application::dtos::{Against, RankTermsRequest, RankTermsResponse, TextSample};
use application::errors::ApplicationError;
use application::ports::{AnalyticsReadModel, Clock, IdPage, IdWalk, StoreError, TextSelection};
use application::use_cases::RankTermsUseCase;
use async_trait::async_trait;
use domain::value_objects::{PredictionId, Sentiment, TenantId, Timestamp};
use testkit::{DirectComputePool, FixedClock};

use crate::world::{World, failure, refusal};

fn negative() -> RankTermsRequest {
    RankTermsRequest {
        tenant: TenantId::default(),
        sentiment: Sentiment::Negative,
        against: Against::Rest,
        ngrams: 1..=2,
        from: None,
        to: None,
        model: None,
        limit: None,
        min_texts: None,
    }
}

fn use_case(analytics: Arc<dyn AnalyticsReadModel>, clock: Arc<FixedClock>) -> RankTermsUseCase {
    RankTermsUseCase::new(analytics, Arc::new(DirectComputePool), clock)
}

async fn rank(world: &World, request: RankTermsRequest) -> Result<RankTermsResponse, ApplicationError> {
    use_case(world.read(), world.clock.clone()).execute(request).await
}

fn terms(response: &RankTermsResponse) -> Vec<&str> {
    response.terms.iter().map(|term| term.term.as_str()).collect()
}

/// Stores reviews, a third of them negative: of these half are about the battery.
async fn review(world: &World, reviews: usize) -> Vec<PredictionId> {
    let mut about_battery = Vec::new();
    for number in 0..reviews {
        let noun = ["phone", "screen", "case", "color"][number / 7 % 4];
        let verdict = match (number % 3, number % 2) {
            (0, 0) => "the battery drains and i hate it",
            (0, _) => "i hate it",
            (1, _) => "i love it",
            _ => "it is so so",
        };
        let made = world.predict(&format!("The {noun} of the shop: {verdict}")).await;
        if number % 6 == 0 {
            about_battery.insert(0, made.id);
        }
        world.clock.advance(Duration::from_millis(1));
    }
    about_battery
}

#[tokio::test]
async fn planted_terms_rank_first() {
    let world = World::new();
    let about_battery = review(&world, 600).await;
    let ranked = rank(&world, negative()).await.unwrap();
    // The word that makes a text negative is in all of them; then come those of the half about the battery.
    assert_eq!(terms(&ranked)[..2], ["hate", "hate it"]);
    let battery = ranked.terms.iter().find(|term| term.term == "battery").unwrap();
    assert_eq!((battery.texts, battery.texts_other), (100, 0));
    assert_eq!(battery.examples, about_battery[..3]);
    assert!(battery.z > 3.0 && battery.log_odds > 0.0);
    assert!(["phone", "the", "shop"].iter().all(|term| !terms(&ranked).contains(term)));
    let love = ranked.terms.iter().find(|term| term.term == "love").unwrap();
    assert!(love.z < -3.0 && love.examples.len() == 3);
    assert!(ranked.terms.is_sorted_by(|a, b| a.z.abs() >= b.z.abs()));
    assert_eq!(ranked.sample, TextSample { read: 200, of: 200, unavailable: 0 });
    assert_eq!(ranked.sample_other, TextSample { read: 400, of: 400, unavailable: 0 });
    assert!(!ranked.truncated_vocabulary);
    assert_eq!(
        (ranked.to, ranked.from),
        (world.clock.now(), world.clock.now().minus(Duration::from_hours(168)))
    );
}

#[tokio::test]
async fn lengths_and_numbers_of_terms_are_limited() {
    let world = World::new();
    review(&world, 300).await;
    let of = async |ngrams, limit, min_texts| {
        let request = RankTermsRequest { ngrams, limit, min_texts, ..negative() };
        rank(&world, request).await.unwrap()
    };
    let has_space = |response: &RankTermsResponse| {
        terms(response).iter().map(|term| term.contains(' ')).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(has_space(&of(1..=1, None, None).await), [false].into());
    assert_eq!(has_space(&of(2..=2, None, None).await), [true].into());
    assert_eq!(terms(&of(1..=2, Some(1), None).await), ["hate"]);
    let frequent = of(1..=2, Some(100), Some(100)).await;
    assert!(!frequent.terms.is_empty());
    assert!(frequent.terms.iter().all(|term| term.texts + term.texts_other >= 100));
}

#[tokio::test]
async fn a_sentiment_is_compared_with_its_own_past() {
    let world = World::new();
    for number in 0..200 {
        let topic = if number >= 100 && number % 4 == 0 { "battery" } else { "screen" };
        world.predict(&format!("i hate the {topic}")).await;
        world.predict("i love the battery").await;
        world.clock.advance(Duration::from_secs(36));
    }
    let to = world.clock.now();
    let last_hour = RankTermsRequest {
        against: Against::Previous,
        ngrams: 1..=1,
        from: Some(to.minus(Duration::from_hours(1))),
        to: Some(to),
        ..negative()
    };
    let ranked = rank(&world, last_hour).await.unwrap();
    assert_eq!(terms(&ranked), ["battery"]);
    assert_eq!((ranked.terms[0].texts, ranked.terms[0].texts_other), (25, 0));
    assert_eq!((ranked.sample.read, ranked.sample_other.read), (100, 100));
}

#[tokio::test]
async fn only_texts_of_the_model_are_compared() {
    let world = World::new();
    review(&world, 30).await;
    let of_model = |model: &str| RankTermsRequest { model: Some(model.to_owned()), ..negative() };
    let served = rank(&world, of_model("fake-model")).await.unwrap();
    assert_eq!((served.sample.of, served.sample_other.of), (10, 20));
    let other = rank(&world, of_model("other")).await.unwrap();
    assert_eq!((other.sample, other.terms), (TextSample::default(), Vec::new()));
}

#[tokio::test]
async fn a_tenant_without_texts_has_no_terms() {
    let ranked = rank(&World::new(), negative()).await.unwrap();
    assert_eq!((ranked.sample, ranked.sample_other), (TextSample::default(), TextSample::default()));
    assert!(ranked.terms.is_empty());
}

#[tokio::test]
async fn limits_out_of_range_are_refused() {
    let world = World::new();
    for (limit, min_texts, field) in
        [(Some(0), None, "limit"), (Some(101), None, "limit"), (None, Some(0), "min_texts")]
    {
        let outcome = rank(&world, RankTermsRequest { limit, min_texts, ..negative() }).await;
        assert_eq!(refusal(&outcome), (field, "out_of_range"));
    }
}

#[tokio::test]
async fn a_store_that_fails_is_not_available() {
    let world = World::new();
    world.store.fail_with("down");
    assert_eq!(failure(&rank(&world, negative()).await), ("unavailable", "store"));
}

/// A store with rows of one sentiment whose bits are scrambled, of which each tenth has no text.
#[derive(Default)]
struct ManyRows {
    ids: Vec<PredictionId>,
    /// The most ids of one step after the first.
    most_ids: Mutex<usize>,
}

impl ManyRows {
    fn new(rows: u64) -> Self {
        let id = |row: u64| {
            let bits = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
            PredictionId::from_u128(u128::from(row) << 80 | u128::from(bits))
        };
        Self { ids: (1..=rows).map(id).collect(), ..Self::default() }
    }
}

#[async_trait]
impl AnalyticsReadModel for ManyRows {
    async fn walk_ids(
        &self,
        _: &TenantId,
        selection: &TextSelection,
        walk: IdWalk,
    ) -> Result<IdPage, StoreError> {
        if selection.sentiment != Sentiment::Negative {
            return Ok(IdPage::default());
        }
        let rest = self.ids.iter().copied().filter(|id| walk.after.is_none_or(|after| *id > after));
        let examined: Vec<_> = rest.take(walk.limit as usize).collect();
        let end = examined.last().copied().filter(|_| examined.len() == walk.limit as usize);
        let matching = examined.len() as u64;
        let ids: Vec<_> = examined.into_iter().filter(|id| id.random_bits() <= walk.at_most).collect();
        if walk.after.is_some() {
            let mut most = self.most_ids.lock().unwrap();
            *most = (*most).max(ids.len());
        }
        Ok(IdPage { ids, matching, end })
    }

    async fn texts(
        &self,
        _: &TenantId,
        ids: &[PredictionId],
    ) -> Result<Vec<(PredictionId, Option<String>)>, StoreError> {
        assert!(ids.len() <= 250);
        let text = |id: &PredictionId| (!id.random_bits().is_multiple_of(10)).then(|| "bad".to_owned());
        Ok(ids.iter().map(|id| (*id, text(id))).collect())
    }
}

#[tokio::test]
async fn many_texts_are_sampled() {
    let rows = Arc::new(ManyRows::new(200_000));
    let clock = Arc::new(FixedClock::at(Timestamp::from_micros(i64::MAX)));
    let ranked = use_case(rows.clone(), clock).execute(negative()).await.unwrap();
    let TextSample { read, of, unavailable } = ranked.sample;
    assert_eq!((read + unavailable, of), (25_000, 200_000));
    assert!((2_000..3_000).contains(&unavailable), "{unavailable}");
    // Once the sample is full, most ids stay in the store: of the second step at most half are returned.
    assert!(*rows.most_ids.lock().unwrap() < 25_000);
}

/// A store that never answers.
struct Silent;

#[async_trait]
impl AnalyticsReadModel for Silent {
    async fn walk_ids(&self, _: &TenantId, _: &TextSelection, _: IdWalk) -> Result<IdPage, StoreError> {
        std::future::pending().await
    }

    async fn texts(
        &self,
        _: &TenantId,
        _: &[PredictionId],
    ) -> Result<Vec<(PredictionId, Option<String>)>, StoreError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_third_run_at_the_same_time_is_refused_until_another_ends() {
    let use_case = use_case(Arc::new(Silent), Arc::new(FixedClock::default()));
    let mut context = Context::from_waker(Waker::noop());
    let mut start = || {
        let mut run = Box::pin(use_case.execute(negative()));
        let refused = run.as_mut().poll(&mut context).map(|outcome| failure(&outcome).0.to_owned());
        (run, refused)
    };
    let ((first, one), (_second, two)) = (start(), start());
    assert!(one.is_pending() && two.is_pending());
    let (_, third) = start();
    assert_eq!(third, std::task::Poll::Ready("saturated".to_owned()));
    drop(first);
    assert!(start().1.is_pending());
}
