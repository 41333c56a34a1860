//! Migrating the schema up and down, for stores that have one.

use std::sync::Arc;

use application::ports::{PredictionFilter, SchemaError, SchemaMigrator, StepState};

use crate::SchemaHarness;
use crate::samples::Samples;
use crate::steps::{events, find, insert, list_ids};

async fn applied(migrator: &dyn SchemaMigrator) -> Vec<bool> {
    let steps = migrator.status().await.expect("the steps can be read");
    steps.iter().map(|step| step.state == StepState::Applied).collect()
}

/// An up-to-date store stays as it is, with its rows.
pub async fn migrating_twice_changes_nothing(store: &impl SchemaHarness) {
    let migrator = store.migrator();
    let prediction = Samples::new().one();
    insert(store, std::slice::from_ref(&prediction)).await;
    assert_eq!(migrator.up().await.expect("the steps are applied"), 0);
    assert_eq!(find(store, prediction.id()).await, Some((&prediction).into()));
}

/// The steps are listed in order, each with a name.
pub async fn the_steps_of_the_schema_are_listed_in_order(store: &impl SchemaHarness) {
    let migrator = store.migrator();
    let steps = migrator.status().await.expect("the steps can be read");
    assert!(!steps.is_empty());
    assert!(steps.is_sorted_by(|a, b| a.version < b.version));
    assert!(
        steps.iter().all(|step| step.state == StepState::Applied && !step.description.is_empty()),
        "{steps:?}"
    );
}

/// A step can be reverted and applied again.
pub async fn the_last_step_can_be_reverted(store: &impl SchemaHarness) {
    let migrator = store.migrator();
    let mut expected = applied(&*migrator).await;
    assert_eq!(migrator.down(1).await.expect("the step is reverted"), 1);
    *expected.last_mut().expect("there are steps") = false;
    assert_eq!(applied(&*migrator).await, expected);
    assert_eq!(migrator.up().await.expect("the step is applied"), 1);
    assert!(applied(&*migrator).await.iter().all(|applied| *applied));
}

/// Every step can be reverted, with its rows; migrating up again leads to an empty store that works.
pub async fn all_the_way_down_and_up_again_leads_to_an_empty_store(store: &impl SchemaHarness) {
    let migrator = store.migrator();
    let mut samples = Samples::new();
    insert(store, &samples.many(3)).await;
    let steps = applied(&*migrator).await.len();
    assert_eq!(migrator.down(steps + 5).await.expect("the steps are reverted"), steps);
    assert!(applied(&*migrator).await.iter().all(|applied| !applied));
    assert_eq!(migrator.down(1).await.expect("there is nothing to revert"), 0);

    assert_eq!(migrator.up().await.expect("the steps are applied"), steps);
    assert!(list_ids(store, &PredictionFilter::default()).await.is_empty());
    assert!(events(store).await.is_empty());
    let prediction = samples.one();
    insert(store, std::slice::from_ref(&prediction)).await;
    assert_eq!(find(store, prediction.id()).await, Some((&prediction).into()));
}

/// Several processes may migrate an empty store at the same time.
pub async fn many_may_migrate_at_once(store: &impl SchemaHarness) {
    let migrator = store.migrator();
    let steps = applied(&*migrator).await.len();
    migrator.down(steps).await.expect("the steps are reverted");
    let ups: Vec<_> = (0..4)
        .map(|_| {
            let migrator = Arc::clone(&migrator);
            tokio::spawn(async move { migrator.up().await })
        })
        .collect();
    for up in ups {
        up.await.expect("nothing panics").expect("the steps are applied");
    }
    assert!(applied(&*migrator).await.iter().all(|applied| *applied));
}

/// A step that a newer release applied is listed as unknown, and migrating up ignores it.
pub async fn an_unknown_step_is_listed_and_left_alone(store: &impl SchemaHarness) {
    let migrator = store.migrator();
    let before = migrator.status().await.expect("the steps can be read");
    store.add_unknown_step(9_999).await;
    let steps = migrator.status().await.expect("the steps can be read");
    assert_eq!(steps[..before.len()], before);
    assert_eq!(steps.len(), before.len() + 1);
    let unknown = steps.last().expect("there are steps");
    assert_eq!((unknown.version, unknown.state), (9_999, StepState::Unknown));
    assert_eq!(unknown.description, "a newer step");
    assert_eq!(migrator.up().await.expect("nothing is missing"), 0);
    assert_eq!(migrator.status().await.expect("the steps can be read"), steps);
}

/// Steps on which a newer release's step may build are not reverted.
pub async fn no_step_below_an_unknown_one_is_reverted(store: &impl SchemaHarness) {
    let migrator = store.migrator();
    let prediction = Samples::new().one();
    insert(store, std::slice::from_ref(&prediction)).await;
    store.add_unknown_step(9_999).await;
    let before = migrator.status().await.expect("the steps can be read");
    for count in [1, 2, 100] {
        let refused = migrator.down(count).await;
        assert!(matches!(refused, Err(SchemaError::NewerStep { version: 9_999, .. })), "{refused:?}");
    }
    assert_eq!(migrator.down(0).await.expect("there is nothing to revert"), 0);
    assert_eq!(migrator.status().await.expect("the steps can be read"), before);
    assert_eq!(find(store, prediction.id()).await, Some((&prediction).into()));
}

/// An unknown step below the reverted ones does not prevent that.
pub async fn a_step_above_an_unknown_one_is_reverted(store: &impl SchemaHarness) {
    let migrator = store.migrator();
    store.add_unknown_step(0).await;
    assert_eq!(migrator.down(1).await.expect("the step is reverted"), 1);
    assert_eq!(migrator.up().await.expect("the step is applied"), 1);
}
