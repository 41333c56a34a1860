use std::sync::Arc;

use domain::entities::{NewPrediction, Prediction};
use domain::errors::DomainError;
use domain::value_objects::{InputText, Metadata, PredictionOptions, Reference, TenantId, TextLimits};

use crate::dtos::PredictItem;
use crate::errors::ApplicationError;
use crate::ports::{
    AnswerMetrics, Clock, IdGenerator, ModelCatalog, SentenceSplitter, UnitOfWork, WriteStore,
};
use crate::use_cases::judgement::{CheckedSentence, Judgement};

/// What every predicting use case speaks through, and the steps that they share: check, make, keep.
#[derive(Clone)]
pub struct PredictPorts {
    /// The models.
    pub models: Arc<dyn ModelCatalog>,
    /// The store.
    pub store: Arc<dyn WriteStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdGenerator>,
    /// The counters of answers.
    pub metrics: Arc<dyn AnswerMetrics>,
    /// The cutting of texts into sentences.
    pub sentences: Arc<dyn SentenceSplitter>,
    /// How long a text may be.
    pub limits: TextLimits,
}

/// An item whose every part is allowed.
pub(super) struct CheckedItem {
    pub(super) text: InputText,
    reference: Option<Reference>,
    metadata: Metadata,
    /// Its sentences, where they are asked for.
    pub(super) sentences: Vec<CheckedSentence>,
}

impl PredictPorts {
    /// Checks an item's text, reference, metadata and number of sentences, in this order.
    pub(super) async fn check(
        &self,
        item: PredictItem,
        options: &PredictionOptions,
    ) -> Result<CheckedItem, DomainError> {
        let text = InputText::parse(item.text, self.limits)?;
        Ok(CheckedItem {
            reference: item.reference.map(Reference::parse).transpose()?,
            metadata: Metadata::try_new(item.metadata)?,
            sentences: self.cut(&text, options).await?,
            text,
        })
    }

    /// Makes the prediction out of what was found out about the item.
    pub(super) fn make(&self, item: CheckedItem, judgement: Judgement) -> Prediction {
        let now = self.clock.now();
        Prediction::create(NewPrediction {
            id: self.ids.prediction_id(now),
            event_id: self.ids.event_id(now),
            text: item.text,
            reference: item.reference,
            metadata: item.metadata,
            result: judgement.result,
            model: judgement.model,
            usage: judgement.usage,
            cached: judgement.cached,
            now,
        })
    }

    /// Keeps the predictions and their events in one write set, then counts them.
    pub(super) async fn keep(
        &self,
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
        self.store.commit(work).await?;
        for prediction in predictions {
            self.metrics.record(prediction);
        }
        Ok(())
    }
}
