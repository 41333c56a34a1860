use domain::entities::{NewPrediction, Prediction};

use crate::errors::ApplicationError;
use crate::ports::{IdempotencyClaim, Principal, StoredAnswer, TextCount, UnitOfWork};
use crate::use_cases::prediction_pipeline::{Classification, PredictionPorts, RequestContext, ValidItem};

/// Makes the prediction of a classified item, with a new id and the current time.
pub(in crate::use_cases) fn create_prediction(
    ports: &PredictionPorts,
    item: ValidItem,
    classification: Classification,
) -> Prediction {
    let now = ports.clock.now();
    let new = NewPrediction {
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
    };
    Prediction::create(new, &ports.dimensions)
}

/// Stores the predictions, their events, their number and the answer to the claim's request in one unit of work, then
/// reports the predictions to the metrics.
pub(in crate::use_cases) async fn store(
    ports: &PredictionPorts,
    context: &RequestContext,
    predictions: &[Prediction],
    answer: Option<(IdempotencyClaim, StoredAnswer)>,
) -> Result<(), ApplicationError> {
    if predictions.is_empty() && answer.is_none() {
        return Ok(());
    }
    let mut work = UnitOfWork::of(&context.tenant);
    work.begin_by(context.deadline);
    work.trace(context.traceparent.clone());
    for prediction in predictions {
        work.insert(prediction);
        work.append(prediction.events());
    }
    for count in text_counts(&context.principal, predictions.len()) {
        work.count_texts(count);
    }
    if let Some((claim, answer)) = answer {
        work.complete(claim, answer);
    }
    ports.store.commit(work).await?;
    for prediction in predictions {
        ports.metrics.record(prediction);
    }
    Ok(())
}

/// The counts of `texts`: of the tenant, and of the caller where it has a quota.
fn text_counts(principal: &Principal, texts: usize) -> impl Iterator<Item = TextCount> {
    let texts = u32::try_from(texts).unwrap_or(u32::MAX);
    let of_tenant = TextCount { principal: None, texts, quota: principal.limits.texts_per_day };
    let own = principal.own.as_ref().and_then(|own| {
        let quota = Some(own.limits.texts_per_day?);
        Some(TextCount { principal: Some(own.id.clone()), texts, quota })
    });
    std::iter::once(of_tenant).chain(own).filter(|count| count.texts > 0)
}
