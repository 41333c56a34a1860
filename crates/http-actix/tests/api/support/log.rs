use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, NoSubscriber, set_default};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

/// Everything that this thread logs while it lives, a line an event: level, target, message, fields, and the fields
/// of the spans around it.
pub(crate) struct Log {
    lines: Lines,
    _guard: DefaultGuard,
}

/// While only one dispatcher lives, `tracing` asks a thread that meets a call site first for its own subscriber, and
/// has the call site sleep for all threads where it has none. With these two, which hear nothing, there is never only
/// one, so that every thread's is asked.
static OTHERS: OnceLock<[Dispatch; 2]> = OnceLock::new();

/// Level, target and text of each line.
type Lines = Arc<Mutex<Vec<(Level, &'static str, String)>>>;

impl Log {
    pub(crate) fn capture() -> Self {
        OTHERS.get_or_init(|| std::array::from_fn(|_| Dispatch::new(NoSubscriber::new())));
        let lines = Lines::default();
        let collector = Collector {
            lines: Arc::clone(&lines),
            spans: Mutex::default(),
            inside: Mutex::default(),
            ids: AtomicU64::new(1),
        };
        Self { lines, _guard: set_default(collector) }
    }

    pub(crate) fn lines(&self, target: &str) -> Vec<String> {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|(_, of, _)| *of == target).map(|(_, _, line)| line.clone()).collect()
    }

    pub(crate) fn errors(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|(level, _, _)| *level == Level::ERROR).map(|(_, _, line)| line.clone()).collect()
    }

    pub(crate) fn text(&self) -> String {
        let lines = self.lines.lock().unwrap();
        lines.iter().map(|(_, _, line)| line.as_str()).collect::<Vec<_>>().join("\n")
    }
}

struct Collector {
    lines: Lines,
    spans: Mutex<Vec<(u64, String)>>,
    inside: Mutex<Vec<u64>>,
    ids: AtomicU64,
}

#[derive(Default)]
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        write!(self.0, " {}={value}", field.name()).unwrap();
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Other crates' debugging is not under test.
        *metadata.level() <= Level::INFO
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let mut fields = Fields::default();
        span.record(&mut fields);
        self.spans.lock().unwrap().push((id, fields.0));
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let (spans, inside) = (self.spans.lock().unwrap(), self.inside.lock().unwrap());
        for (_, of_span) in spans.iter().filter(|(id, _)| inside.contains(id)) {
            fields.0.push_str(of_span);
        }
        let metadata = event.metadata();
        let line = format!("{} {}{}", metadata.level(), metadata.target(), fields.0);
        self.lines.lock().unwrap().push((*metadata.level(), metadata.target(), line));
    }

    fn enter(&self, span: &Id) {
        self.inside.lock().unwrap().push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let mut inside = self.inside.lock().unwrap();
        if let Some(place) = inside.iter().rposition(|id| *id == span.into_u64()) {
            inside.remove(place);
        }
    }
}
