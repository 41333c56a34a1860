//! What happened, in the past tense: ids and labels, never the text.

use crate::value_objects::{
    Confidence, EventId, MetadataValue, ModelRef, PredictionId, Sentiment, Timestamp,
};

/// Anything that can happen to an aggregate.
#[derive(Debug, Clone, PartialEq)]
pub enum DomainEvent {
    /// A text was judged.
    SentimentPredicted(SentimentPredicted),
    /// A prediction was deleted.
    PredictionDeleted(PredictionDeleted),
}

/// A text was judged and the answer is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct SentimentPredicted {
    /// The event's own id.
    pub event_id: EventId,
    /// The prediction it is about.
    pub prediction_id: PredictionId,
    /// The sentiment, where the model has a mapping.
    pub sentiment: Option<Sentiment>,
    /// The chosen label's probability.
    pub confidence: Option<Confidence>,
    /// The model's own best label.
    pub label: Option<String>,
    /// The model that judged.
    pub model: ModelRef,
    /// When.
    pub occurred_at: Timestamp,
}

/// A prediction was deleted.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionDeleted {
    /// The event's own id.
    pub event_id: EventId,
    /// The prediction that is no more.
    pub prediction_id: PredictionId,
    /// When.
    pub occurred_at: Timestamp,
}

impl DomainEvent {
    /// The event's own id.
    pub fn event_id(&self) -> EventId {
        match self {
            Self::SentimentPredicted(event) => event.event_id,
            Self::PredictionDeleted(event) => event.event_id,
        }
    }

    /// The name of the event's type, stable on the wire.
    pub fn event_type(&self) -> &'static str {
        match self {
            Self::SentimentPredicted(_) => "SentimentPredicted",
            Self::PredictionDeleted(_) => "PredictionDeleted",
        }
    }

    /// The prediction the event is about.
    pub fn prediction_id(&self) -> PredictionId {
        match self {
            Self::SentimentPredicted(event) => event.prediction_id,
            Self::PredictionDeleted(event) => event.prediction_id,
        }
    }

    /// When it happened.
    pub fn occurred_at(&self) -> Timestamp {
        match self {
            Self::SentimentPredicted(event) => event.occurred_at,
            Self::PredictionDeleted(event) => event.occurred_at,
        }
    }

    /// What the event says beside its id, type, prediction and time, as flat named fields: the one definition of
    /// the payload that stores keep and publishers send.
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
