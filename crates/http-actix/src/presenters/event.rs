use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web::Bytes;
use application::ports::FeedEvent;
use domain::events::{DIMENSION_PREFIX, PREDICTION};
use domain::value_objects::{EventId, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::presenters::present_timestamp;

/// The types of events on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventType {
    PredictionCreated,
    PredictionDeleted,
}

impl EventType {
    pub(crate) const ALL: [Self; 2] = [Self::PredictionCreated, Self::PredictionDeleted];

    /// Returns the name on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::PredictionCreated => "undertone.prediction.created",
            Self::PredictionDeleted => "undertone.prediction.deleted",
        }
    }

    /// Returns the type of an event; none for one that this release does not present.
    fn of(event: &FeedEvent) -> Option<Self> {
        match (event.aggregate_type.as_str(), event.event_type.as_str()) {
            (PREDICTION, "SentimentPredicted") => Some(Self::PredictionCreated),
            (PREDICTION, "PredictionDeleted") => Some(Self::PredictionDeleted),
            _ => None,
        }
    }
}

/// An event as CloudEvents 1.0 describes it (JSON format), with the extensions `traceparent` and `sequence`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CloudEvent {
    #[schema(example = "1.0")]
    specversion: &'static str,
    /// The id of the event, by which receivers detect duplicates.
    #[schema(format = "uuid")]
    id: String,
    #[schema(example = "/api/v1/predictions")]
    source: &'static str,
    #[serde(rename = "type")]
    #[schema(example = "undertone.prediction.created")]
    event_type: &'static str,
    /// The id of the prediction.
    #[schema(format = "uuid")]
    subject: String,
    /// When it happened.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.123456Z")]
    time: String,
    #[schema(example = "application/json")]
    datacontenttype: &'static str,
    /// The trace of the request that caused it (W3C Trace Context).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    traceparent: Option<String>,
    /// The position of the event in the feed, in 19 digits, which sort as the numbers do.
    #[schema(pattern = "^[0-9]{19}$")]
    sequence: String,
    /// `label` (only of a new prediction), and the facts of the prediction: `created_at`, `sentiment`, `confidence`,
    /// `model`, `revision`, `tokens`, `windows`, `truncated`, `cached`, and `metadata` with the configured dimensions.
    /// Never its text.
    data: Map<String, Value>,
}

/// The frames of recent events, which the followers of a replica share. Clones share them.
#[derive(Clone)]
pub struct EventFrames(Arc<Vec<Mutex<Option<Frame>>>>);

/// An event as it is sent.
#[derive(Clone)]
struct Frame {
    event: EventId,
    bytes: Bytes,
}

/// The number of events whose frames are remembered.
const FRAMES: usize = 1_024;

impl EventFrames {
    /// Remembers no frame yet.
    pub fn new() -> Self {
        Self(Arc::new(std::iter::repeat_with(Mutex::default).take(FRAMES).collect()))
    }

    /// Presents those of the events that are of one of the `types`, or all that this release presents.
    pub(crate) fn present(&self, events: &[Arc<FeedEvent>], types: Option<&[EventType]>) -> Bytes {
        let mut part = Vec::new();
        for event in events {
            let Some(event_type) = EventType::of(event) else { continue };
            if types.is_none_or(|types| types.contains(&event_type)) {
                part.extend_from_slice(&self.frame(event, event_type));
            }
        }
        part.into()
    }

    /// Returns the frame of the event. An event has one position, so that the id identifies the frame.
    fn frame(&self, event: &FeedEvent, event_type: EventType) -> Bytes {
        let index = usize::try_from(event.position).unwrap_or_default() % FRAMES;
        let Some(slot) = self.0.get(index) else { return present_event(event, event_type) };
        let mut remembered = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(frame) = remembered.as_ref().filter(|frame| frame.event == event.event_id) {
            return frame.bytes.clone();
        }
        let bytes = present_event(event, event_type);
        *remembered = Some(Frame { event: event.event_id, bytes: bytes.clone() });
        bytes
    }
}

impl Default for EventFrames {
    fn default() -> Self {
        Self::new()
    }
}

/// What a feed begins with: how long a client waits before it reconnects, in ms, and a comment.
pub(crate) fn present_opening() -> Bytes {
    Bytes::from_static(b"retry: 1000\n: connected\n\n")
}

/// A comment, and the position that was passed. Clients take over the id and dispatch no event, as there is no data.
pub(crate) fn present_heartbeat(position: Option<i64>) -> Bytes {
    match position {
        Some(position) => format!(": heartbeat\nid: {position}\n\n").into(),
        None => Bytes::from_static(b": heartbeat\n\n"),
    }
}

/// That the events up to the position `purged` are gone.
pub(crate) fn present_gap(purged: i64) -> Bytes {
    format!("id: {purged}\nevent: gap\ndata: {{\"purged\":{purged}}}\n\n").into()
}

