use std::collections::HashSet;

use super::*;

fn event(id: &str, is_deletion: bool, prediction: &str, position: Option<u64>) -> Event {
    let published_at = position.map(|position| format!("2026-01-02T03:04:{position:02}.000000Z"));
    Event { id: id.to_owned(), is_deletion, prediction: prediction.to_owned(), published_at, position }
}

fn outbox(events: &[Event], last_position: u64) -> Outbox {
    Outbox { events: events.to_vec(), last_position }
}

fn kinds(found: &[Violation]) -> Vec<Kind> {
    found.iter().map(|violation| violation.kind).collect()
}

#[test]
fn a_row_is_read_with_and_without_a_position() {
    let published = "e1\tf\tp1\t2026-01-02T03:04:01.000000Z\t1";
    assert_eq!(super::event(published), Some(event("e1", false, "p1", Some(1))));
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
fn an_event_without_log_line_counts_unless_a_kill_may_have_cut_the_line() {
    let events = [event("a", false, "p", Some(1)), event("b", false, "q", Some(5))];
    let outbox = outbox(&events, 2);
    let check = |lines: &[String]| {
        let (found, cut) = outbox.check_logs(&[processes(&lines.join("\n"))]);
        (kinds(&found), cut)
    };
    let [a, b] = [line(1, Some("a")), line(5, Some("b"))];
    let (killed, ended) = (KILLED.to_owned(), ENDED.to_owned());
    let torn = a[..40].to_owned();
    assert_eq!(check(&[a.clone(), b.clone()]), (vec![], 0));
    // The process was killed after second 1, or ended by itself, or was killed before the event was published.
    assert_eq!(check(&[a.clone(), torn, killed.clone(), line(9, None)]), (vec![], 1));
    assert_eq!(check(&[a.clone(), ended, line(9, None)]), (vec![Kind::Unpublished], 0));
    assert_eq!(check(&[a.clone(), killed, line(3, None)]), (vec![Kind::Unpublished], 0));
    assert_eq!(check(&[a, b, line(6, Some("c"))]), (vec![Kind::Lost], 0));
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
