use domain::entities::{NewPrediction, Prediction};
use domain::value_objects::TenantId;

use crate::errors::ApplicationError;
use crate::ports::UnitOfWork;
use crate::use_cases::prediction_pipeline::{Classification, PredictionPorts, ValidItem};

/// Makes the prediction of a classified item, with a new id and the current time.
pub(in crate::use_cases) fn create_prediction(
    ports: &PredictionPorts,
    item: ValidItem,
    classification: Classification,
) -> Prediction {
    let now = ports.clock.now();
    Prediction::create(NewPrediction {
        id: ports.ids.prediction_id(now),
        event_id: ports.ids.event_id(now),
        text: item.text,
        reference: item.reference,
        metadata: item.metadata,
        result: classification.result,
        model: classification.model,
        usage: classification.usage,
        cached: classification.cached,
        now,
    })
}

/// Stores the predictions and their events in one unit of work, then counts them.
pub(in crate::use_cases) async fn store(
    ports: &PredictionPorts,
    tenant: &TenantId,
    predictions: &[Prediction],
) -> Result<(), ApplicationError> {
    if predictions.is_empty() {
        return Ok(());
    }
    let mut work = UnitOfWork::of(tenant);
    for prediction in predictions {
        work.insert(prediction);
        work.append(prediction.events());
    }
    ports.store.commit(work).await?;
    for prediction in predictions {
        ports.metrics.record(prediction);
    }
    Ok(())
}
