use application::dtos::{GetPredictionRequest, PredictionRecord};
use application::errors::ApplicationError;
use application::use_cases::GetPredictionUseCase;
use domain::value_objects::{PredictionId, TenantId};

use crate::world::{World, failure};

async fn get(world: &World, id: PredictionId) -> Result<PredictionRecord, ApplicationError> {
    let request = GetPredictionRequest { tenant: TenantId::default(), id };
    GetPredictionUseCase::new(world.read()).execute(request).await
}

#[tokio::test]
async fn a_prediction_is_read_as_it_was_returned_with_its_text() {
    let world = World::new();
    let answer = world.predict("I love it").await;
    let found = get(&world, answer.id).await.unwrap();
    assert_eq!((found.prediction, found.text.as_deref()), (answer, Some("I love it")));
}

#[tokio::test]
async fn an_unknown_id_is_not_found_and_named() {
    let world = World::new();
    let missing = get(&world, PredictionId::from_u128(1)).await;
    assert_eq!(failure(&missing), ("not_found", ""));
    let words = missing.unwrap_err().to_string();
    assert_eq!(words, "there is no prediction 00000000-0000-0000-0000-000000000001");
}

#[tokio::test]
async fn another_tenants_prediction_is_not_found() {
    let world = World::new();
    let answer = world.predict("good").await;
    let request = GetPredictionRequest { tenant: TenantId::parse("ann").unwrap(), id: answer.id };
    let missing = GetPredictionUseCase::new(world.read()).execute(request).await;
    assert_eq!(failure(&missing), ("not_found", ""));
}

#[tokio::test]
async fn an_unavailable_store_and_a_corrupt_row_differ_from_a_missing_prediction() {
    let world = World::new();
    let answer = world.predict("good").await;
    world.store.fail_with("the connection broke");
    assert_eq!(failure(&get(&world, answer.id).await), ("unavailable", "store"));
    world.store.recover();
    world.store.corrupt(&TenantId::default(), answer.id);
    assert_eq!(failure(&get(&world, answer.id).await), ("corrupt", ""));
}
