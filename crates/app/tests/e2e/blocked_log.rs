//! The reader of standard output stops: the service continues, and logs later how many lines it dropped.

use std::collections::HashSet;

use tempfile::TempDir;

use crate::api::Api;
use crate::events::Feed;
use crate::load::Load;
use crate::undertone::{Undertone, wait_for};

/// Every line that the program and its libraries can log, so that the log is soon full.
const TALKATIVE: &str = "log.filter=trace,hf_hub=off";

/// The most events of one pass of a sink.
const PASS: u64 = 256;

fn dropped_lines(api: &Api) -> u64 {
    let metrics = api.text("/metrics");
    let line = metrics.lines().find(|line| line.starts_with("undertone_log_lines_dropped_total "));
    let value = line.and_then(|line| line.rsplit(' ').next()).expect("the metric is there from the start");
    value.parse().expect("a whole number")
}

fn is_served(api: &Api) {
    assert_eq!(api.predict("the log is not read").unwrap().status, 200);
    for path in ["/health", "/health/ready", "/api/v1/predictions"] {
        assert_eq!(api.get(path).unwrap().status, 200, "{path}");
    }
}

fn acknowledged(load: Load) -> HashSet<String> {
    let sent = load.end();
    let answers = sent.iter().filter_map(|one| one.answer.as_ref());
    answers.map(|answer| answer.body["id"].as_str().expect("an answer").to_owned()).collect()
}

#[test]
fn a_stopped_reader_of_the_log_affects_nothing_else() {
    let folder = TempDir::new().unwrap();
    let running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &[TALKATIVE]);
    let api = running.api();
    // A slow reader may have missed some of so many lines already.
    let before = dropped_lines(&api);
    running.stop_reading();
    let load = Load::start(&api, 8, |_| false);
    wait_for("dropped lines", || (dropped_lines(&api) > before).then_some(()));
    let answered = load.answered();
    wait_for("more answers", || (load.answered() > answered + 100).then_some(()));
    is_served(&api);
    let expected = acknowledged(load);

    running.read_on();
    let is_report = |line: &serde_json::Value| line["fields"]["lines"].as_u64() > Some(0);
    wait_for("a line about dropped ones", || running.log().iter().find(|line| is_report(line)).map(drop));
    // An event whose line was dropped is published again.
    let published = || running.events().into_iter().map(|event| event.prediction_id).collect::<HashSet<_>>();
    wait_for("every event", || expected.is_subset(&published()).then_some(()));
    is_served(&api);
}

#[test]
fn a_log_that_is_not_read_delays_neither_positions_nor_counts_and_becomes_a_gap() {
    let folder = TempDir::new().unwrap();
    let settings = [TALKATIVE, "outbox.keep=2"];
    let running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &settings);
    let api = running.api();
    let before = dropped_lines(&api);
    running.stop_reading();
    let load = Load::start(&api, 8, |_| false);
    wait_for("dropped lines", || (dropped_lines(&api) > before).then_some(()));
    let status = |component: &str| {
        let health = api.get("/health").unwrap().body;
        let mut components = health["components"].as_array().unwrap().iter();
        let named = components.find(|it| it["name"] == component).unwrap();
        named["status"].as_str().unwrap().to_owned()
    };
    wait_for("a gap", || (status("events") != "healthy").then_some(()));
    assert_eq!(api.get("/health").unwrap().body["status"], "degraded");
    // More than the blocked pass may have in its hands.
    let answered = load.answered();
    wait_for("more events", || (load.answered() > answered + 2 * PASS).then_some(()));
    let stored = acknowledged(load).len() as u64;
    wait_for("all predictions to be counted", || {
        let trends = api.get("/api/v1/analytics/trends").unwrap().body;
        let buckets = trends["buckets"].as_array().unwrap().iter();
        (buckets.filter_map(|bucket| bucket["total"].as_u64()).sum::<u64>() >= stored).then_some(())
    });

    wait_for("all events to be purged", || {
        let first = Feed::open(&running.address, Some(0), None).message()?;
        (first.kind == "gap" && first.data["purged"].as_u64() >= Some(stored)).then_some(())
    });
    running.read_on();
    wait_for("the sink of the log", || (status("events") == "healthy").then_some(()));
    let metrics = api.text("/metrics");
    let lost =
        metrics.lines().find(|line| line.starts_with("undertone_sink_lost_events_total{sink=\"log\"}"));
    assert!(lost.is_some_and(|line| !line.ends_with(" 0")), "{lost:?}");
}

#[test]
fn a_shutdown_does_not_wait_for_a_stopped_reader_of_the_log() {
    let folder = TempDir::new().unwrap();
    let settings = [TALKATIVE, "server.drain_delay=0"];
    let mut running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &settings);
    let api = running.api();
    let before = dropped_lines(&api);
    running.stop_reading();
    let load = Load::start(&api, 8, |_| false);
    wait_for("dropped lines", || (dropped_lines(&api) > before).then_some(()));
    drop(load.end());
    running.terminate();
    assert_eq!(running.wait().code(), Some(0));
}

#[test]
fn the_last_line_of_the_log_is_written_at_every_end() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("empty-model")).unwrap();
    let settings = ["models.other.path=./empty-model", "server.drain_delay=0"];
    for (settings, expected) in [(&settings[..], 2), (&settings[1..], 0)] {
        let mut running = Undertone::launch(folder.path(), "sqlite:data/undertone.db", settings);
        if expected == 0 {
            running.terminate();
        }
        assert_eq!(running.wait().code(), Some(expected));
        let is_last = || running.log().last().is_some_and(|line| line["fields"]["message"] == "stopped");
        wait_for("the last line", || is_last().then_some(()));
    }
}
