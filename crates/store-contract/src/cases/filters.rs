//! Every filter alone, and every two of them together, compared with the same filter over a plain list.

use application::ports::PredictionFilter;
use domain::entities::Prediction;
use domain::policies::search_terms;
use domain::value_objects::{
    Confidence, ModelRef, PredictionId, PredictionResult, Sentiment, SentimentScores, Timestamp,
};

use crate::StoreHarness;
use crate::cases::listing::walk;
use crate::cases::round_trips_of_scores::edge_probabilities;
use crate::samples::{FIRST, Samples, classified, confidence, reference, text};
use crate::steps::{ids_descending, insert, list_ids, query};

/// Whether `prediction` matches `filter`, in the simplest implementation.
pub(super) fn matches(filter: &PredictionFilter, prediction: &Prediction) -> bool {
    let PredictionFilter { sentiment, model, reference, from, to, min_confidence, max_confidence, terms } =
        filter;
    let result = prediction.result();
    let within = |low: Option<Confidence>, high: Option<Confidence>| match result.confidence() {
        Some(it) => low.is_none_or(|low| low <= it) && high.is_none_or(|high| it <= high),
        None => low.is_none() && high.is_none(),
    };
    sentiment.is_none_or(|sentiment| result.sentiment() == Some(sentiment))
        && model.as_ref().is_none_or(|model| prediction.model().name() == model)
        && reference.as_ref().is_none_or(|reference| prediction.reference() == Some(reference))
        && from.is_none_or(|from| from <= prediction.created_at())
        && to.is_none_or(|to| prediction.created_at() < to)
        && within(*min_confidence, *max_confidence)
        && terms.is_subset(&search_terms(prediction.text().as_str()))
}

/// Asserts that the store lists the predictions that [`matches()`] selects; returns how many.
async fn assert_matches(
    store: &impl StoreHarness,
    filter: &PredictionFilter,
    stored: &[Prediction],
) -> usize {
    let expected = ids_descending(stored.iter().filter(|prediction| matches(filter, prediction)));
    assert_eq!(list_ids(store, filter).await, expected, "{filter:?}");
    expected.len()
}

/// Rows that differ in every field that a filter compares; no two of the fields are correlated.
pub(super) fn varied() -> Vec<Prediction> {
    let texts = ["a good day", "A bad day.", "Good good GOOD", "nothing", "a café, a day", "😀"];
    let models = ["m", "M", "m2"];
    let mut samples = Samples::new();
    (0..72_usize)
        .zip((FIRST..).step_by(500))
        .map(|(n, micros)| {
            let now = Timestamp::from_micros(micros);
            samples.one_at(now, |new| {
                new.text = text(texts[n % 6]);
                new.model = ModelRef::new(models[n / 2 % 3], ["r1", "r2"][n % 2]);
                new.reference = [None, Some("a"), Some("A"), Some("a_b%"), Some("b")][n % 5].map(reference);
                let chosen = [0.25, 0.5, 0.7, 0.7_f32.next_up(), 1.0][n * 2 % 5];
                new.result = match n % 7 {
                    0 => PredictionResult::raw(Vec::new()),
                    1 => PredictionResult::restore(
                        None,
                        Some(confidence(chosen)),
                        SentimentScores::default(),
                        Vec::new(),
                    ),
                    other => classified(Sentiment::ALL[other % 4], chosen),
                };
            })
        })
        .collect()
}

/// One condition of a filter.
pub(super) type Condition = Box<dyn Fn(&mut PredictionFilter) + Send + Sync>;

