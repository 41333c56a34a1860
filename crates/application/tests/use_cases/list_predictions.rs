use application::dtos::{ListPredictionsRequest, ListPredictionsResponse};
use application::errors::ApplicationError;
use application::ports::PredictionFilter;
use application::use_cases::ListPredictionsUseCase;
use domain::policies::parse_query;
use domain::value_objects::{PredictionId, Sentiment, TenantId};

use crate::world::{World, failure, refusal};

fn everything() -> ListPredictionsRequest {
    ListPredictionsRequest {
        tenant: TenantId::default(),
        filter: PredictionFilter::default(),
        limit: None,
        cursor: None,
    }
}

async fn list(
    world: &World,
    request: ListPredictionsRequest,
) -> Result<ListPredictionsResponse, ApplicationError> {
    ListPredictionsUseCase::new(world.read()).execute(request).await
}

fn ids(page: &ListPredictionsResponse) -> Vec<PredictionId> {
    page.items.iter().map(|record| record.prediction.id).collect()
}

/// Stores `count` predictions and returns their ids, newest first.
async fn predict_many(world: &World, count: usize) -> Vec<PredictionId> {
    let mut ids = Vec::new();
    for n in 0..count {
        let text = ["I love it", "I hate it", "so so"][n % 3];
        ids.insert(0, world.predict(text).await.id);
    }
    ids
}

#[tokio::test]
async fn a_page_has_twenty_predictions_newest_first_by_default() {
    let world = World::new();
    let expected = predict_many(&world, 25).await;
    let page = list(&world, everything()).await.unwrap();
    assert_eq!(ids(&page), expected[..20]);
    assert!(page.next_cursor.is_some());
    assert_eq!(page.items[0].text.as_deref(), Some("I love it"));
}

#[tokio::test]
async fn a_limit_is_between_one_and_a_hundred() {
    let world = World::new();
    let expected = predict_many(&world, 101).await;
    for limit in [0, 101, u32::MAX] {
        let request = ListPredictionsRequest { limit: Some(limit), ..everything() };
        assert_eq!(refusal(&list(&world, request).await), ("limit", "out_of_range"));
    }
    assert_eq!(world.store.reads(), 0, "the store is not called");
    for limit in [1, 100] {
        let request = ListPredictionsRequest { limit: Some(limit), ..everything() };
        let page = list(&world, request).await.unwrap();
        assert_eq!(ids(&page), expected[..limit as usize]);
        assert!(page.next_cursor.is_some());
    }
}

#[tokio::test]
async fn the_last_page_has_no_cursor_even_if_it_is_full() {
    let world = World::new();
    predict_many(&world, 10).await;
    for (limit, more) in [(9, true), (10, false), (11, false)] {
        let request = ListPredictionsRequest { limit: Some(limit), ..everything() };
        assert_eq!(list(&world, request).await.unwrap().next_cursor.is_some(), more);
    }
    let nobody = ListPredictionsRequest { tenant: TenantId::parse("ann").unwrap(), ..everything() };
    assert_eq!(
        list(&world, nobody).await.unwrap(),
        ListPredictionsResponse { items: vec![], next_cursor: None }
    );
}

#[tokio::test]
async fn following_the_cursor_returns_every_prediction_once() {
    let world = World::new();
    let expected = predict_many(&world, 50).await;
    let mut request = ListPredictionsRequest { limit: Some(7), ..everything() };
    let mut seen = Vec::new();
    loop {
        let page = list(&world, request.clone()).await.unwrap();
        seen.extend(ids(&page));
        // Newer predictions do not affect the walk.
        world.predict("good").await;
        let Some(next) = page.next_cursor else { break };
        request.cursor = Some(next);
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn the_filter_holds_on_every_page() {
    let world = World::new();
    predict_many(&world, 60).await;
    let filter = PredictionFilter {
        sentiment: Some(Sentiment::Negative),
        terms: parse_query("HATE").unwrap(),
        ..PredictionFilter::default()
    };
    let mut request = ListPredictionsRequest { filter, limit: Some(6), ..everything() };
    let mut lengths = Vec::new();
    loop {
        let page = list(&world, request.clone()).await.unwrap();
        assert!(page.items.iter().all(|it| it.prediction.sentiment == Some(Sentiment::Negative)));
        lengths.push(page.items.len());
        let Some(next) = page.next_cursor else { break };
        request.cursor = Some(next);
    }
    assert_eq!(lengths, [6, 6, 6, 2]);
}

#[tokio::test]
async fn a_cursor_that_no_page_returned_is_refused() {
    let world = World::new();
    predict_many(&world, 3).await;
    let first = ListPredictionsRequest { limit: Some(1), ..everything() };
    let cursor = list(&world, first).await.unwrap().next_cursor.unwrap();
    let reads = world.store.reads();

    let filter = PredictionFilter { model: Some("fake-model".into()), ..PredictionFilter::default() };
    let other = ListPredictionsRequest { filter, cursor: Some(cursor.clone()), ..everything() };
    assert_eq!(refusal(&list(&world, other).await), ("cursor", "malformed"));
    for bad in
        [String::new(), "x".into(), cursor[1..].to_owned(), format!("{cursor}0"), cursor.replace('0', "g")]
    {
        let request = ListPredictionsRequest { cursor: Some(bad), ..everything() };
        assert_eq!(refusal(&list(&world, request).await), ("cursor", "malformed"));
    }
    assert_eq!(world.store.reads(), reads, "the store is not called");
}

#[tokio::test]
async fn rows_that_cannot_be_read_are_left_out_and_do_not_end_the_walk() {
    let world = World::new();
    let expected = predict_many(&world, 12).await;
    for spoiled in &expected[4..8] {
        world.store.corrupt(&TenantId::default(), *spoiled);
    }
    let mut request = ListPredictionsRequest { limit: Some(4), ..everything() };
    let mut pages = Vec::new();
    loop {
        let page = list(&world, request.clone()).await.unwrap();
        pages.push(ids(&page));
        let Some(next) = page.next_cursor else { break };
        request.cursor = Some(next);
    }
    assert_eq!(pages, [&expected[..4], &[], &expected[8..]]);
}

#[tokio::test]
async fn an_unavailable_store_is_reported() {
    let world = World::new();
    world.store.fail_with("the connection broke");
    assert_eq!(failure(&list(&world, everything()).await), ("unavailable", "store"));
}
