use std::collections::HashSet;

use super::*;

fn event(id: &str, is_deletion: bool, prediction: &str, position: Option<u64>) -> Event {
    let sequenced_at = position.map(|position| format!("2026-01-02T03:04:{position:02}.000000Z"));
    Event { id: id.to_owned(), is_deletion, prediction: prediction.to_owned(), sequenced_at, position }
}

fn outbox(events: &[Event], last_position: u64) -> Outbox {
    Outbox { events: events.to_vec(), last_position, logged_position: Some(last_position) }
}

fn kinds(found: &[Violation]) -> Vec<Kind> {
    found.iter().map(|violation| violation.kind).collect()
}

#[test]
fn a_row_is_read_with_and_without_a_position() {
    let sequenced = "e1\tf\tp1\t2026-01-02T03:04:01.000000Z\t1";
    assert_eq!(super::event(sequenced), Some(event("e1", false, "p1", Some(1))));
    assert_eq!(super::event("e2\tt\tp1\t\t"), Some(event("e2", true, "p1", None)));
    assert_eq!(super::event("e2\tt"), None);
}

#[test]
fn a_feed_has_every_event_and_every_position_once() {
    let [one, two] = [event("a", false, "p", Some(1)), event("b", false, "q", Some(2))];
    let waits = event("c", false, "r", None);
    let check = |events: &[Event], last| kinds(&outbox(events, last).check_feed());
    assert_eq!(check(&[one.clone(), two.clone()], 2), []);
    assert_eq!(check(&[one.clone(), waits], 1), [Kind::Unpublished]);
    assert_eq!(check(&[one.clone(), one.clone()], 1), [Kind::Doubled]);
    assert_eq!(check(std::slice::from_ref(&two), 2), [Kind::Unpublished]);
    assert_eq!(check(&[one, two], 3), [Kind::Unpublished]);
}

#[test]
fn a_feed_is_delivered_when_its_log_has_passed_the_last_position() {
    let events = [event("a", false, "p", Some(1)), event("b", false, "q", Some(2))];
    let check = |events: &[Event], logged_position| {
        let outbox = Outbox { logged_position, ..outbox(events, 2) };
        (outbox.is_delivered(), kinds(&outbox.check_feed()))
    };
    assert_eq!(check(&events, Some(2)), (true, vec![]));
    assert_eq!(check(&events, Some(1)), (false, vec![Kind::Unpublished]));
    // A release without sinks gives an event its position when it is published.
    assert_eq!(check(&events, None), (true, vec![]));
    let waits = [events[0].clone(), events[1].clone(), event("c", false, "r", None)];
    assert_eq!(check(&waits, Some(2)), (false, vec![Kind::Unpublished]));
}

#[test]
fn a_prediction_has_one_event_and_a_deleted_one_two_in_order() {
    let (stored, deleted) = (HashSet::from(["p"]), HashSet::from(["q"]));
    let [p, q, q_deleted] =
        [event("a", false, "p", Some(1)), event("b", false, "q", Some(2)), event("c", true, "q", Some(3))];
    let check = |events: &[&Event]| {
        let events: Vec<Event> = events.iter().map(|event| (*event).clone()).collect();
        kinds(&outbox(&events, 3).check_events(&stored, &deleted))
    };
    assert_eq!(check(&[&p, &q, &q_deleted]), []);
    assert_eq!(check(&[&q, &q_deleted]), [Kind::Lost]);
    assert_eq!(check(&[&p, &q]), [Kind::Lost]);
    assert_eq!(check(&[&p, &p, &q, &q_deleted]), [Kind::Doubled]);
    let early = event("c", true, "q", Some(1));
    assert_eq!(check(&[&p, &q, &early]), [Kind::Doubled]);
    let foreign = event("d", false, "r", Some(4));
    assert_eq!(check(&[&p, &q, &q_deleted, &foreign]), [Kind::Lost]);
}

/// A log line with or without an event.
fn line(second: u32, event: Option<&str>) -> String {
    let time = format!("2026-01-02T03:04:{second:02}.500000Z");
    match event {
        Some(id) => {
            format!(r#"{{"timestamp":"{time}","target":"undertone::event","fields":{{"event_id":"{id}"}}}}"#)
        }
        None => format!(r#"{{"timestamp":"{time}","target":"undertone","fields":{{}}}}"#),
    }
}

#[test]
fn a_kill_excuses_a_missing_log_line_only_without_a_sink() {
    let events = [event("a", false, "p", Some(1)), event("b", false, "q", Some(5))];
    let [of_sink, without] =
        [Some(2), None].map(|logged_position| Outbox { logged_position, ..outbox(&events, 2) });
    let check = |outbox: &Outbox, lines: &[String]| {
        let (found, cut) = outbox.check_logs(&[processes(&lines.join("\n"))]);
        (kinds(&found), cut)
    };
    let [a, b] = [line(1, Some("a")), line(5, Some("b"))];
    let (killed, ended) = (KILLED.to_owned(), ENDED.to_owned());
    let torn = a[..40].to_owned();
    let later = line(9, None);
    for outbox in [&of_sink, &without] {
        assert_eq!(check(outbox, &[a.clone(), b.clone()]), (vec![], 0));
        // The process ended by itself, or was killed before the event got its position.
        let by_itself = [a.clone(), ended.clone(), later.clone()];
        assert_eq!(check(outbox, &by_itself), (vec![Kind::Unpublished], 0));
        let too_early = [a.clone(), killed.clone(), line(3, None)];
        assert_eq!(check(outbox, &too_early), (vec![Kind::Unpublished], 0));
        assert_eq!(check(outbox, &[a.clone(), b.clone(), line(6, Some("c"))]), (vec![Kind::Lost], 0));
    }
    // The process was killed after second 1.
    let cut = [a, torn, killed, later];
    assert_eq!(check(&without, &cut), (vec![], 1));
    assert_eq!(check(&of_sink, &cut), (vec![Kind::Unpublished], 0));
}

#[test]
fn a_log_is_divided_into_processes() {
    let log = [line(1, None), line(2, Some("a")), KILLED.to_owned(), ENDED.to_owned(), line(8, None)];
    let processes = processes(&log.join("\n"));
    let killed: Vec<bool> = processes.iter().map(|process| process.killed).collect();
    assert_eq!(killed, [true, false, false]);
    assert_eq!(processes[0].events, ["a"]);
    assert_eq!(processes[0].last.as_deref(), Some("2026-01-02T03:04:02.500000Z"));
    assert_eq!(processes[1], Process::default());
}
