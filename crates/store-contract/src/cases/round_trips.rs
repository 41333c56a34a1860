//! Stored values are read back exactly.

use application::dtos::PredictionRecord;
use domain::entities::Prediction;
use domain::value_objects::{
    MetadataValue, ModelRef, PredictionId, PredictionResult, Sentiment, SentimentScores, TenantId, Timestamp,
    Usage,
};

use crate::StoreHarness;
use crate::samples::{Samples, classified, confidence, metadata, reference, tenant};
use crate::steps::{ALL, find, insert, try_insert};

/// Inserts `predictions` and asserts that both ways of reading return every field.
pub(super) async fn assert_stored(store: &impl StoreHarness, predictions: &[Prediction]) {
    insert(store, predictions).await;
    for prediction in predictions {
        let found = find(store, prediction.id()).await;
        assert_eq!(found, Some(PredictionRecord::from(prediction)));
    }
    let mut expected: Vec<_> = predictions.iter().map(PredictionRecord::from).collect();
    expected.sort_by_key(|record| std::cmp::Reverse(record.prediction.id));
    let everything = application::ports::PredictionFilter::default();
    let listed = store.predictions().list(&TenantId::default(), &everything, None, ALL).await;
    assert_eq!(listed.expect("the rows can be read").items, expected);
}

/// Every field of a prediction is what it was.
pub async fn a_prediction_comes_back_as_it_was_stored(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let prediction = samples.one_with(|new| {
        new.reference = Some(reference("order-17"));
        new.metadata = metadata([("channel", MetadataValue::Text("mail".into()))]);
        new.model = ModelRef::new("another-model", "0123abcd");
        new.usage = Usage { tokens: 1_234, windows: 3, truncated: true };
        new.cached = true;
    });
    assert_stored(store, &[prediction, samples.one()]).await;
}

/// A prediction that was never inserted is not found.
pub async fn a_prediction_that_was_not_stored_is_not_found(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let (stored, other) = (samples.one(), samples.one());
    insert(store, &[stored]).await;
    assert_eq!(find(store, other.id()).await, None);
    assert_eq!(find(store, PredictionId::from_u128(0)).await, None);
    assert_eq!(find(store, PredictionId::from_u128(u128::MAX)).await, None);
}

/// A model without a mapping gives neither a sentiment nor the three scores.
pub async fn a_prediction_without_sentiment_and_confidence_comes_back(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let labels = classified(Sentiment::Neutral, 0.5).labels().to_vec();
    let unmapped =
        PredictionResult::restore(None, Some(confidence(0.5)), SentimentScores::default(), labels.clone());
    let predictions = [PredictionResult::raw(labels), PredictionResult::raw(Vec::new()), unmapped]
        .map(|result| samples.one_with(|new| new.result = result));
    assert_stored(store, &predictions).await;
}

/// Every sentiment, the mixed one too, and every combination of scores that a mapping may yield.
pub async fn every_sentiment_and_every_set_of_scores_comes_back(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let mut predictions = Vec::new();
    for sentiment in Sentiment::ALL {
        for which in 0..8 {
            let given = |bit: u32, value: f32| (which >> bit & 1 == 1).then_some(value);
            let scores =
                SentimentScores { negative: given(0, 0.1), neutral: given(1, 0.2), positive: given(2, 0.7) };
            let labels = classified(sentiment, 0.7).labels().to_vec();
            let result = PredictionResult::restore(Some(sentiment), Some(confidence(0.7)), scores, labels);
            predictions.push(samples.one_with(|new| new.result = result));
        }
    }
    assert_stored(store, &predictions).await;
}

/// The client's reference may be absent, long, and of any script.
pub async fn references_of_any_script_and_none_come_back(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let long = "é".repeat(128);
    let texts =
        ["a", " a b ", "order-17", "Ünïcode ✓", "注文-42", "👩‍👩‍👧‍👦", "it's \"x\" \\ % _ ; --", "NULL", &long];
    let references = texts.into_iter().map(|text| Some(reference(text))).chain([None]);
    let predictions: Vec<_> =
        references.map(|reference| samples.one_with(|new| new.reference = reference)).collect();
    assert_stored(store, &predictions).await;
}