fn present_event(event: &FeedEvent, event_type: EventType) -> Bytes {
    let name = event_type.as_str();
    let cloud_event = CloudEvent {
        specversion: "1.0",
        id: event.event_id.to_string(),
        source: "/api/v1/predictions",
        event_type: name,
        subject: event.aggregate_id.clone(),
        time: present_timestamp(event.occurred_at),
        datacontenttype: "application/json",
        traceparent: event.traceparent.as_ref().map(ToString::to_string),
        sequence: format!("{:019}", event.position),
        data: present_data(&event.payload),
    };
    // Neither the keys nor the values can fail to serialize; JSON has no line breaks outside of strings.
    let data = serde_json::to_string(&cloud_event).unwrap_or_default();
    format!("id: {}\nevent: {name}\ndata: {data}\n\n", event.position).into()
}

/// Returns the fields of a payload as clients know them from predictions: times as text, and dimensions as metadata.
fn present_data(payload: &str) -> Map<String, Value> {
    let fields: Map<String, Value> = serde_json::from_str(payload).unwrap_or_default();
    let mut data = Map::new();
    let mut metadata = Map::new();
    for (name, value) in fields {
        if let Some(key) = name.strip_prefix(DIMENSION_PREFIX) {
            metadata.insert(key.to_owned(), value);
        } else if let ("created_at_us", Some(micros)) = (name.as_str(), value.as_i64()) {
            data.insert("created_at".to_owned(), present_timestamp(Timestamp::from_micros(micros)).into());
        } else if let ("confidence", Some(confidence)) = (name.as_str(), value.as_f64()) {
            data.insert(name, present_single(confidence));
        } else {
            data.insert(name, value);
        }
    }
    if !metadata.is_empty() {
        data.insert("metadata".to_owned(), metadata.into());
    }
    data
}

/// Returns the number with the digits that a prediction shows: those of single precision.
fn present_single(number: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "it was made from a number of single precision")]
    let single = number as f32;
    single.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

#[cfg(test)]
mod tests {
    use domain::value_objects::{EventId, TenantId, TraceParent};

    use super::*;

    fn event() -> FeedEvent {
        let confidence = f64::from(0.9_f32);
        FeedEvent {
            position: 42,
            tenant: TenantId::default(),
            event_id: EventId::from_u128(0x0199_7a3e_7c10_7d52_a1f0_5f0f_6f3f_9f11),
            event_type: "SentimentPredicted".to_owned(),
            aggregate_type: PREDICTION.to_owned(),
            aggregate_id: "01997a3e-7c10-7d52-a1f0-5f0f6f3f9f12".to_owned(),
            prediction_id: None,
            occurred_at: Timestamp::from_micros(1_767_225_600_123_456),
            traceparent: TraceParent::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            facts: None,
            payload: format!(
                "{{\"label\":\"a\\nb\",\"created_at_us\":1767225600000000,\"sentiment\":\"positive\",\
                 \"confidence\":{confidence},\"tokens\":3,\"truncated\":false,\"metadata.channel\":\"app\"}}"
            ),
        }
    }

    #[test]
    fn an_event_is_a_cloud_event_on_one_line() {
        let frames = EventFrames::new();
        let shown = frames.present(&[Arc::new(event())], None);
        let expected = "id: 42\nevent: undertone.prediction.created\ndata: {\"specversion\":\"1.0\",\
            \"id\":\"01997a3e-7c10-7d52-a1f0-5f0f6f3f9f11\",\"source\":\"/api/v1/predictions\",\
            \"type\":\"undertone.prediction.created\",\"subject\":\"01997a3e-7c10-7d52-a1f0-5f0f6f3f9f12\",\
            \"time\":\"2026-01-01T00:00:00.123456Z\",\"datacontenttype\":\"application/json\",\
            \"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\",\
            \"sequence\":\"0000000000000000042\",\"data\":{\"confidence\":0.9,\
            \"created_at\":\"2026-01-01T00:00:00.000000Z\",\"label\":\"a\\nb\",\"metadata\":{\"channel\":\"app\"},\
            \"sentiment\":\"positive\",\"tokens\":3,\"truncated\":false}}\n\n";
        assert_eq!(std::str::from_utf8(&shown), Ok(expected));
        assert_eq!(frames.present(&[Arc::new(event())], None), shown, "the remembered frame is another");
    }

    #[test]
    fn events_of_other_types_are_left_out() {
        let frames = EventFrames::new();
        let unknown = FeedEvent { event_type: "TextForgotten".to_owned(), ..event() };
        assert!(frames.present(&[Arc::new(unknown)], None).is_empty());
        assert!(frames.present(&[Arc::new(event())], Some(&[EventType::PredictionDeleted])).is_empty());
    }

    #[test]
    fn two_events_whose_positions_share_a_slot_have_frames_of_their_own() {
        let frames = EventFrames::new();
        let later = FeedEvent { position: 42 + 1_024, event_id: EventId::from_u128(1), ..event() };
        let both = frames.present(&[Arc::new(event()), Arc::new(later)], None);
        let text = String::from_utf8_lossy(&both);
        assert!(text.starts_with("id: 42\n") && text.contains("id: 1066\n"), "{text}");
    }

    #[test]
    fn heartbeats_and_gaps_have_the_position_from_which_to_resume() {
        assert_eq!(present_heartbeat(Some(7)), ": heartbeat\nid: 7\n\n");
        assert_eq!(present_heartbeat(None), ": heartbeat\n\n");
        assert_eq!(present_gap(9), "id: 9\nevent: gap\ndata: {\"purged\":9}\n\n");
    }
}
