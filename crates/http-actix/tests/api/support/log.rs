use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex, OnceLock};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, NoSubscriber, set_default};
use tracing::{Dispatch, Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// Captures what this thread logs while the value lives: a line for each event with its level, target, message, fields,
/// and the fields of the enclosing spans; and the spans themselves.
pub(crate) struct Log {
    lines: Lines,
    spans: Spans,
    _guard: DefaultGuard,
}

/// With a single dispatcher, `tracing` caches a call site's interest from the thread that reaches it first, and
/// disables the call site for all threads if that one has no subscriber. With these two silent dispatchers more than
/// one is always alive, so that the interest of every thread counts.
static OTHERS: OnceLock<[Dispatch; 2]> = OnceLock::new();

/// Level, target and text of each line.
type Lines = Arc<Mutex<Vec<(Level, &'static str, String)>>>;

/// The spans in the order in which they were opened.
type Spans = Arc<Mutex<Vec<OpenedSpan>>>;

struct OpenedSpan {
    id: Id,
    parent: Option<Id>,
    name: &'static str,
    fields: String,
}

impl OpenedSpan {
    fn path(&self, spans: &[Self]) -> String {
        let parent = spans.iter().rfind(|span| Some(&span.id) == self.parent.as_ref());
        let before = parent.map(|parent| format!("{} > ", parent.path(spans))).unwrap_or_default();
        format!("{before}{}{}", self.name, self.fields)
    }
}

impl Log {
    pub(crate) fn capture() -> Self {
        OTHERS.get_or_init(|| std::array::from_fn(|_| Dispatch::new(NoSubscriber::new())));
        let (lines, spans) = (Lines::default(), Spans::default());
        let collector = Collector { lines: Arc::clone(&lines), spans: Arc::clone(&spans) };
        // Debug events of other crates are not under test.
        let registry = Registry::default().with(collector.with_filter(LevelFilter::INFO));
        Self { lines, spans, _guard: set_default(registry) }
    }

    pub(crate) fn lines(&self, target: &str) -> Vec<String> {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|(_, of, _)| *of == target).map(|(_, _, line)| line.clone()).collect()
    }

    pub(crate) fn errors(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|(level, _, _)| *level == Level::ERROR).map(|(_, _, line)| line.clone()).collect()
    }

    /// Returns the spans in the order in which they were opened, each with its name and fields after those of its
    /// parents.
    pub(crate) fn spans(&self) -> Vec<String> {
        let spans = self.spans.lock().unwrap();
        spans.iter().map(|span| span.path(&spans)).collect()
    }

    pub(crate) fn text(&self) -> String {
        let lines = self.lines.lock().unwrap();
        lines.iter().map(|(_, _, line)| line.as_str()).collect::<Vec<_>>().join("\n")
    }
}

struct Collector {
    lines: Lines,
    spans: Spans,
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

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Collector {
    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        span.record(&mut fields);
        let parent = context.span(id).and_then(|span| span.parent()).map(|parent| parent.id());
        let name = span.metadata().name();
        self.spans.lock().unwrap().push(OpenedSpan { id: id.clone(), parent, name, fields: fields.0 });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        // The registry reuses the id of a span that has ended.
        if let Some(span) = self.spans.lock().unwrap().iter_mut().rfind(|span| span.id == *id) {
            span.fields.push_str(&fields.0);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let spans = self.spans.lock().unwrap();
        for around in context.event_scope(event).into_iter().flatten() {
            let opened = spans.iter().rfind(|span| span.id == around.id());
            fields.0.push_str(opened.map_or("", |span| &span.fields));
        }
        let metadata = event.metadata();
        let line = format!("{} {}{}", metadata.level(), metadata.target(), fields.0);
        self.lines.lock().unwrap().push((*metadata.level(), metadata.target(), line));
    }
}
