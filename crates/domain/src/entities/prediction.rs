use std::hash::{Hash, Hasher};

use crate::events::{DomainEvent, PredictionDeleted, SentimentPredicted};
use crate::value_objects::{
    EventId, InputText, Metadata, ModelRef, PredictionId, PredictionResult, Reference, Timestamp, Usage,
};

/// One answered text: the aggregate root.
///
/// A prediction never changes after it was made; it is created, kept and at some time deleted.
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

/// Everything a new prediction is made of.
#[derive(Debug, Clone)]
pub struct NewPrediction {
    /// The id, made from the same instant as `now`.
    pub id: PredictionId,
    /// The id of the event that the creation raises.
    pub event_id: EventId,
    /// The text as the caller sent it.
    pub text: InputText,
    /// The caller's own id for the text.
    pub reference: Option<Reference>,
    /// The caller's own facts about the text.
    pub metadata: Metadata,
    /// What the model said.
    pub result: PredictionResult,
    /// The model that said it.
    pub model: ModelRef,
    /// What the answer took.
    pub usage: Usage,
    /// Whether the model's output came from a cache.
    pub cached: bool,
    /// When the answer was made.
    pub now: Timestamp,
}

impl Prediction {
    /// Makes a new prediction and raises [`SentimentPredicted`].
    pub fn create(new: NewPrediction) -> Self {
        let NewPrediction { id, event_id, text, reference, metadata, result, model, usage, cached, now } =
            new;
        let event = DomainEvent::SentimentPredicted(SentimentPredicted {
            event_id,
            prediction_id: id,
            sentiment: result.sentiment(),
            confidence: result.confidence(),
            label: result.labels().first().map(|best| best.label.clone()),
            model: model.clone(),
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

    /// The event of removing the prediction `id`, which the same write set carries.
    pub fn deleted(id: PredictionId, event_id: EventId, now: Timestamp) -> DomainEvent {
        DomainEvent::PredictionDeleted(PredictionDeleted { event_id, prediction_id: id, occurred_at: now })
    }

    /// The identity.
    pub fn id(&self) -> PredictionId {
        self.id
    }

    /// The text that was judged, as it came in.
    pub fn text(&self) -> &InputText {
        &self.text
    }

    /// The caller's own id for the text.
    pub fn reference(&self) -> Option<&Reference> {
        self.reference.as_ref()
    }

    /// The caller's own facts about the text.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// What the model said.
    pub fn result(&self) -> &PredictionResult {
        &self.result
    }

    /// The model that said it.
    pub fn model(&self) -> &ModelRef {
        &self.model
    }

    /// What the answer took.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Whether the model's output came from a cache.
    pub fn cached(&self) -> bool {
        self.cached
    }

    /// When the answer was made.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// The events raised since the prediction was made, oldest first.
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
        Prediction::create(NewPrediction {
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
        })
    }

    #[test]
    fn creating_a_prediction_raises_one_event_without_the_text() {
        let made = prediction(1, "a secret text");
        assert_eq!(made.events().len(), 1);
        let DomainEvent::SentimentPredicted(event) = &made.events()[0] else { panic!("wrong event") };
        assert_eq!(event.prediction_id, made.id());
        assert_eq!(event.label.as_deref(), Some("LABEL_0"));
        assert_eq!(event.occurred_at, made.created_at());
        assert!(!format!("{event:?}").contains("secret"));
    }

    #[test]
    fn predictions_are_equal_by_id_alone() {
        assert_eq!(prediction(1, "one"), prediction(1, "another"));
        assert_ne!(prediction(1, "one"), prediction(2, "one"));
    }
}
