//! The walk in ascending order, from page to page, up to the newest row.

use std::collections::HashSet;

use application::ports::{PredictionFilter, WalkLimits, WalkPage, WalkRange};
use domain::entities::Prediction;
use domain::value_objects::{PredictionId, TenantId, Timestamp};

use crate::StoreHarness;
use crate::cases::filters::{conditions, matches, varied};
use crate::samples::{FIRST, Samples, text};
use crate::steps::{insert, try_delete};

/// Pages of `rows` rows that look at `read` rows, with texts of any length.
fn limits(rows: u32, read: u32) -> WalkLimits {
    WalkLimits { rows, bytes: u64::MAX, read }
}

async fn newest(store: &impl StoreHarness) -> Option<PredictionId> {
    store.predictions().newest(&TenantId::default()).await.expect("the id can be read")
}

async fn page(
    store: &impl StoreHarness,
    filter: &PredictionFilter,
    range: WalkRange,
    limits: WalkLimits,
) -> WalkPage {
    let page = store.predictions().walk(&TenantId::default(), filter, range, limits).await;
    page.expect("the rows can be read")
}

fn ids(page: &WalkPage) -> impl Iterator<Item = PredictionId> {
    page.items.iter().map(|record| record.prediction.id)
}

/// Every page up to the newest row, and how many there are.
async fn walk(
    store: &impl StoreHarness,
    filter: &PredictionFilter,
    limits: WalkLimits,
) -> (Vec<PredictionId>, usize) {
    let Some(last) = newest(store).await else { return (Vec::new(), 0) };
    let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let next = page(store, filter, WalkRange { after, last }, limits).await;
        pages += 1;
        assert!(next.items.len() <= limits.rows as usize);
        seen.extend(ids(&next));
        assert!(seen.is_sorted_by(|a, b| a < b), "the walk goes back");
        let Some(reached) = next.reached else { return (seen, pages) };
        assert!(after.is_none_or(|after| reached > after), "the walk makes no progress");
        assert!(seen.last().is_none_or(|last| *last <= reached), "the walk has gone further than it says");
        after = Some(reached);
    }
}

fn ids_ascending<'a>(predictions: impl IntoIterator<Item = &'a Prediction>) -> Vec<PredictionId> {
    let mut ids: Vec<_> = predictions.into_iter().map(Prediction::id).collect();
    ids.sort_unstable();
    ids
}

/// The newest id is the highest, whatever the order of insertion; an empty store has none.
pub async fn the_newest_id_is_the_highest(store: &impl StoreHarness) {
    assert_eq!(newest(store).await, None);
    let predictions = Samples::new().many(5);
    for place in [2, 4, 0] {
        insert(store, std::slice::from_ref(&predictions[place])).await;
    }
    assert_eq!(newest(store).await, Some(predictions[4].id()));
    try_delete(store, &[predictions[4].id()]).await.expect("the row is deleted");
    assert_eq!(newest(store).await, Some(predictions[2].id()));
    let range = WalkRange { after: None, last: PredictionId::from_u128(u128::MAX) };
    let all = page(store, &PredictionFilter::default(), range, limits(10, 10)).await;
    assert_eq!(ids(&all).collect::<Vec<_>>(), [predictions[0].id(), predictions[2].id()]);
    assert_eq!(all.reached, None);
}

/// Every filter alone, and every two together, select the rows of a walk, whatever the length of its pages.
pub async fn an_ascending_walk_selects_the_rows_of_its_filter(store: &impl StoreHarness) {
    let stored = varied();
    insert(store, &stored).await;
    let conditions = conditions();
    for (n, (field, first)) in conditions.iter().enumerate() {
        for (other, second) in &conditions[n..] {
            let mut filter = PredictionFilter::default();
            first(&mut filter);
            if field != other {
                second(&mut filter);
            }
            let expected = ids_ascending(stored.iter().filter(|row| matches(&filter, row)));
            for limits in [limits(5, 11), limits(1_000, 1_000)] {
                assert_eq!(walk(store, &filter, limits).await.0, expected, "{filter:?}");
            }
        }
    }
}

