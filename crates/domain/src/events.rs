//! Domain events: facts in the past tense, with ids and labels, never with the text.

use std::borrow::Cow;

use crate::value_objects::{EventId, MetadataValue, PredictionFacts, PredictionId, Timestamp};

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
    /// The model's best label, by its own name.
    pub label: Option<String>,
    /// What consumers count.
    pub facts: PredictionFacts,
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
    /// What consumers counted; none where the stored prediction could not be read.
    pub facts: Option<PredictionFacts>,
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
            Self::SentimentPredicted(_) => SENTIMENT_PREDICTED,
            Self::PredictionDeleted(_) => PREDICTION_DELETED,
        }
    }

    /// Returns the name of the type of the aggregate that the event is about, stable on the wire.
    pub fn aggregate_type(&self) -> &'static str {
        match self {
            Self::SentimentPredicted(_) | Self::PredictionDeleted(_) => PREDICTION,
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

    /// Returns the facts about the prediction that the event is about.
    pub fn facts(&self) -> Option<&PredictionFacts> {
        match self {
            Self::SentimentPredicted(event) => Some(&event.facts),
            Self::PredictionDeleted(event) => event.facts.as_ref(),
        }
    }

    /// Returns the event's data besides its id, type, prediction and time, as named fields. This is the one definition
    /// of the payload that stores write and publishers send.
    pub fn payload(&self) -> Vec<PayloadField> {
        let mut fields = Vec::new();
        if let Self::SentimentPredicted(event) = self {
            fields.push(("label".into(), event.label.clone().map(MetadataValue::Text)));
        }
        if let Some(facts) = self.facts() {
            push_facts(&mut fields, facts);
        }
        fields
    }
}

/// A named field of a payload; without a value it is null.
pub type PayloadField = (Cow<'static, str>, Option<MetadataValue>);

/// The name of the type of [`SentimentPredicted`].
pub const SENTIMENT_PREDICTED: &str = "SentimentPredicted";
/// The name of the type of [`PredictionDeleted`].
pub const PREDICTION_DELETED: &str = "PredictionDeleted";
/// The type of the aggregate [`Prediction`](crate::entities::Prediction).
pub const PREDICTION: &str = "prediction";
/// What the names of dimensions begin with in a payload.
pub const DIMENSION_PREFIX: &str = "metadata.";

/// Appends one field for each fact.
fn push_facts(fields: &mut Vec<PayloadField>, facts: &PredictionFacts) {
    let text = |text: &str| Some(MetadataValue::Text(text.to_owned()));
    let whole = |number: i64| Some(MetadataValue::Integer(number));
    let truth = |value: bool| Some(MetadataValue::Bool(value));
    fields.extend([
        ("created_at_us".into(), whole(facts.created_at.as_micros())),
        ("sentiment".into(), facts.sentiment.and_then(|sentiment| text(sentiment.as_str()))),
        ("confidence".into(), facts.confidence.map(|value| MetadataValue::Float(f64::from(value.value())))),
        ("model".into(), text(facts.model.name())),
        ("revision".into(), text(facts.model.revision())),
        ("tokens".into(), whole(facts.usage.tokens.into())),
        ("windows".into(), whole(facts.usage.windows.into())),
        ("truncated".into(), truth(facts.usage.truncated)),
        ("cached".into(), truth(facts.cached)),
    ]);
    for (key, value) in &facts.dimensions {
        fields.push((format!("{DIMENSION_PREFIX}{key}").into(), text(value)));
    }
}
