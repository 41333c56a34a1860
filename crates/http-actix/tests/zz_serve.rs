#![allow(missing_docs, clippy::all)]
use application::use_cases::*;
use domain::value_objects::TextLimits;
use http_actix::*;
use std::sync::Arc;
use std::time::Instant;
use testkit::*;
#[actix_web::test]
async fn serve() {
    let ml: Arc<dyn application::ports::MlGateway> = Arc::new(FakeMlGateway::new());
    let store = MemoryStore::new();
    let clock: Arc<dyn application::ports::Clock> = Arc::new(FixedClock::default());
    let ports = PredictPorts {
        ml: ml.clone(),
        store: Arc::new(store.clone()),
        clock: clock.clone(),
        ids: Arc::new(SequenceIds::new()),
        metrics: Arc::new(RecordingMetrics::new()),
        limits: TextLimits::default(),
    };
    let health =
        Arc::new(CheckHealthUseCase::new(vec![Arc::new(FakeHealthCheck::vital("store"))], clock.clone()));
    health.execute().await.unwrap();
    let read = Arc::new(store.clone());
    let uc = UseCases {
        predict: PredictSentimentUseCase::new(ports.clone()),
        predict_batch: PredictSentimentBatchUseCase::new(ports.clone()),
        stream: StreamPredictionsUseCase::new(ports.clone()),
        get: GetPredictionUseCase::new(read.clone()),
        list: ListPredictionsUseCase::new(read),
        delete: DeletePredictionUseCase::new(ports.store.clone(), ports.clock.clone(), ports.ids.clone()),
        models: ListModelsUseCase::new(ports.ml.clone()),
        health,
    };
    let state = ApiState {
        use_cases: Arc::new(uc),
        settings: HttpSettings::default(),
        started: Instant::now(),
        version: "0",
        render_metrics: Arc::new(|| "a 1\n".into()),
    };
    let server = actix_web::HttpServer::new(move || api(state.clone()))
        .workers(2)
        .bind(("127.0.0.1", 18099))
        .unwrap()
        .run();
    let _ = tokio::time::timeout(std::time::Duration::from_secs(900), server).await;
}
