//! Pages, ids descending, and the walk from page to page.

use std::collections::{BTreeSet, HashSet};

use application::ports::{PredictionFilter, StoreError, UnitOfWork};
use domain::entities::Prediction;
use domain::value_objects::{PredictionId, TenantId, Timestamp};

use crate::StoreHarness;
use crate::samples::{FIRST, Samples};
use crate::steps::{ids_descending, insert, list_ids, query, try_delete};

/// One page below `after`.
async fn page(
    store: &impl StoreHarness,
    filter: &PredictionFilter,
    after: Option<PredictionId>,
    limit: u32,
) -> Vec<PredictionId> {
    let records = store.predictions().list(&TenantId::default(), filter, after, limit).await;
    records.expect("the rows can be read").items.iter().map(|record| record.prediction.id).collect()
}

/// Every page of `limit`, to the end.
pub(super) async fn walk(
    store: &impl StoreHarness,
    filter: &PredictionFilter,
    limit: u32,
) -> Vec<PredictionId> {
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let next = store.predictions().list(&TenantId::default(), filter, after, limit).await;
        let next = next.expect("the rows can be read");
        assert!(next.items.len() <= limit as usize);
        seen.extend(next.items.iter().map(|record| record.prediction.id));
        assert!(seen.is_sorted_by(|a, b| a > b), "the walk goes back");
        let Some(end) = next.end else { return seen };
        assert!(after.is_none_or(|after| end < after), "the walk makes no progress");
        after = Some(end);
    }
}

/// An empty store lists nothing.
pub async fn an_empty_store_lists_nothing(store: &impl StoreHarness) {
    assert!(list_ids(store, &PredictionFilter::default()).await.is_empty());
    assert!(page(store, &query("anything"), Some(PredictionId::from_u128(u128::MAX)), 10).await.is_empty());
}

/// Pages are ordered by id, whatever the order of insertion.
pub async fn pages_are_ordered_by_id_descending(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let mut predictions = samples.many(40);
    let expected = ids_descending(&predictions);
    // A fixed order that is neither ascending nor descending: 7 and 40 have no common divisor.
    for turn in 0..40 {
        predictions.swap(turn, turn * 7 % 40);
    }
    for prediction in &predictions {
        insert(store, std::slice::from_ref(prediction)).await;
    }
    assert_eq!(list_ids(store, &PredictionFilter::default()).await, expected);
}

/// Ids are compared as unsigned 128-bit numbers.
pub async fn ids_are_compared_by_all_their_bits(store: &impl StoreHarness) {
    let high = [0, 1, 0x7f << 120, 0x80 << 120, 0xff << 120];
    let low = [0, 1, 0x7f, 0x80, 1 << 63, u128::from(u64::MAX)];
    let bits: BTreeSet<u128> = high.iter().flat_map(|high| low.iter().map(move |low| high | low)).collect();
    let mut samples = Samples::new();
    let predictions: Vec<_> =
        bits.iter().map(|bits| samples.one_with(|new| new.id = PredictionId::from_u128(*bits))).collect();
    insert(store, &predictions).await;
    assert_eq!(walk(store, &PredictionFilter::default(), 1).await, ids_descending(&predictions));
}

/// No page is longer than its limit, and only the last one is shorter.
pub async fn a_page_has_at_most_its_limit(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let predictions = samples.many(12);
    insert(store, &predictions).await;
    let expected = ids_descending(&predictions);
    for limit in [1, 2, 11, 12, 13, 101] {
        let first = page(store, &PredictionFilter::default(), None, limit).await;
        assert_eq!(first, expected[..12.min(limit as usize)]);
    }
}

/// A page begins below the given row, whether that row still exists or not.
pub async fn a_page_begins_below_the_last_row(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let predictions = samples.many(10);
    insert(store, &predictions).await;
    let expected = ids_descending(&predictions);
    let everything = PredictionFilter::default();
    assert_eq!(page(store, &everything, Some(expected[3]), 100).await, expected[4..]);
    try_delete(store, &[expected[3]]).await.expect("the row is deleted");
    assert_eq!(page(store, &everything, Some(expected[3]), 100).await, expected[4..]);
    assert_eq!(page(store, &everything, Some(expected[9]), 100).await, []);
    assert_eq!(page(store, &everything, Some(PredictionId::from_u128(u128::MAX)), 2).await, expected[..2]);
}

/// A walk returns every row that was committed before it began and not deleted, once, while rows are inserted and
/// deleted.
pub async fn a_walk_sees_every_row_once_while_rows_come_and_go(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let before = samples.many(300);
    insert(store, &before).await;
    let everything = PredictionFilter::default();

    let mut seen: Vec<PredictionId> = Vec::new();
    let mut deleted = HashSet::new();
    loop {
        let next = page(store, &everything, seen.last().copied(), 20).await;
        if next.is_empty() {
            break;
        }
        for id in &next {
            assert!(!deleted.contains(id), "a deleted row is listed");
        }
        seen.extend(next);
        assert!(seen.is_sorted_by(|a, b| a > b), "the walk goes back");
        // Deletes a row that was returned and one that was not; inserts newer ones, and one as old as the current page.
        let last = *seen.last().unwrap();
        let unseen = before.iter().rev().map(Prediction::id).find(|id| *id < last && !deleted.contains(id));
        for id in [Some(last), unseen].into_iter().flatten() {
            try_delete(store, &[id]).await.expect("the row is deleted");
            deleted.insert(id);
        }
        let late = samples.one_at(Timestamp::from_micros(FIRST + 1_337 * 150), |_| {});
        insert(store, &[samples.one(), late]).await;
    }

    let unique: HashSet<_> = seen.iter().copied().collect();
    assert_eq!(unique.len(), seen.len(), "a row is listed twice");
    let missed = before.iter().map(Prediction::id).filter(|id| !unique.contains(id) && !deleted.contains(id));
    assert_eq!(missed.count(), 0);
}