/// Every condition that the cases try, by the field that it sets.
pub(super) fn conditions() -> Vec<(&'static str, Condition)> {
    fn one(
        field: &'static str,
        set: impl Fn(&mut PredictionFilter) + Send + Sync + 'static,
    ) -> (&'static str, Condition) {
        (field, Box::new(set))
    }
    let at = |n: i64| Some(Timestamp::from_micros(FIRST + 500 * n));
    let mut conditions = Vec::new();
    for sentiment in Sentiment::ALL {
        conditions.push(one("sentiment", move |filter| filter.sentiment = Some(sentiment)));
    }
    for model in ["m", "M", "nobody"] {
        conditions.push(one("model", move |filter| filter.model = Some(model.to_owned())));
    }
    for name in ["a", "a_b%", "a%"] {
        conditions.push(one("ref", move |filter| filter.reference = Some(reference(name))));
    }
    for n in [0, 30, 100] {
        conditions.push(one("from", move |filter| filter.from = at(n)));
        conditions.push(one("to", move |filter| filter.to = at(n)));
    }
    for chosen in [0.0, 0.5, 0.7, 1.0] {
        conditions.push(one("min", move |filter| filter.min_confidence = Some(confidence(chosen))));
        conditions.push(one("max", move |filter| filter.max_confidence = Some(confidence(chosen))));
    }
    for q in ["day", "good", "a day", "café"] {
        conditions.push(one("q", move |filter| filter.terms = query(q).terms));
    }
    conditions
}

/// Every filter alone.
pub async fn every_filter_alone_selects_its_rows(store: &impl StoreHarness) {
    let stored = varied();
    insert(store, &stored).await;
    assert_matches(store, &PredictionFilter::default(), &stored).await;
    let mut matches = 0;
    for (_, condition) in conditions() {
        let mut filter = PredictionFilter::default();
        condition(&mut filter);
        matches += assert_matches(store, &filter, &stored).await;
    }
    assert!(matches > 500, "the rows hardly match any filter: {matches}");
}

/// Every two filters together.
pub async fn every_two_filters_together_select_the_rows_of_both(store: &impl StoreHarness) {
    let stored = varied();
    insert(store, &stored).await;
    let conditions = conditions();
    let mut matches = 0;
    for (n, (field, first)) in conditions.iter().enumerate() {
        for (other, second) in &conditions[n + 1..] {
            if field != other {
                let mut filter = PredictionFilter::default();
                first(&mut filter);
                second(&mut filter);
                matches += assert_matches(store, &filter, &stored).await;
            }
        }
    }
    assert!(matches > 2_000, "the rows hardly match any two filters: {matches}");
}

/// All filters together match one row, and not the rows that differ in one field each.
pub async fn all_filters_together_select_the_rows_of_all(store: &impl StoreHarness) {
    let stored = varied();
    insert(store, &stored).await;
    let row =
        stored.iter().find(|row| row.reference().is_some() && row.result().sentiment().is_some()).unwrap();
    let filter = PredictionFilter {
        sentiment: row.result().sentiment(),
        model: Some(row.model().name().to_owned()),
        reference: row.reference().cloned(),
        from: Some(row.created_at()),
        to: Some(Timestamp::from_micros(row.created_at().as_micros() + 1)),
        min_confidence: row.result().confidence(),
        max_confidence: row.result().confidence(),
        terms: search_terms(row.text().as_str()),
    };
    assert_eq!(list_ids(store, &filter).await, [row.id()]);
}

/// A filter applies to every page.
pub async fn every_filter_applies_to_every_page(store: &impl StoreHarness) {
    let stored = varied();
    insert(store, &stored).await;
    for (_, condition) in conditions() {
        let mut filter = PredictionFilter::default();
        condition(&mut filter);
        let expected = ids_descending(stored.iter().filter(|prediction| matches(&filter, prediction)));
        assert_eq!(walk(store, &filter, 5).await, expected, "{filter:?}");
    }
}

