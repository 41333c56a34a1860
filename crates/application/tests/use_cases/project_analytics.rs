//! The projector counts every prediction exactly once, whatever happens between its calls.

mod brute_force;
mod interrupted_store;
mod scene;

use std::time::Duration;

use application::dtos::SinkPass;
use application::ports::{Clock, RollupRepository};
use domain::value_objects::{Bucket, Dimensions, TenantId};
use proptest::prelude::*;

use self::brute_force::expected;
use self::scene::{Act, Scene, act};

/// The scene after all that happened was counted; fails unless the rollups are those of the predictions.
async fn settle_and_check(scene: &Scene) {
    scene.settle().await;
    assert_eq!(scene.store.rollups(), expected(scene));
}

#[tokio::test]
async fn predictions_and_deletions_are_counted() {
    let scene = Scene::new();
    scene.pass(0).await;
    scene.perform(&Act::Insert { tenant: 0, minutes: 0, values: 0..3, facts: true }).await;
    scene.perform(&Act::Sequence(100)).await;
    let passed = scene.pass(0).await;
    assert_eq!(passed, SinkPass { leads: true, passed: 3, more: false, failed: false });
    let all = |rollups: Vec<(_, domain::value_objects::Rollup)>| -> i64 {
        rollups.iter().map(|(_, rollup)| rollup.predictions).sum()
    };
    // Each prediction counts once among all, and once for each of two dimensions.
    assert_eq!(all(scene.store.rollups()), 9);
    scene.perform(&Act::Delete { nth: 1, facts: true }).await;
    scene.perform(&Act::Sequence(100)).await;
    scene.pass(0).await;
    assert_eq!(all(scene.store.rollups()), 6);
    settle_and_check(&scene).await;
}

#[tokio::test]
async fn the_first_run_counts_the_stored_predictions() {
    let scene = Scene::new();
    for hours in 0..50 {
        scene.perform(&Act::Insert { tenant: 0, minutes: -60 * hours, values: 0..2, facts: true }).await;
    }
    scene.perform(&Act::Sequence(1_000)).await;
    scene.purge().await;
    assert!(scene.pass(0).await.more);
    assert_eq!(scene.store.outdated(9).await.unwrap().len(), 1);
    settle_and_check(&scene).await;
}

#[tokio::test]
async fn a_range_of_years_with_few_predictions_takes_few_passes() {
    let scene = Scene::new();
    scene.perform(&Act::Insert { tenant: 0, minutes: -10 * 365 * 24 * 60, values: 0..1, facts: true }).await;
    scene.perform(&Act::Insert { tenant: 0, minutes: 0, values: 0..1, facts: true }).await;
    scene.perform(&Act::Sequence(10)).await;
    let mut passes = 1;
    while scene.pass(0).await.more {
        passes += 1;
    }
    assert_eq!(passes, 4, "the first one restarts, two count, and one finds nothing");
    settle_and_check(&scene).await;
}

#[tokio::test]
async fn more_than_two_hundred_values_of_a_day_are_counted_together() {
    let scene = Scene::new();
    scene.pass(0).await;
    scene.perform(&Act::Insert { tenant: 0, minutes: 0, values: 0..230, facts: true }).await;
    scene.perform(&Act::Sequence(1_000)).await;
    scene.pass(0).await;
    let others = |scene: &Scene| -> i64 {
        let is_other = |value: &domain::value_objects::DimensionValue| value.value == Dimensions::OTHER;
        let rollups = scene.store.rollups().into_iter();
        let others = rollups.filter(|(key, _)| key.dimension.as_ref().is_some_and(is_other));
        others.map(|(_, rollup)| rollup.predictions).sum()
    };
    assert_eq!(others(&scene), 30);
    // A restarted replica knows which values were admitted.
    scene.restart(0);
    for nth in [229, 3] {
        scene.perform(&Act::Delete { nth, facts: true }).await;
    }
    scene.perform(&Act::Sequence(1_000)).await;
    scene.pass(0).await;
    assert_eq!(others(&scene), 29);
    settle_and_check(&scene).await;
}