/// The same while another task writes continuously.
pub async fn a_walk_sees_every_row_once_beside_concurrent_writes(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let before = samples.many(500);
    insert(store, &before).await;
    let writes = store.writes();
    let task = tokio::spawn(async move {
        for _ in 0..60 {
            let prediction = samples.one();
            let mut work = UnitOfWork::of(&TenantId::default());
            work.insert(&prediction);
            writes.commit(work).await.expect("the set is committed");
        }
    });
    for _ in 0..3 {
        let seen = walk(store, &PredictionFilter::default(), 50).await;
        let unique: HashSet<_> = seen.iter().copied().collect();
        assert_eq!(unique.len(), seen.len(), "a row is listed twice");
        assert!(before.iter().all(|prediction| unique.contains(&prediction.id())), "a row is missed");
    }
    task.await.expect("the writer does not panic");
}

/// 10,000 rows, a hundred at a time, with and without a filter.
pub async fn ten_thousand_rows_are_paged_through(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let predictions = samples.many(10_000);
    for set in predictions.chunks(1_000) {
        insert(store, set).await;
    }
    let expected = ids_descending(&predictions);
    assert_eq!(walk(store, &PredictionFilter::default(), 100).await, expected);

    let sentiment = predictions[0].result().sentiment();
    let some = predictions.iter().filter(|prediction| prediction.result().sentiment() == sentiment);
    let filter = PredictionFilter { sentiment, ..PredictionFilter::default() };
    assert_eq!(walk(store, &filter, 100).await, ids_descending(some));
}

/// A list leaves out a row that cannot be read, such as one with a value of a newer release; by its id it is reported
/// as corrupt.
pub async fn a_row_that_cannot_be_read_is_left_out_of_lists(store: &impl StoreHarness) {
    let predictions = Samples::new().many(10);
    insert(store, &predictions).await;
    let ids = ids_descending(&predictions);
    store.spoil(ids[3]).await;
    let (tenant, everything) = (TenantId::default(), PredictionFilter::default());
    assert_eq!(list_ids(store, &everything).await, [&ids[..3], &ids[4..]].concat());
    let spoiled = store.predictions().find(&tenant, ids[3]).await;
    assert!(
        matches!(&spoiled, Err(StoreError::Corrupt { table: "predictions", id, .. }) if *id == ids[3].to_string())
    );
    assert!(store.predictions().find(&tenant, ids[4]).await.expect("the row can be read").is_some());
    let page = store.predictions().list(&tenant, &everything, None, 4).await.expect("the rows can be read");
    assert_eq!((page.items.len(), page.end), (3, Some(ids[3])));
    try_delete(store, &[ids[3]]).await.expect("the row is deleted");
}

/// A walk returns every other row once, and ends, wherever unreadable rows are: at the beginning, on whole pages, at
/// the end.
pub async fn a_walk_passes_rows_that_cannot_be_read(store: &impl StoreHarness) {
    let predictions = Samples::new().many(30);
    insert(store, &predictions).await;
    let ids = ids_descending(&predictions);
    let spoiled: Vec<_> =
        [0..1, 7..16, 20..21, 29..30].into_iter().flatten().map(|place| ids[place]).collect();
    for id in &spoiled {
        store.spoil(*id).await;
    }
    let expected: Vec<_> = ids.iter().copied().filter(|id| !spoiled.contains(id)).collect();
    for limit in [1, 2, 3, 7, 29, 30, 100] {
        assert_eq!(walk(store, &PredictionFilter::default(), limit).await, expected, "pages of {limit}");
    }
    store.spoil(ids[28]).await;
    assert_eq!(walk(store, &PredictionFilter::default(), 28).await, expected[..expected.len() - 1]);
}

/// Of many predictions that are read by their ids the one that cannot be read fails alone.
pub async fn a_row_that_cannot_be_read_fails_alone_among_many(store: &impl StoreHarness) {
    let predictions = Samples::new().many(10);
    insert(store, &predictions).await;
    let ids: Vec<_> = predictions.iter().map(Prediction::id).collect();
    store.spoil(ids[3]).await;
    let found = store.predictions().find_many(&TenantId::default(), &ids).await;
    let found = found.expect("the other rows can be read");
    for (place, (found, prediction)) in found.iter().zip(&predictions).enumerate() {
        match found {
            Err(StoreError::Corrupt { table: "predictions", id, .. }) => {
                assert_eq!((place, id), (3, &ids[3].to_string()));
            }
            found => assert_eq!(found.as_ref().ok(), Some(&Some(prediction.into())), "{place}"),
        }
    }
    assert_eq!(found.len(), ids.len());
}