/// `from` includes its own microsecond and `to` excludes it, also among rows of one millisecond.
pub async fn time_bounds_are_exact_to_the_microsecond(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let micros = [1_000, 1_999, 2_000, 2_001, 2_002, 2_999, 3_000, 3_001];
    // Their ids descend within the millisecond: the bounds compare the time, not the id.
    let stored: Vec<_> = micros
        .iter()
        .enumerate()
        .map(|(n, micro)| {
            let low = 7 << 76 | 2 << 62 | (100 - n as u128);
            let now = Timestamp::from_micros(FIRST - FIRST % 1_000 + micro);
            samples.one_at(now, |new| {
                new.id = PredictionId::from_u128(PredictionId::lowest_at(now).as_u128() | low);
            })
        })
        .collect();
    insert(store, &stored).await;
    let bounds: Vec<_> =
        stored.iter().flat_map(|row| [-1, 0, 1].map(|off| row.created_at().as_micros() + off)).collect();
    for from in &bounds {
        for to in &bounds {
            let filter = PredictionFilter {
                from: Some(Timestamp::from_micros(*from)),
                to: Some(Timestamp::from_micros(*to)),
                ..PredictionFilter::default()
            };
            assert_matches(store, &filter, &stored).await;
        }
    }
}

/// Time bounds at and beyond the earliest and latest stored time select everything or nothing.
pub async fn time_bounds_may_lie_far_away(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let stored = [0, FIRST, 253_402_300_799_999_999]
        .map(|micros| samples.one_at(Timestamp::from_micros(micros), |_| {}));
    insert(store, &stored).await;
    let far = [i64::MIN, -1, 0, 1, 253_402_300_799_999_999, 253_402_300_800_000_000, i64::MAX];
    for from in far {
        for to in far {
            let filter = PredictionFilter {
                from: Some(Timestamp::from_micros(from)),
                to: Some(Timestamp::from_micros(to)),
                ..PredictionFilter::default()
            };
            assert_matches(store, &filter, &stored).await;
        }
    }
}

/// The bounds of the confidence are inclusive and compare exact numbers.
pub async fn confidence_bounds_are_exact(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let stored: Vec<_> = edge_probabilities()
        .into_iter()
        .map(|edge| samples.one_with(|new| new.result = classified(Sentiment::Positive, edge)))
        .chain([samples_without_confidence()])
        .collect();
    insert(store, &stored).await;
    for edge in edge_probabilities() {
        for bound in [edge.next_down(), edge, edge.next_up()] {
            let Ok(bound) = Confidence::try_new("bound", bound) else { continue };
            let filter = PredictionFilter { min_confidence: Some(bound), ..PredictionFilter::default() };
            assert_matches(store, &filter, &stored).await;
            let filter = PredictionFilter { max_confidence: Some(bound), ..PredictionFilter::default() };
            assert_matches(store, &filter, &stored).await;
        }
    }
}

fn samples_without_confidence() -> Prediction {
    let id = PredictionId::from_u128(1);
    let event_id = domain::value_objects::EventId::from_u128(1);
    Samples::new().one_with(|new| {
        (new.id, new.event_id) = (id, event_id);
        new.result = PredictionResult::raw(Vec::new());
    })
}

/// A model is filtered by its name, whatever its revision.
pub async fn the_model_filter_ignores_the_revision(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let stored = [("m", "r1"), ("m", "r2"), ("r1", "m"), ("m ", "r1")]
        .map(|(name, revision)| samples.one_with(|new| new.model = ModelRef::new(name, revision)));
    insert(store, &stored).await;
    let filter = PredictionFilter { model: Some("m".into()), ..PredictionFilter::default() };
    assert_eq!(list_ids(store, &filter).await, ids_descending(&stored[..2]));
}

/// References are compared character by character: no wildcard, no folding, no normalization.
pub async fn references_are_compared_exactly(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let names = ["a", "A", "a ", "ab", "a%", "a_", "é", "e\u{301}", "'", "\\", "😀", "1", "01"];
    let stored = names.map(|name| samples.one_with(|new| new.reference = Some(reference(name))));
    let twice = samples.one_with(|new| new.reference = Some(reference("a")));
    insert(store, &stored).await;
    insert(store, std::slice::from_ref(&twice)).await;
    let stored = [&stored[..], &[twice]].concat();
    for name in names.into_iter().chain(["nobody", "%", "_"]) {
        let filter = PredictionFilter { reference: Some(reference(name)), ..PredictionFilter::default() };
        assert_matches(store, &filter, &stored).await;
    }
}
