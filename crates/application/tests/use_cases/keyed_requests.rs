//! Requests with idempotency keys, and a model that panics.

use std::sync::Arc;
use std::time::Instant;

use application::dtos::{
    Actor, Answer, DeletePredictionRequest, IdempotentRequest, PredictItem, PredictSentimentBatchRequest,
    PredictSentimentBatchResponse, PredictSentimentRequest, PredictSentimentResponse, TimeLimit,
};
use application::errors::ApplicationError;
use application::ports::{MlError, MlGateway, ModelInfo, Queueing};
use application::use_cases::{
    DeletePredictionUseCase, PredictSentimentBatchUseCase, PredictSentimentUseCase,
};
use async_trait::async_trait;
use domain::value_objects::{
    Dimensions, IdempotencyKey, InputText, ModelOutput, PredictionId, ReadOptions, RequestDigest, TenantId,
};
use testkit::FakeMlGateway;

use crate::world::{World, item};

/// A model whose code has a fault.
#[derive(Debug)]
pub(crate) struct PanickingGateway;

#[async_trait]
impl MlGateway for PanickingGateway {
    async fn classify(
        &self,
        _: &TenantId,
        _: &[&InputText],
        _: ReadOptions,
        _: Queueing,
    ) -> Result<Vec<Result<ModelOutput, MlError>>, MlError> {
        panic!("a fault")
    }

    fn tokens_per_second(&self) -> Option<f64> {
        None
    }

    fn info(&self) -> Option<Arc<ModelInfo>> {
        FakeMlGateway::new().info()
    }
}

/// The request with the key `key`; `body` stands for its digest.
pub(crate) fn keyed(key: &str, body: u8) -> IdempotentRequest {
    let digest = RequestDigest::from_bytes([body; 32]);
    IdempotentRequest { key: IdempotencyKey::parse(key).unwrap(), digest }
}

/// As long as the route allows.
pub(crate) fn of_route() -> TimeLimit {
    TimeLimit::OfRoute { arrived: Instant::now(), at_most: None }
}

pub(crate) async fn single(
    world: &World,
    text: &str,
    idempotency: IdempotentRequest,
) -> Result<Answer<PredictSentimentResponse>, ApplicationError> {
    let request = PredictSentimentRequest {
        item: item(text),
        time_limit: of_route(),
        idempotency: Some(idempotency),
        ..PredictSentimentRequest::default()
    };
    PredictSentimentUseCase::new(world.ports()).execute(request).await
}

pub(crate) async fn batch(
    world: &World,
    texts: &[&str],
    idempotency: IdempotentRequest,
) -> Result<PredictSentimentBatchResponse, ApplicationError> {
    let items: Vec<PredictItem> = texts.iter().map(|text| item(text)).collect();
    let request = PredictSentimentBatchRequest {
        items,
        time_limit: of_route(),
        idempotency: Some(idempotency),
        ..PredictSentimentBatchRequest::default()
    };
    PredictSentimentBatchUseCase::new(world.ports()).execute(request).await
}

pub(crate) async fn delete(world: &World, id: PredictionId) {
    let store = world.read();
    let request = DeletePredictionRequest {
        tenant: TenantId::default(),
        id,
        actor: Actor::command_line("ann"),
        time_limit: TimeLimit::Unlimited,
        traceparent: None,
    };
    let dimensions = Dimensions::default();
    let delete =
        DeletePredictionUseCase::new(world.read(), store, dimensions, world.clock.clone(), world.ids.clone());
    delete.execute(request).await.unwrap();
}

pub(crate) fn rows(world: &World) -> usize {
    world.store.stored(&TenantId::default()).len()
}
