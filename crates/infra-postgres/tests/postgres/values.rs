//! Values that PostgreSQL's types could alter.

use std::collections::BTreeSet;

use application::ports::PredictionFilter;
use domain::policies::search_terms;
use domain::value_objects::{LabelScore, Metadata, MetadataValue, PredictionResult, TenantId, Timestamp};
use store_contract::StoreHarness;
use store_contract::samples::{Samples, metadata, text};
use uuid::Uuid;

use crate::harness::{PostgresHarness, insert};

/// `stored` as it is read back.
async fn metadata_back(store: &PostgresHarness, samples: &mut Samples, stored: &Metadata) -> Metadata {
    let prediction = samples.one_with(|new| new.metadata = stored.clone());
    insert(&store.writes(), std::slice::from_ref(&prediction)).await.unwrap();
    let found = store.predictions().find(&TenantId::default(), prediction.id()).await.unwrap();
    found.unwrap().prediction.metadata
}

#[tokio::test]
async fn jsonb_changes_no_number_of_the_metadata() {
    let store = PostgresHarness::start().await;
    let mut samples = Samples::new();
    let floats = [1e300, f64::MAX, f64::MIN_POSITIVE, 5e-324, 0.1, -1.5, 9_223_372_036_854_775_808.0, 1e22];
    for float in floats {
        let stored = metadata([("number", MetadataValue::Float(float))]);
        assert_eq!(metadata_back(&store, &mut samples, &stored).await, stored, "{float}");
    }
    for whole in [i64::MIN, -1, 0, 9_007_199_254_740_993, i64::MAX] {
        let stored = metadata([("number", MetadataValue::Integer(whole))]);
        assert_eq!(metadata_back(&store, &mut samples, &stored).await, stored, "{whole}");
    }
}

#[tokio::test]
async fn the_order_of_keys_in_jsonb_does_not_matter() {
    let store = PostgresHarness::start().await;
    let mut samples = Samples::new();
    let entries = ["zz", "a", "aa", "Z", "\u{e9}", "\"", "\\"].map(|key| (key, MetadataValue::Bool(true)));
    let stored = metadata(entries);
    assert_eq!(metadata_back(&store, &mut samples, &stored).await, stored);
}

#[tokio::test]
async fn raw_scores_that_are_no_json_numbers_come_back() {
    let store = PostgresHarness::start().await;
    let scores = [f32::INFINITY, f32::NEG_INFINITY, -0.0, 0.0, f32::MAX, f32::from_bits(1), f32::NAN];
    let labels = scores.map(|score| LabelScore { label: "x".into(), score, logit: None }).to_vec();
    let prediction = Samples::new().one_with(|new| new.result = PredictionResult::raw(labels));
    insert(&store.writes(), std::slice::from_ref(&prediction)).await.unwrap();
    let found = store.predictions().find(&TenantId::default(), prediction.id()).await.unwrap().unwrap();
    let bits = |labels: &[LabelScore]| labels.iter().map(|label| label.score.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&found.prediction.labels), bits(prediction.result().labels()));
}

#[tokio::test]
async fn times_at_the_limits_of_timestamptz_come_back_and_agree_with_sql() {
    let store = PostgresHarness::start().await;
    let mut samples = Samples::new();
    let mut beside = store.database.connect().await;
    for (micros, in_sql) in [
        (-210_866_803_200_000_000, "4714-11-24 00:00:00+00 BC"),
        (-1, "1969-12-31 23:59:59.999999+00"),
        (0, "1970-01-01 00:00:00+00"),
        (946_684_800_000_000, "2000-01-01 00:00:00+00"),
        (1_767_323_045_678_901, "2026-01-02 03:04:05.678901+00"),
        (9_007_199_254_740_993, "2255-06-05 23:47:34.740993+00"),
        (i64::MAX, "294247-01-10 04:00:54.775807+00"),
    ] {
        let time = Timestamp::from_micros(micros);
        let prediction = samples.one_with(|new| new.now = time);
        let id = prediction.id();
        insert(&store.writes(), &[prediction]).await.unwrap();
        let found = store.predictions().find(&TenantId::default(), id).await.unwrap().unwrap();
        assert_eq!(found.prediction.created_at, time);
        let shown: String = sqlx::query_scalar("SELECT created_at::text FROM predictions WHERE id = $1")
            .bind(Uuid::from_u128(id.as_u128()))
            .fetch_one(&mut beside)
            .await
            .unwrap();
        assert_eq!(shown, in_sql);
    }
}

async fn found(store: &PostgresHarness, terms: &[&str]) -> usize {
    let terms = terms.iter().map(|term| (*term).to_owned()).collect();
    let filter = PredictionFilter { terms, ..PredictionFilter::default() };
    store.predictions().list(&TenantId::default(), &filter, None, 10).await.unwrap().items.len()
}

#[tokio::test]
async fn every_kind_of_term_is_found_exactly() {
    let store = PostgresHarness::start().await;
    let words = "İstanbul Straße ΟΔΟΣ 最高の一日 नमस्ते don't C:\\new\\temp 😀sun👍🏽moon ½ x² Ⅷ ǅ ﬁn and or not";
    insert(&store.writes(), &[Samples::new().one_with(|new| new.text = text(words))]).await.unwrap();
    let terms: BTreeSet<String> = search_terms(words);
    assert!(terms.contains("i\u{307}stanbul"), "{terms:?}");
    for term in &terms {
        assert_eq!(found(&store, &[term]).await, 1, "{term}");
    }
    let all: Vec<&str> = terms.iter().map(String::as_str).collect();
    for some in all.chunks(16) {
        assert_eq!(found(&store, some).await, 1);
    }
    assert_eq!(found(&store, &["sun", "stars"]).await, 0);
    assert_eq!(found(&store, &["istanbul"]).await, 0);
}

#[tokio::test]
async fn signs_within_a_term_are_no_operators() {
    let store = PostgresHarness::start().await;
    insert(&store.writes(), &[Samples::new().one_with(|new| new.text = text("plain words"))]).await.unwrap();
    for sign in
        ["'", "''", "\\", "\\'", "plain:*", "plain & words", "!x", "(", "plain' | 'words", " ", "plain:A"]
    {
        assert_eq!(found(&store, &[sign]).await, 0, "{sign}");
    }
}
