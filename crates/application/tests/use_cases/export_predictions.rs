use application::dtos::ExportPredictionsRequest;
use application::ports::{PredictionFilter, UnitOfWork, WriteStore};
use application::use_cases::{ExportPredictionsUseCase, PredictionExport};
use domain::policies::parse_query;
use domain::value_objects::{PredictionId, TenantId};

use crate::world::{World, failure};

async fn begin(world: &World, filter: PredictionFilter) -> PredictionExport {
    let request = ExportPredictionsRequest { tenant: TenantId::default(), filter };
    let use_case = ExportPredictionsUseCase::new(world.read(), world.clock.clone());
    use_case.execute(request).await.unwrap_or_else(|error| panic!("{error}"))
}

/// The ids of the next page; none at the end.
async fn page(export: &mut PredictionExport) -> Option<Vec<PredictionId>> {
    let page = export.next_page().await.unwrap()?;
    Some(page.iter().map(|record| record.prediction.id).collect())
}

/// Stores `count` predictions and returns their ids, oldest first.
async fn predict_many(world: &World, count: usize) -> Vec<PredictionId> {
    let mut ids = Vec::new();
    for n in 0..count {
        let text = ["I love it", "I hate it", "so so"][n % 3];
        ids.push(world.predict(text).await.id);
    }
    ids
}

async fn delete(world: &World, id: PredictionId) {
    let mut work = UnitOfWork::of(&TenantId::default());
    work.delete(id);
    world.store.commit(work).await.unwrap();
}

#[tokio::test]
async fn an_empty_history_has_no_page() {
    let world = World::new();
    assert_eq!(page(&mut begin(&world, PredictionFilter::default()).await).await, None);
}

#[tokio::test]
async fn pages_are_bounded_and_hold_every_prediction_once() {
    let world = World::new();
    let expected = predict_many(&world, 2_500).await;
    let mut export = begin(&world, PredictionFilter::default()).await;
    assert_eq!(page(&mut export).await.as_deref(), Some(&expected[..2_000]));
    assert_eq!(page(&mut export).await.as_deref(), Some(&expected[2_000..]));
    assert_eq!(page(&mut export).await, None);
    assert_eq!(page(&mut export).await, None);
}

#[tokio::test]
async fn what_is_stored_after_the_beginning_is_not_chased_and_what_is_deleted_is_absent() {
    let world = World::new();
    let before = predict_many(&world, 2_100).await;
    let mut export = begin(&world, PredictionFilter::default()).await;
    predict_many(&world, 10).await;
    delete(&world, before[2_050]).await;
    assert_eq!(page(&mut export).await.unwrap().len(), 2_000);
    delete(&world, before[0]).await;
    let expected: Vec<_> = [&before[2_000..2_050], &before[2_051..]].concat();
    assert_eq!(page(&mut export).await, Some(expected));
    assert_eq!(page(&mut export).await, None);
}

#[tokio::test]
async fn a_failed_page_can_be_requested_again() {
    let world = World::new();
    let expected = predict_many(&world, 2_100).await;
    let mut export = begin(&world, PredictionFilter::default()).await;
    assert_eq!(page(&mut export).await.unwrap().len(), 2_000);
    world.store.fail_with("the connection broke");
    assert_eq!(failure(&export.next_page().await), ("unavailable", "store"));
    world.store.recover();
    assert_eq!(page(&mut export).await.as_deref(), Some(&expected[2_000..]));
}

#[tokio::test]
async fn the_filter_holds_on_every_page_and_unreadable_rows_are_left_out() {
    let world = World::new();
    let all = predict_many(&world, 60).await;
    world.store.corrupt(&TenantId::default(), all[4]);
    let filter = PredictionFilter { terms: parse_query("HATE").unwrap(), ..PredictionFilter::default() };
    let mut export = begin(&world, filter).await;
    let expected: Vec<_> = all.iter().skip(1).step_by(3).filter(|id| **id != all[4]).copied().collect();
    assert_eq!(page(&mut export).await, Some(expected));
    assert_eq!(page(&mut export).await, None);
}

#[tokio::test]
async fn an_unavailable_store_is_reported_at_the_beginning() {
    let world = World::new();
    world.store.fail_with("the connection broke");
    let request =
        ExportPredictionsRequest { tenant: TenantId::default(), filter: PredictionFilter::default() };
    let use_case = ExportPredictionsUseCase::new(world.read(), world.clock.clone());
    let outcome = use_case.execute(request).await.map(drop);
    assert_eq!(failure(&outcome), ("unavailable", "store"));
}
