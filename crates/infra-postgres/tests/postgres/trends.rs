//! Sums of rollups.

use store_contract::StoreHarness;
use store_contract::trends::{fill, groups_are_equal, rollups, series_are_equal};
use testkit::MemoryRollups;

use crate::harness::PostgresHarness;

#[tokio::test]
async fn series_and_groups_equal_those_of_memory() {
    let (harness, memory) = (PostgresHarness::start().await, MemoryRollups::of(rollups()));
    fill(&harness, rollups()).await;
    let trends = harness.store.trends();
    series_are_equal(trends.as_ref(), &memory).await;
    groups_are_equal(trends.as_ref(), &memory).await;
}
