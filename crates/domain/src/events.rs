//! Domain events: facts in the past tense, with ids and labels, never with the text.

use crate::value_objects::{
    Confidence, EventId, MetadataValue, ModelRef, PredictionId, Sentiment, Timestamp,
};

/// An event of an aggregate.
#[derive(Debug, Clone, PartialEq)]
pub enum DomainEvent {
    /// A prediction was made.
    SentimentPredicted(SentimentPredicted),
    /// A prediction was deleted.
    PredictionDeleted(PredictionDeleted),
}

/// A text was classified and its prediction stored.
#[derive(Debug, Clone, PartialEq)]
pub struct SentimentPredicted {
    /// The event's id.
    pub event_id: EventId,
    /// The id of the prediction.
    pub prediction_id: PredictionId,
    /// The sentiment; none where the model has no mapping to sentiments.
    pub sentiment: Option<Sentiment>,
    /// The probability of the sentiment, or of the best label where none is mapped to one.
    pub confidence: Option<Confidence>,
    /// The model's best label, by its own name.
    pub label: Option<String>,
    /// The model that classified the text.
    pub model: ModelRef,
    /// When it happened.
    pub occurred_at: Timestamp,
}

/// A prediction was deleted.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionDeleted {
    /// The event's id.
    pub event_id: EventId,
    /// The id of the deleted prediction.
    pub prediction_id: PredictionId,
    /// When it happened.
    pub occurred_at: Timestamp,
}

impl DomainEvent {
    /// Returns the event's id.
    pub fn event_id(&self) -> EventId {
        match self {
            Self::SentimentPredicted(event) => event.event_id,
            Self::PredictionDeleted(event) => event.event_id,
        }
    }

    /// Returns the name of the event's type, stable on the wire.
    pub fn event_type(&self) -> &'static str {
        match self {
            Self::SentimentPredicted(_) => "SentimentPredicted",
            Self::PredictionDeleted(_) => "PredictionDeleted",
        }
    }

    /// Returns the id of the prediction.
    pub fn prediction_id(&self) -> PredictionId {
        match self {
            Self::SentimentPredicted(event) => event.prediction_id,
            Self::PredictionDeleted(event) => event.prediction_id,
        }
    }

    /// Returns when it happened.
    pub fn occurred_at(&self) -> Timestamp {
        match self {
            Self::SentimentPredicted(event) => event.occurred_at,
            Self::PredictionDeleted(event) => event.occurred_at,
        }
    }

    /// Returns the event's data besides its id, type, prediction and time, as named fields. This is the one definition
    /// of the payload that stores write and publishers send.
    pub fn payload(&self) -> Vec<(&'static str, Option<MetadataValue>)> {
        match self {
            Self::SentimentPredicted(event) => vec![
                ("sentiment", event.sentiment.map(|value| MetadataValue::Text(value.as_str().to_owned()))),
                ("confidence", event.confidence.map(|value| MetadataValue::Float(f64::from(value.value())))),
                ("label", event.label.clone().map(MetadataValue::Text)),
                ("model", Some(MetadataValue::Text(event.model.name().to_owned()))),
                ("revision", Some(MetadataValue::Text(event.model.revision().to_owned()))),
            ],
            Self::PredictionDeleted(_) => Vec::new(),
        }
    }
}
