//! That lists are read by their indexes.

use application::ports::PredictionFilter;
use domain::value_objects::{PredictionId, Sentiment, TenantId, Timestamp};
use sqlx::Executor;
use store_contract::StoreHarness;
use store_contract::samples::{FIRST, Samples, reference};

use crate::harness::{PostgresHarness, keep};

/// The indexes that the store's own statement uses for `filter`, by the server's statistics: those whose number
/// of scans has grown.
async fn indexes_for(filter: PredictionFilter) -> Vec<String> {
    let store = PostgresHarness::start().await;
    for some in Samples::new().many(6_000).chunks(1_000) {
        keep(&store.units(), some).await.unwrap();
    }
    let mut beside = store.database.connect().await;
    beside.execute("ANALYZE predictions").await.unwrap();
    // Sequential scans of the table from here on show as well.
    let before = scans(&store).await;
    store.predictions().list(&TenantId::default(), &filter, None, 20).await.unwrap();
    store.store.close().await;
    // A session hands in its statistics when it ends, at the latest.
    loop {
        let after = scans(&store).await;
        let grown: Vec<String> =
            after.iter().filter(|scan| !before.contains(scan)).map(|(name, _)| name.clone()).collect();
        if !grown.is_empty() {
            return grown;
        }
    }
}

async fn scans(store: &PostgresHarness) -> Vec<(String, i64)> {
    sqlx::query_as(
        "SELECT indexrelname::text, idx_scan FROM pg_stat_user_indexes WHERE relname = 'predictions' \
         UNION ALL SELECT 'no index', seq_scan FROM pg_stat_user_tables WHERE relname = 'predictions' ORDER BY 1",
    )
    .fetch_all(&mut store.database.connect().await)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_plain_list_is_read_by_the_primary_key() {
    assert_eq!(indexes_for(PredictionFilter::default()).await, ["predictions_pkey"]);
}

#[tokio::test]
async fn a_list_of_one_sentiment_is_read_by_its_index() {
    let filter = PredictionFilter { sentiment: Some(Sentiment::Mixed), ..PredictionFilter::default() };
    assert_eq!(indexes_for(filter).await, ["predictions_by_sentiment"]);
}

#[tokio::test]
async fn a_list_of_one_reference_is_read_by_its_index() {
    let filter = PredictionFilter { reference: Some(reference("sample-17")), ..PredictionFilter::default() };
    assert_eq!(indexes_for(filter).await, ["predictions_by_ref"]);
}

#[tokio::test]
async fn a_search_is_read_by_the_index_of_terms() {
    let filter = PredictionFilter { terms: ["4711".to_owned()].into(), ..PredictionFilter::default() };
    assert_eq!(indexes_for(filter).await, ["predictions_by_term"]);
}

#[tokio::test]
async fn a_list_of_an_old_span_of_time_is_read_by_the_primary_key() {
    let filter = PredictionFilter {
        from: Some(Timestamp::from_micros(FIRST)),
        to: Some(Timestamp::from_micros(FIRST + 20_000)),
        ..PredictionFilter::default()
    };
    assert_eq!(indexes_for(filter).await, ["predictions_pkey"]);
}

#[tokio::test]
async fn one_prediction_is_read_by_the_primary_key() {
    let store = PostgresHarness::start().await;
    let plan: Vec<String> = sqlx::query_scalar(
        "EXPLAIN SELECT text FROM predictions WHERE tenant = 'default' AND id = gen_random_uuid()",
    )
    .fetch_all(&mut store.database.connect().await)
    .await
    .unwrap();
    assert!(plan.join("\n").contains("predictions_pkey"), "{plan:?}");
    assert_eq!(
        store.predictions().find(&TenantId::default(), PredictionId::from_u128(1)).await.unwrap(),
        None
    );
}