/// Metadata is read back with the key, kind and value of every entry.
pub async fn metadata_of_every_kind_comes_back(store: &impl StoreHarness) {
    let integers = [0, 1, -1, i64::MIN, i64::MAX, 1 << 53, (1 << 53) + 1];
    let floats = [0.1, -0.5, 1e300, -1e300, f64::MIN_POSITIVE, f64::MAX, 5e-324, 1.0 + f64::EPSILON];
    let texts = [
        "",
        "1",
        "true",
        "null",
        "it's \"quoted\" \\\"twice\\\"",
        "a\nb\t\u{1}\u{7f}",
        "{\"a\":1}",
        "日本😀",
    ];
    let values = integers
        .map(MetadataValue::Integer)
        .into_iter()
        .chain(floats.map(MetadataValue::Float))
        .chain(texts.map(|text| MetadataValue::Text(text.to_owned())))
        .chain([true, false].map(MetadataValue::Bool));
    let mut samples = Samples::new();
    let mut predictions: Vec<_> = values
        .map(|value| samples.one_with(|new| new.metadata = metadata([("key", value.clone())])))
        .collect();
    let keys = ["", "a", "$a.b[0]", "it's", "\"", "\\", "ключ", "😀", "a b", "__proto__"];
    let flags = || keys[1..].iter().map(|key| (*key, MetadataValue::Bool(true)));
    predictions.push(samples.one_with(|new| new.metadata = metadata(flags())));
    predictions.push(samples.one_with(|new| new.metadata = metadata([])));
    let full = "x".repeat(4_095);
    predictions
        .push(samples.one_with(|new| new.metadata = metadata([("k", MetadataValue::Text(full.clone()))])));
    assert_stored(store, &predictions).await;
}

/// Instants from 1970 to the end of 9999, to the microsecond.
pub async fn instants_come_back_to_the_microsecond(store: &impl StoreHarness) {
    let end_of_9999 = 253_402_300_799_999_999;
    let instants = [0, 1, 999, 1_000, 1_767_323_045_678_901, 4_102_444_800_000_001, end_of_9999];
    let mut samples = Samples::new();
    let predictions =
        instants.map(|micros| samples.one_at(Timestamp::from_micros(micros), |new| new.cached = true));
    assert_stored(store, &predictions).await;
}

/// Counts of tokens and windows up to the largest there are.
pub async fn usage_comes_back_up_to_the_largest_counts(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let predictions = [0, 1, 512, i32::MAX.unsigned_abs(), u32::MAX].map(|count| {
        let usage = Usage { tokens: count, windows: u32::MAX - count, truncated: count % 2 == 0 };
        samples.one_with(|new| new.usage = usage)
    });
    assert_stored(store, &predictions).await;
}

/// Names and revisions of models are texts like any other.
pub async fn names_of_models_and_labels_come_back(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let predictions = ["", "bert base/uncased:v1", "it's \"x\" \\", "模型 😀"].map(|name| {
        samples.one_with(|new| {
            new.model = ModelRef::new(name, name);
            let label =
                domain::value_objects::LabelScore { label: name.to_owned(), score: 0.25, logit: None };
            new.result = PredictionResult::raw(vec![label.clone(), label]);
        })
    });
    assert_stored(store, &predictions).await;
}

/// Predictions come back in the order of their ids, however often and in whatever order these are given; an id that the
/// tenant does not have has none.
pub async fn many_predictions_come_back_in_the_order_of_their_ids(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let predictions = samples.many(1_000);
    insert(store, &predictions).await;
    let missing = samples.one();
    let others = samples.one();
    try_insert(store, &tenant("ann"), std::slice::from_ref(&others)).await.expect("the set is committed");
    let find_many = async |ids: &[PredictionId]| {
        let found = store.predictions().find_many(&TenantId::default(), ids).await;
        let found: Result<Vec<_>, _> = found.expect("the rows can be read").into_iter().collect();
        found.expect("each row can be read")
    };
    assert_eq!(find_many(&[]).await, []);
    assert_eq!(find_many(&[missing.id(), others.id()]).await, [None, None]);
    let (first, last) = (&predictions[0], &predictions[999]);
    let mixed = [last, &missing, first, last].map(Prediction::id);
    let expected = [Some(last.into()), None, Some(first.into()), Some(last.into())];
    assert_eq!(find_many(&mixed).await, expected);
    let ids: Vec<_> = predictions.iter().map(Prediction::id).rev().collect();
    let expected: Vec<_> = predictions.iter().rev().map(|prediction| Some(prediction.into())).collect();
    assert_eq!(find_many(&ids).await, expected);
}
