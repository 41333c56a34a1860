use application::dtos::{Actor, DeletePredictionRequest, TimeLimit};
use application::errors::ApplicationError;
use application::use_cases::DeletePredictionUseCase;
use domain::value_objects::{Dimensions, PredictionId, TenantId};
use futures_util::FutureExt;

use crate::world::{World, failure};

async fn delete(world: &World, tenant: TenantId, id: PredictionId) -> Result<(), ApplicationError> {
    let use_case = DeletePredictionUseCase::new(
        world.read(),
        world.read(),
        Dimensions::default(),
        world.clock.clone(),
        world.ids.clone(),
    );
    use_case
        .execute(DeletePredictionRequest {
            tenant,
            id,
            actor: Actor::command_line("ann"),
            time_limit: TimeLimit::Unlimited,
            traceparent: None,
        })
        .await
}

#[tokio::test]
async fn a_deleted_prediction_is_gone_and_its_deletion_is_an_event() {
    let world = World::new();
    let answer = world.predict("good").await;
    let other = world.predict("bad").await;
    delete(&world, TenantId::default(), answer.id).await.unwrap();

    let stored = world.store.stored(&TenantId::default());
    assert!(stored.iter().map(|record| record.prediction.id).eq([other.id]));
    let events = world.store.events();
    let (last, _) = events.last().unwrap();
    assert_eq!((last.event_type.as_str(), last.prediction_id), ("PredictionDeleted", Some(answer.id)));
    assert_eq!(events.len(), 3);
    assert_eq!(last.facts, events[0].0.facts, "consumers can subtract what they added");
    assert!(last.facts.is_some());
}

#[tokio::test]
async fn the_second_deletion_is_not_found_and_raises_no_event() {
    let world = World::new();
    let answer = world.predict("good").await;
    delete(&world, TenantId::default(), answer.id).await.unwrap();
    assert_eq!(failure(&delete(&world, TenantId::default(), answer.id).await), ("not_found", ""));
    assert_eq!(world.store.events().len(), 2);
}

#[tokio::test]
async fn another_tenants_prediction_cannot_be_deleted() {
    let world = World::new();
    let answer = world.predict("good").await;
    let outcome = delete(&world, TenantId::parse("ann").unwrap(), answer.id).await;
    assert_eq!(failure(&outcome), ("not_found", ""));
    assert_eq!(world.store.stored(&TenantId::default()).len(), 1);
}

#[tokio::test]
async fn an_unavailable_store_deletes_nothing() {
    let world = World::new();
    let answer = world.predict("good").await;
    world.store.fail_with("the connection broke");
    assert_eq!(failure(&delete(&world, TenantId::default(), answer.id).await), ("unavailable", "store"));
    world.store.recover();
    assert_eq!(world.store.stored(&TenantId::default()).len(), 1);
}

#[tokio::test]
async fn a_call_dropped_before_the_commit_deletes_nothing() {
    let world = World::new();
    let answer = world.predict("good").await;
    let mut call = Box::pin(delete(&world, TenantId::default(), answer.id));
    assert!(call.as_mut().now_or_never().is_none());
    drop(call);
    assert_eq!(world.store.stored(&TenantId::default()).len(), 1);
    assert_eq!(world.store.events().len(), 1);
}
