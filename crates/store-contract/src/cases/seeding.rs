//! A store that was filled in bulk is like any other.

use std::collections::BTreeSet;

use application::ports::PredictionFilter;
use domain::value_objects::{PredictionId, Sentiment, Timestamp};

use crate::StoreHarness;
use crate::cases::listing::walk;
use crate::samples::FIRST;
use crate::seed::{Seed, fill};
use crate::steps::{events, list, list_ids, query};

const ROWS: u64 = 1_500;
const DAYS: u32 = 90;

async fn filled(store: &impl StoreHarness) {
    let seed = Seed { rows: ROWS, days: DAYS, until: Timestamp::from_micros(FIRST), start: 1 };
    let mut committed = Vec::new();
    fill(&store.writes(), &seed, |rows| committed.push(rows)).await.expect("the rows are committed");
    assert_eq!(committed, [1_000, ROWS]);
}

/// A walk returns every row once; ids and times agree, and the times span the days.
pub async fn every_row_of_a_filled_store_is_walked(store: &impl StoreHarness) {
    filled(store).await;
    let everything = PredictionFilter::default();
    let walked = walk(store, &everything, 100).await;
    assert_eq!(walked.iter().collect::<BTreeSet<_>>().len() as u64, ROWS);
    let rows = list(store, &everything).await;
    assert_eq!(rows.iter().map(|row| row.prediction.id).collect::<Vec<_>>(), walked);
    for row in &rows {
        let (id, made) = (row.prediction.id.as_u128(), row.prediction.created_at);
        assert_eq!(id >> 80, PredictionId::lowest_at(made).as_u128() >> 80);
        assert_eq!((id >> 76 & 0xf, id >> 62 & 0b11), (7, 2), "a UUID of version 7");
    }
    let times = rows.iter().map(|row| row.prediction.created_at.as_micros());
    let (oldest, newest) = (times.clone().min().unwrap(), times.max().unwrap());
    let day = 86_400_000_000;
    assert!(newest < FIRST && newest > FIRST - day && oldest >= FIRST - day * i64::from(DAYS));
    assert!(oldest < FIRST - day * i64::from(DAYS - 1));
}

/// Every text is found by its own number, common words find many, and every sentiment occurs.
pub async fn the_texts_of_a_filled_store_are_found(store: &impl StoreHarness) {
    filled(store).await;
    for row in [0, 1, 999, 1_000, ROWS - 1] {
        let found = list(store, &query(&format!("ticket {row}"))).await;
        let text = format!("Ticket {row}.");
        assert!(found[0].text.as_ref().is_some_and(|found| found.ends_with(&text)), "{found:?}");
        assert_eq!(found.len(), 1);
    }
    assert_eq!(list_ids(store, &query("ticket")).await.len() as u64, ROWS);
    assert!(list_ids(store, &query("phone")).await.len() > 100);
    for sentiment in Sentiment::ALL {
        let filter = PredictionFilter { sentiment: Some(sentiment), ..PredictionFilter::default() };
        assert!(!list_ids(store, &filter).await.is_empty(), "{sentiment}");
    }
}

/// Seeded rows have no events.
pub async fn a_filled_store_has_nothing_to_publish(store: &impl StoreHarness) {
    filled(store).await;
    assert!(events(store).await.is_empty());
}