/// A walk returns every row that was committed before it began and not deleted, once, while rows are inserted and
/// deleted, and chases no row that was made after its beginning.
pub async fn an_ascending_walk_sees_every_row_once_while_rows_come_and_go(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let before = samples.many(300);
    insert(store, &before).await;
    let everything = PredictionFilter::default();
    let last = newest(store).await.expect("there are rows");
    let (mut seen, mut deleted, mut after) = (Vec::new(), HashSet::new(), None);
    loop {
        let next = page(store, &everything, WalkRange { after, last }, limits(20, 20)).await;
        assert!(ids(&next).all(|id| !deleted.contains(&id)), "a deleted row is returned");
        seen.extend(ids(&next));
        // Deletes a row that was returned and one that was not; inserts a newer one, and one as old as this page.
        let reached = next.reached.unwrap_or(last);
        let unseen = before.iter().map(Prediction::id).find(|id| *id > reached && !deleted.contains(id));
        for id in [seen.last().copied().filter(|id| !deleted.contains(id)), unseen].into_iter().flatten() {
            try_delete(store, &[id]).await.expect("the row is deleted");
            deleted.insert(id);
        }
        let late = samples.one_at(Timestamp::from_micros(FIRST + 1_337 * 150), |_| {});
        insert(store, &[samples.one(), late]).await;
        after = next.reached;
        if after.is_none() {
            break;
        }
    }
    assert!(seen.is_sorted_by(|a, b| a < b), "the walk goes back");
    assert!(seen.iter().all(|id| *id <= last), "the walk chases newer rows");
    let unique: HashSet<_> = seen.iter().copied().collect();
    let missed = before.iter().map(Prediction::id).filter(|id| !unique.contains(id) && !deleted.contains(id));
    assert_eq!(missed.count(), 0);
}

/// A walk passes rows that cannot be read, wherever they are: at the beginning, on whole pages, at the end.
pub async fn an_ascending_walk_passes_rows_that_cannot_be_read(store: &impl StoreHarness) {
    let predictions = Samples::new().many(30);
    insert(store, &predictions).await;
    let all = ids_ascending(&predictions);
    let spoiled: Vec<_> =
        [0..1, 7..16, 20..21, 29..30].into_iter().flatten().map(|place: usize| all[place]).collect();
    for id in &spoiled {
        store.spoil(*id).await;
    }
    let expected: Vec<_> = all.iter().copied().filter(|id| !spoiled.contains(id)).collect();
    for rows in [1, 2, 3, 7, 29, 30, 100] {
        let walked = walk(store, &PredictionFilter::default(), limits(rows, 100)).await;
        assert_eq!(walked.0, expected, "pages of {rows}");
    }
}

/// A page whose filter matches nothing, or little, looks at as many rows as allowed, and reports how far it has come.
pub async fn a_page_of_a_walk_looks_at_a_bounded_number_of_rows(store: &impl StoreHarness) {
    let mut predictions = Samples::new().many(95);
    let rare = Samples::starting_at(1_000).one_at(Timestamp::from_micros(FIRST + 1_337 * 95), |new| {
        new.text = text("a rare word");
    });
    predictions.push(rare.clone());
    insert(store, &predictions).await;
    let all = ids_ascending(&predictions);
    let last = all[95];
    for filter in [
        PredictionFilter { model: Some("unknown".to_owned()), ..PredictionFilter::default() },
        PredictionFilter { terms: ["unknown".to_owned()].into(), ..PredictionFilter::default() },
        PredictionFilter { terms: ["rare".to_owned()].into(), ..PredictionFilter::default() },
    ] {
        let first = page(store, &filter, WalkRange { after: None, last }, limits(10, 10)).await;
        assert_eq!((first.items.len(), first.reached), (0, Some(all[9])), "{filter:?}");
        let second = page(store, &filter, WalkRange { after: first.reached, last }, limits(10, 10)).await;
        assert_eq!((second.items.len(), second.reached), (0, Some(all[19])), "{filter:?}");
        let (found, pages) = walk(store, &filter, limits(10, 10)).await;
        assert_eq!(found.len(), usize::from(filter.terms.contains("rare")));
        assert_eq!(pages, 10, "{filter:?}");
    }
}

/// A page ends with the row at which its texts are large enough, and holds one row at least.
pub async fn a_page_of_a_walk_ends_when_its_texts_are_large(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let long = "word ".repeat(2_000);
    let predictions: Vec<_> = (0..20).map(|_| samples.one_with(|new| new.text = text(&long))).collect();
    insert(store, &predictions).await;
    let all = ids_ascending(&predictions);
    let range = WalkRange { after: None, last: all[19] };
    for (bytes, rows) in [(1, 1), (9_000, 1), (10_500, 2), (29_000, 3), (1_000_000, 20)] {
        let limits = WalkLimits { rows: 100, bytes, read: 100 };
        let first = page(store, &PredictionFilter::default(), range, limits).await;
        assert_eq!(ids(&first).collect::<Vec<_>>(), all[..rows], "{bytes} bytes");
        let reached = (rows < 20).then(|| all[rows - 1]);
        assert_eq!(first.reached, reached, "{bytes} bytes");
        assert_eq!(walk(store, &PredictionFilter::default(), limits).await.0, all);
    }
}
