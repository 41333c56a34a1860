use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

/// Captures the events that this thread logs at any level, until it is dropped.
pub struct CapturedLog {
    lines: Arc<Mutex<Vec<LogLine>>>,
    _guard: DefaultGuard,
}

/// While there is at most one dispatcher, `tracing` decides by the thread that first reaches a call site whether the
/// call site is enabled, and disables it for all threads if that thread has no subscriber. With these two idle
/// dispatchers, every call site stays enabled.
static IDLE_DISPATCHERS: OnceLock<[Dispatch; 2]> = OnceLock::new();

/// A captured event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The level.
    pub level: Level,
    /// The target.
    pub target: String,
    /// The message.
    pub message: String,
    /// The other fields by name; values other than strings in their `Debug` form.
    pub fields: BTreeMap<&'static str, String>,
}

impl CapturedLog {
    /// Starts capturing.
    pub fn start() -> Self {
        IDLE_DISPATCHERS
            .get_or_init(|| std::array::from_fn(|_| Dispatch::new(Collector { lines: Arc::default() })));
        let lines = Arc::default();
        let guard = set_default(Collector { lines: Arc::clone(&lines) });
        Self { lines, _guard: guard }
    }

    /// Returns the events with this target, in order.
    pub fn under(&self, target: &str) -> Vec<LogLine> {
        self.lines().into_iter().filter(|line| line.target == target).collect()
    }

    /// Returns all events, in order.
    pub fn lines(&self) -> Vec<LogLine> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl LogLine {
    /// Returns the field `name`; empty if there is none.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

struct Collector {
    lines: Arc<Mutex<Vec<LogLine>>>,
}

impl Subscriber for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        // Only events are captured, so all spans share one id.
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let line = LogLine {
            level: *event.metadata().level(),
            target: event.metadata().target().to_owned(),
            message: fields.0.remove("message").unwrap_or_default(),
            fields: fields.0,
        };
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}