#[tokio::test]
async fn events_without_facts_have_their_buckets_counted_again() {
    let scene = Scene::new();
    scene.pass(0).await;
    scene.perform(&Act::Insert { tenant: 0, minutes: -40, values: 0..2, facts: false }).await;
    scene.perform(&Act::Sequence(10)).await;
    scene.pass(0).await;
    assert_eq!(scene.store.rollups(), expected(&scene));
    scene.perform(&Act::Delete { nth: 0, facts: false }).await;
    scene.perform(&Act::Sequence(10)).await;
    scene.pass(0).await;
    assert_eq!(scene.store.rollups(), expected(&scene));
    assert_eq!(scene.store.outdated(9).await.unwrap(), []);
}

#[tokio::test]
async fn a_bucket_that_is_not_over_is_counted_again_twice_a_minute() {
    let scene = Scene::new();
    scene.pass(0).await;
    let mut counted = 0;
    for second in 0..60 {
        scene.perform(&Act::Insert { tenant: 0, minutes: 0, values: 0..1, facts: false }).await;
        scene.perform(&Act::Sequence(10)).await;
        scene.pass(0).await;
        counted += usize::from(scene.store.outdated(9).await.unwrap().is_empty());
        assert!(counted <= 1 + second / 30);
        scene.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(counted, 2);
    let ends = Bucket::containing(scene.clock.now()).end();
    scene.clock.advance(ends.since(scene.clock.now()));
    scene.pass(0).await;
    assert_eq!(scene.store.outdated(9).await.unwrap(), []);
    settle_and_check(&scene).await;
}

#[tokio::test]
async fn one_of_two_replicas_counts() {
    let scene = Scene::new();
    assert!(scene.pass(0).await.leads);
    scene.perform(&Act::Insert { tenant: 0, minutes: 0, values: 0..3, facts: true }).await;
    scene.perform(&Act::Sequence(10)).await;
    assert_eq!(scene.pass(1).await, SinkPass::FOLLOWER);
    scene.clock.advance(Duration::from_secs(11));
    assert_eq!(scene.pass(1).await.passed, 3);
    assert_eq!(scene.pass(0).await, SinkPass::FOLLOWER);
    settle_and_check(&scene).await;
}

#[tokio::test]
async fn a_pass_reads_a_bounded_number_of_events() {
    let scene = Scene::new();
    scene.pass(0).await;
    for _ in 0..6 {
        scene.perform(&Act::Insert { tenant: 0, minutes: 0, values: 0..200, facts: true }).await;
    }
    scene.perform(&Act::Sequence(2_000)).await;
    assert_eq!(scene.pass(0).await, SinkPass { leads: true, passed: 1_000, more: true, failed: false });
    assert_eq!(scene.pass(0).await, SinkPass { leads: true, passed: 200, more: false, failed: false });
    settle_and_check(&scene).await;
}

#[tokio::test]
async fn purged_events_have_every_history_counted_again() {
    let scene = Scene::new();
    scene.pass(0).await;
    for tenant in 0..2 {
        scene.perform(&Act::Insert { tenant, minutes: -30, values: 0..5, facts: true }).await;
    }
    scene.perform(&Act::Sequence(100)).await;
    scene.purge().await;
    assert!(scene.pass(0).await.more);
    let outdated = scene.store.outdated(9).await.unwrap();
    let tenants: Vec<TenantId> = outdated.into_iter().map(|range| range.tenant).collect();
    assert_eq!(tenants.len(), 2);
    settle_and_check(&scene).await;
}

#[tokio::test]
async fn a_deletion_that_is_sequenced_after_a_restart_is_counted_with_its_creation() {
    let scene = Scene::new();
    scene.pass(0).await;
    scene.perform(&Act::Insert { tenant: 0, minutes: 0, values: 0..1, facts: true }).await;
    scene.perform(&Act::Sequence(1)).await;
    scene.purge().await;
    scene.perform(&Act::Delete { nth: 0, facts: true }).await;
    assert!(scene.pass(0).await.more, "its creation was purged uncounted");
    settle_and_check(&scene).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn rollups_are_exact_after_any_interleaving(acts in prop::collection::vec(act(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let scene = Scene::new();
            for act in &acts {
                scene.perform(act).await;
            }
            settle_and_check(&scene).await;
        });
    }
}
