//! The log's queue and the publisher before an output that blocks, fails or is slow.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use application::ports::{EventPublisher, FeedEvent};
use domain::value_objects::{EventId, PredictionId, TenantId, Timestamp};
use infra_local::{LogPublisher, LogQueue};
use testkit::CapturedLog;
use tracing::subscriber::{DefaultGuard, set_default};

/// Longer than any step of a test takes.
const LONG: Duration = Duration::from_mins(1);

/// An output that a test can block.
#[derive(Clone, Default)]
struct Output {
    blocked: Arc<(Mutex<bool>, Condvar)>,
    written: Arc<Mutex<Vec<u8>>>,
    fails: Arc<Mutex<bool>>,
}

impl Output {
    /// Makes writes wait until [`Output::resume`].
    fn block(&self) {
        *self.blocked.0.lock().unwrap() = true;
    }

    fn resume(&self) {
        *self.blocked.0.lock().unwrap() = false;
        self.blocked.1.notify_all();
    }

    fn lines(&self) -> Vec<String> {
        let written = String::from_utf8(self.written.lock().unwrap().clone()).expect("whole lines");
        written.lines().map(str::to_owned).collect()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        drop(self.blocked.1.wait_while(self.blocked.0.lock().unwrap(), |blocked| *blocked).unwrap());
        if *self.fails.lock().unwrap() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.written.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A queue before an output that receives this thread's log.
struct Log {
    output: Output,
    queue: Arc<LogQueue>,
    publisher: LogPublisher,
    _guard: DefaultGuard,
}

impl Log {
    fn start(max_bytes: usize, filter: &str) -> Self {
        // Other tests log on other threads: this enables every call site.
        drop(CapturedLog::start());
        let output = Output::default();
        let queue = Arc::new(LogQueue::start(output.clone(), max_bytes).expect("a thread"));
        let log = tracing_subscriber::fmt().with_writer(Arc::clone(&queue)).with_env_filter(filter).json();
        let publisher = LogPublisher::new(Arc::clone(&queue));
        Self { output, queue, publisher, _guard: set_default(log.finish()) }
    }

    /// The ids of the events in the output.
    fn events(&self) -> Vec<u128> {
        let id = |line: &String| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let id = line["fields"]["event_id"].as_str()?.replace('-', "");
            Some(u128::from_str_radix(&id, 16).expect("an id"))
        };
        self.output.lines().iter().filter_map(id).collect()
    }

    /// Publishes the events `ids`, which must all be delivered or all fail for the same reason.
    async fn publish(&self, ids: impl IntoIterator<Item = u128>) -> Result<(), String> {
        let events: Vec<_> = ids.into_iter().map(event).collect();
        let results = self.publisher.publish(&events).await;
        assert_eq!(results.len(), events.len());
        let results = results.into_iter().map(|result| result.map_err(|error| error.0.to_string()));
        let mut results: Vec<_> = results.collect();
        results.dedup();
        assert_eq!(results.len(), 1);
        results.remove(0)
    }
}

fn event(id: u128) -> FeedEvent {
    FeedEvent {
        tenant: TenantId::default(),
        event_id: EventId::from_u128(id),
        position: 3,
        event_type: "SentimentPredicted".to_owned(),
        aggregate_type: "prediction".to_owned(),
        aggregate_id: PredictionId::from_u128(8).to_string(),
        prediction_id: Some(PredictionId::from_u128(8)),
        traceparent: None,
        facts: None,
        occurred_at: Timestamp::from_micros(1_767_323_045_678_901),
        payload: r#"{"sentiment":"positive"}"#.to_owned(),
    }
}

#[test]
fn lines_are_written_completely_and_in_order() {
    let output = Output::default();
    let queue = LogQueue::start(output.clone(), 1 << 20).expect("a thread");
    for number in 0..1_000 {
        assert!(queue.push(format!("line {number}\n").as_bytes()));
    }
    assert!(queue.close(LONG));
    let expected: Vec<_> = (0..1_000).map(|number| format!("line {number}")).collect();
    assert_eq!(output.lines(), expected);
}

#[test]
fn lines_that_do_not_fit_are_dropped_and_counted_and_later_ones_are_written() {
    let output = Output::default();
    let queue = LogQueue::start(output.clone(), 1_000).expect("a thread");
    output.block();
    let accepted = (0..1_000).filter(|_| queue.push(b"123456789\n")).count();
    // A full buffer, and another one if the thread is writing it.
    assert!((100..=200).contains(&accepted), "{accepted}");
    assert_eq!(queue.dropped(), 1_000 - accepted as u64);
    output.resume();
    let started = std::time::Instant::now();
    while !queue.push(b"again\n") {
        assert!(started.elapsed() < LONG, "the queue stays full");
        std::thread::yield_now();
    }
    assert!(queue.close(LONG));
    assert_eq!(output.lines().len(), accepted + 1);
    assert_eq!(output.lines().last().map(String::as_str), Some("again"));
}

#[test]
fn closing_does_not_wait_for_a_blocked_output() {
    let output = Output::default();
    let queue = LogQueue::start(output.clone(), 1_000).expect("a thread");
    output.block();
    assert!(queue.push(b"a line\n"));
    assert!(!queue.close(Duration::from_millis(50)));
    assert!(!queue.push(b"too late\n"));
}

#[tokio::test]
async fn events_are_delivered_once_their_lines_are_written() {
    let log = Log::start(1 << 20, "info");
    log.publish(0..300).await.expect("delivered");
    assert_eq!(log.events(), (0..300).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_blocked_output_delivers_no_events_and_queues_none_twice() {
    let log = Log::start(1 << 20, "info");
    log.output.block();
    assert!(log.publish([1]).await.expect_err("not delivered").contains("is blocked"));
    for _ in 0..10 {
        assert!(log.publish([1]).await.is_err(), "the line is queued already");
    }
    log.output.resume();
    while log.events().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(log.events(), [1]);
    tokio::time::resume();
    while log.publish([2]).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(log.events(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn events_whose_lines_were_dropped_are_not_delivered() {
    let log = Log::start(2_000, "info");
    log.output.block();
    assert!(log.publish(0..100).await.expect_err("dropped").contains("is blocked"));
    log.output.resume();
    tokio::time::resume();
    while log.queue.dropped() == 0 || log.publish([1]).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!(log.publish((0..100).map(|_| 3)).await.expect_err("dropped").contains("dropped lines"));
    log.publish([2]).await.expect("delivered");
    assert_eq!(log.events().last(), Some(&2));
}

#[tokio::test]
async fn events_whose_write_fails_are_not_delivered() {
    let log = Log::start(2_000, "info");
    *log.output.fails.lock().unwrap() = true;
    assert!(log.publish([1]).await.is_err());
    assert_eq!(log.queue.dropped(), 1);
    *log.output.fails.lock().unwrap() = false;
    log.publish([1]).await.expect("delivered");
    assert_eq!(log.events(), [1]);
}

#[tokio::test]
async fn events_that_the_filter_excludes_are_discarded() {
    let log = Log::start(2_000, "info,undertone::event=off");
    log.output.block();
    log.publish(0..100).await.expect("discarded");
}

#[tokio::test]
async fn an_event_is_one_line_with_all_its_fields() {
    let queue = Arc::new(LogQueue::start(io::sink(), 1_000).expect("a thread"));
    let log = CapturedLog::start();
    LogPublisher::new(queue).publish(&[event(7)]).await.remove(0).expect("published");

    let lines = log.under("undertone::event");
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].level, lines[0].message.as_str()), (tracing::Level::INFO, "event published"));
    let expected = [
        ("event_id", "00000000-0000-0000-0000-000000000007"),
        ("event_type", "SentimentPredicted"),
        ("occurred_at_us", "1767323045678901"),
        ("payload", r#"{"sentiment":"positive"}"#),
        ("position", "3"),
        ("prediction_id", "00000000-0000-0000-0000-000000000008"),
        ("tenant", "default"),
    ];
    assert!(lines[0].fields.iter().map(|(name, value)| (*name, value.as_str())).eq(expected));
}
