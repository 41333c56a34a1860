use std::hash::{Hash, Hasher};

use crate::events::{DomainEvent, PredictionDeleted, SentimentPredicted};
use crate::value_objects::{
    Dimensions, EventId, InputText, Metadata, ModelRef, PredictionFacts, PredictionId, PredictionResult,
    Reference, Timestamp, Usage,
};

/// One classified text; the aggregate root.
///
/// A prediction is created, stored and possibly deleted; it never changes.
#[derive(Debug, Clone)]
pub struct Prediction {
    id: PredictionId,
    text: InputText,
    reference: Option<Reference>,
    metadata: Metadata,
    result: PredictionResult,
    model: ModelRef,
    usage: Usage,
    cached: bool,
    created_at: Timestamp,
    events: Vec<DomainEvent>,
}

/// The parts of a new prediction.
#[derive(Debug, Clone)]
pub struct NewPrediction {
    /// The id, made from the same instant as `now`.
    pub id: PredictionId,
    /// The id of the event that the creation raises.
    pub event_id: EventId,
    /// The text as the client sent it.
    pub text: InputText,
    /// The client's own id for the text.
    pub reference: Option<Reference>,
    /// The client's data about the text.
    pub metadata: Metadata,
    /// The classification result.
    pub result: PredictionResult,
    /// The model that classified the text.
    pub model: ModelRef,
    /// The tokens and windows that were computed.
    pub usage: Usage,
    /// Whether the model's output came from a cache.
    pub cached: bool,
    /// When the prediction is made.
    pub now: Timestamp,
}

impl Prediction {
    /// Creates a prediction and raises [`SentimentPredicted`], with the values that it has for `dimensions`.
    pub fn create(new: NewPrediction, dimensions: &Dimensions) -> Self {
        let NewPrediction { id, event_id, text, reference, metadata, result, model, usage, cached, now } =
            new;
        let event = DomainEvent::SentimentPredicted(SentimentPredicted {
            event_id,
            prediction_id: id,
            label: result.labels().first().map(|best| best.label.clone()),
            facts: PredictionFacts {
                created_at: now,
                model: model.clone(),
                sentiment: result.sentiment(),
                confidence: result.confidence(),
                usage,
                cached,
                dimensions: dimensions.of(&metadata),
            },
            occurred_at: now,
        });
        Self {
            id,
            text,
            reference,
            metadata,
            result,
            model,
            usage,
            cached,
            created_at: now,
            events: vec![event],
        }
    }

    /// Returns the event of deleting the prediction `id`, to be committed with the deletion. `facts` are those of the
    /// deleted prediction, none where it could not be read.
    pub fn deleted(
        id: PredictionId,
        facts: Option<PredictionFacts>,
        event_id: EventId,
        now: Timestamp,
    ) -> DomainEvent {
        DomainEvent::PredictionDeleted(PredictionDeleted {
            event_id,
            prediction_id: id,
            facts,
            occurred_at: now,
        })
    }

    /// Returns the id.
    pub fn id(&self) -> PredictionId {
        self.id
    }

    /// Returns the text as the client sent it.
    pub fn text(&self) -> &InputText {
        &self.text
    }

    /// Returns the client's own id for the text.
    pub fn reference(&self) -> Option<&Reference> {
        self.reference.as_ref()
    }

    /// Returns the client's data about the text.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Returns the classification result.
    pub fn result(&self) -> &PredictionResult {
        &self.result
    }

    /// Returns the model that classified the text.
    pub fn model(&self) -> &ModelRef {
        &self.model
    }

    /// Returns the tokens and windows that were computed.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Returns whether the model's output came from a cache.
    pub fn cached(&self) -> bool {
        self.cached
    }

    /// Returns when the prediction was made.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Returns the events that the creation raised.
    pub fn events(&self) -> &[DomainEvent] {
        &self.events
    }
}

impl PartialEq for Prediction {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Prediction {}

impl Hash for Prediction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value_objects::{LabelScore, TextLimits};

    fn prediction(id: u128, text: &str) -> Prediction {
        Prediction::create(
            NewPrediction {
                id: PredictionId::from_u128(id),
                event_id: EventId::from_u128(id + 1),
                text: InputText::parse(text, TextLimits::default()).expect("a valid text"),
                reference: None,
                metadata: Metadata::default(),
                result: PredictionResult::raw(vec![LabelScore {
                    label: "LABEL_0".into(),
                    score: 1.5,
                    logit: None,
                }]),
                model: ModelRef::new("m", "r"),
                usage: Usage { tokens: 3, windows: 1, truncated: false },
                cached: false,
                now: Timestamp::from_micros(7),
            },
            &Dimensions::default(),
        )
    }

    #[test]
    fn creating_a_prediction_raises_one_event_without_the_text() {
        let created = prediction(1, "a secret text");
        assert_eq!(created.events().len(), 1);
        let DomainEvent::SentimentPredicted(event) = &created.events()[0] else { panic!("wrong event") };
        assert_eq!(event.prediction_id, created.id());
        assert_eq!(event.label.as_deref(), Some("LABEL_0"));
        assert_eq!(event.occurred_at, created.created_at());
        assert!(!format!("{event:?}").contains("secret"));
    }

    #[test]
    fn predictions_are_equal_by_id_alone() {
        assert_eq!(prediction(1, "one"), prediction(1, "another"));
        assert_ne!(prediction(1, "one"), prediction(2, "one"));
    }
}
