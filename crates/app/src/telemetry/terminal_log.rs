//! The log for a person: a line for each request, and warnings that can be read. A layer of `tracing` gathers what the
//! spans and events say; `cli` makes the lines.

use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use application::ports::Clock;
use cli::{EventLine, LineLevel, RequestLine, Screen, time_of_day};
use infra_local::{LogQueue, SystemClock};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};
use tracing_subscriber::{EnvFilter, Layer, prelude::*};

/// The span of a request.
const REQUEST_SPAN: &str = "http.request";
/// The target of the event at a request's end.
const REQUEST_END: &str = "undertone::http";
/// The target of the sink `log` of the feed, whose lines are for programs.
const FEED: &str = "undertone::event";

/// The log of a service on a terminal.
pub(crate) struct TerminalLog {
    queue: Arc<LogQueue>,
    is_ready: Arc<AtomicBool>,
}

impl TerminalLog {
    /// Sets up the log, whose lines go through `queue`. With `has_callers`, requests have a column for their caller.
    ///
    /// # Errors
    /// A log that is set up already.
    pub(super) fn init(filter: EnvFilter, queue: &Arc<LogQueue>, has_callers: bool) -> anyhow::Result<Self> {
        let is_ready = Arc::<AtomicBool>::default();
        let layer = TerminalLayer { queue: queue.clone(), is_ready: is_ready.clone(), has_callers };
        let outcome = tracing_subscriber::registry().with(filter).with(layer).try_init();
        outcome.map_err(|error| anyhow::anyhow!("cannot set up the log: {error}"))?;
        Ok(Self { queue: queue.clone(), is_ready })
    }

    /// Shows a text beside the log's lines.
    pub(crate) fn show(&self, text: &str) {
        self.queue.push(text.as_bytes());
    }

    /// From now on the log also has what happens besides requests and warnings. Before, the parts of the service log
    /// that they start, which the banner says in fewer words.
    pub(crate) fn service_is_ready(&self) {
        self.is_ready.store(true, Ordering::Relaxed);
    }
}

/// Removes the events of the feed from `filter`, unless it names them: their lines are for programs.
pub(super) fn without_feed(filter: EnvFilter, text: &str) -> anyhow::Result<EnvFilter> {
    Ok(if text.contains(FEED) { filter } else { filter.add_directive(format!("{FEED}=off").parse()?) })
}

struct TerminalLayer {
    queue: Arc<LogQueue>,
    is_ready: Arc<AtomicBool>,
    has_callers: bool,
}

/// What the span of a request has recorded.
#[derive(Debug, Default)]
struct RequestFields {
    request_id: String,
    method: String,
    endpoint: String,
    path: Option<String>,
    caller: Option<String>,
}

impl Visit for RequestFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "request_id" => value.clone_into(&mut self.request_id),
            "method" => value.clone_into(&mut self.method),
            "endpoint" => value.clone_into(&mut self.endpoint),
            "path" => self.path = Some(value.to_owned()),
            "caller" => self.caller = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn fmt::Debug) {}
}

/// What an event says: its message, and the names and values beside it.
#[derive(Debug, Default)]
struct EventFields {
    message: String,
    others: Vec<(String, String)>,
}

impl EventFields {
    fn number(&self, name: &str) -> u64 {
        let value = self.others.iter().find(|(field, _)| field == name);
        value.and_then(|(_, value)| value.parse().ok()).unwrap_or_default()
    }

    fn add(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            // Where in the code a record of the crate `log` is from.
            name if name.starts_with("log.") => {}
            name => self.others.push((name.to_owned(), value)),
        }
    }
}

impl Visit for EventFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for TerminalLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().name() != REQUEST_SPAN {
            return;
        }
        let mut fields = RequestFields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<RequestFields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = EventFields::default();
        event.record(&mut fields);
        let (time, screen) = (time_of_day(SystemClock.now()), Screen::of_standard_output());
        let request = (event.metadata().target() == REQUEST_END).then(|| context.event_span(event)).flatten();
        let line = match request {
            Some(span) => self.request_line(&span, &fields, &time, screen),
            None => self.event_line(*event.metadata().level(), &fields, &time, screen),
        };
        if let Some(line) = line {
            // The queue accepts or drops it, and counts what it drops.
            let _ = (&*self.queue).write_all(line.as_bytes());
        }
    }
}

impl TerminalLayer {
    fn request_line<'span, S: LookupSpan<'span>>(
        &self,
        span: &SpanRef<'span, S>,
        end: &EventFields,
        time: &str,
        screen: Screen,
    ) -> Option<String> {
        let extensions = span.extensions();
        let request = extensions.get::<RequestFields>()?;
        let line = RequestLine {
            time,
            method: &request.method,
            path: request.path.as_ref().unwrap_or(&request.endpoint),
            status: end.number("status_code"),
            duration_ms: end.number("duration_ms"),
            caller: self.has_callers.then(|| request.caller.as_deref().unwrap_or("")),
            request_id: &request.request_id,
        };
        Some(line.render(screen))
    }

    fn event_line(&self, level: Level, fields: &EventFields, time: &str, screen: Screen) -> Option<String> {
        let level = match level {
            Level::ERROR => LineLevel::Error,
            Level::WARN => LineLevel::Warning,
            Level::INFO => LineLevel::Info,
            _ => LineLevel::Detail,
        };
        if level == LineLevel::Info && !self.is_ready.load(Ordering::Relaxed) {
            return None;
        }
        let line = EventLine { time, level, message: &fields.message, fields: &fields.others };
        Some(line.render(screen))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};
    use std::time::Duration;

    use super::*;

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What the log shows of `events`, without the times.
    fn shown(is_ready: bool, events: impl FnOnce()) -> Vec<String> {
        let output = Output::default();
        let queue = Arc::new(LogQueue::start(output.clone(), 1 << 16).unwrap());
        let is_ready = Arc::new(AtomicBool::new(is_ready));
        let layer = TerminalLayer { queue: queue.clone(), is_ready, has_callers: true };
        let filter = without_feed(EnvFilter::new("info"), "info").unwrap();
        let subscriber = tracing_subscriber::registry().with(filter).with(layer);
        tracing::subscriber::with_default(subscriber, events);
        assert!(queue.close(Duration::from_mins(1)));
        let text = String::from_utf8(output.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| line.get(10..).unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn a_request_is_one_line_with_what_its_span_has_recorded() {
        let lines = shown(false, || {
            let span = tracing::info_span!(
                "http.request",
                request_id = "abc",
                method = "POST",
                endpoint = "/api/{id}",
                path = tracing::field::Empty,
                caller = tracing::field::Empty
            );
            span.record("path", "/api/7\u{1b}[2J");
            span.record("caller", "acme/key");
            span.in_scope(|| {
                tracing::info!(target: "undertone::http", status_code = 200_u16, duration_ms = 5_u64, "ended");
            });
        });
        let words: Vec<&str> = lines[0].split_whitespace().collect();
        assert_eq!(words, ["POST", "/api/7␛[2J", "200", "5", "ms", "acme/key", "abc"]);
    }

    #[test]
    fn until_the_service_is_ready_only_warnings_are_shown() {
        let events = || {
            tracing::info!(address = "127.0.0.1:1", "listening");
            tracing::warn!(limit = 3, "too low");
            tracing::info!(target: "undertone::event", "event published");
        };
        assert_eq!(shown(false, events), ["warn   too low  limit=3"]);
        assert_eq!(shown(true, events), ["info   listening  address=127.0.0.1:1", "warn   too low  limit=3"]);
    }
}
