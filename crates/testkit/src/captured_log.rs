use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

/// Everything that this thread logs for as long as this lives, at any level.
pub struct CapturedLog {
    lines: Arc<Mutex<Vec<LogLine>>>,
    _guard: DefaultGuard,
}

/// While only one dispatcher lives, `tracing` asks a thread that meets a call site first for its own subscriber, and
/// has the call site sleep for all threads where it has none. These two, to which nobody speaks, keep every call
/// site awake.
static LISTENERS: OnceLock<[Dispatch; 2]> = OnceLock::new();

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How grave it is.
    pub level: Level,
    /// Who speaks.
    pub target: String,
    /// The words.
    pub message: String,
    /// Everything else, by name; what is no text is written as `Debug` writes it.
    pub fields: BTreeMap<&'static str, String>,
}

impl CapturedLog {
    /// Begins to listen.
    pub fn start() -> Self {
        LISTENERS.get_or_init(|| std::array::from_fn(|_| Dispatch::new(Collector { lines: Arc::default() })));
        let lines = Arc::default();
        let guard = set_default(Collector { lines: Arc::clone(&lines) });
        Self { lines, _guard: guard }
    }

    /// What was logged under `target`, in order.
    pub fn under(&self, target: &str) -> Vec<LogLine> {
        self.lines().into_iter().filter(|line| line.target == target).collect()
    }

    /// What was logged, in order.
    pub fn lines(&self) -> Vec<LogLine> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl LogLine {
    /// The field of this name; empty where there is none.
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
        // Spans are not told apart: only events are kept.
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
