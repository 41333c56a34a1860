use application::use_cases::ListModelsUseCase;

use crate::world::World;

#[tokio::test]
async fn the_models_are_those_of_the_gateway() {
    let world = World::new();
    let models = ListModelsUseCase::new(world.catalog()).execute().await.unwrap();
    assert_eq!(models.len(), 1);
    assert_eq!((models[0].info.model.name(), models[0].info.device.as_str()), ("fake-model", "fake"));
    assert_eq!(models[0].info.labels.labels().len(), 3);
}
