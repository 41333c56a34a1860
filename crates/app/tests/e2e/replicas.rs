//! Two processes on one PostgreSQL: one history, one relay at a time.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::thread;

use tempfile::TempDir;

use crate::api::{Answer, Api};
use crate::database::Database;
use crate::load::{Load, Sent};
use crate::undertone::{Event, Undertone, wait_for};

#[test]
fn two_processes_share_one_history_and_publish_every_event() {
    let database = Database::create();
    let folder = TempDir::new().unwrap();
    let (first, second) = start_two(folder.path(), &database.url());

    let id = predicted(&first.api().predict("seen by both").unwrap());
    assert_eq!(second.api().stored(&id)["text"], "seen by both");
    assert_eq!(second.api().delete(&format!("/api/v1/predictions/{id}")).unwrap().status, 204);
    assert_eq!(first.api().get(&format!("/api/v1/predictions/{id}")).unwrap().status, 404);

    let mut expected = some_load(&[first.api(), second.api()]);
    expected.insert(id.clone());
    let calm = || [first.events(), second.events()];
    wait_for("every event", || covers(&calm().concat(), &expected).then_some(()));
    wait_for("the deletion's event", || calm().concat().iter().any(is_deletion).then_some(()));
    assert_order_and_no_duplicates(&calm().concat());

    // Each relay is killed in turn, under load, and started again.
    let url = database.url();
    let mut recorded: Vec<Vec<Event>> = Vec::new();
    let mut running = vec![first, second];
    for _ in 0..2 {
        let load = Load::start(&running[0].api(), 8, |_| false);
        wait_for("some load", || (load.answered() > 50).then_some(()));
        recorded.push(running.remove(0).kill());
        expected.extend(acknowledged(&load.join()));
        running.push(Undertone::start(folder.path(), &url, &[]));
        expected.extend(some_load(&[running[0].api()]));
        let all = || recorded.iter().cloned().chain(running.iter().map(Undertone::events)).flatten();
        wait_for("every event after a kill", || covers(&all().collect::<Vec<_>>(), &expected).then_some(()));
    }
    recorded.extend(running.iter().map(Undertone::events));
    for published_by_one in &recorded {
        // Only a change of relay repeats an event: no process publishes one twice.
        assert_order_and_no_duplicates(published_by_one);
    }
}

fn start_two(folder: &Path, url: &str) -> (Undertone, Undertone) {
    thread::scope(|scope| {
        let first = scope.spawn(|| Undertone::start(folder, url, &[]));
        let second = Undertone::start(folder, url, &[]);
        (first.join().expect("started"), second)
    })
}

/// Sends a burst of texts to each and returns the acknowledged ids.
fn some_load(apis: &[Api]) -> HashSet<String> {
    let loads: Vec<Load> = apis.iter().map(|api| Load::start(api, 4, |_| false)).collect();
    for load in &loads {
        wait_for("some load", || (load.answered() > 40).then_some(()));
    }
    loads.into_iter().flat_map(|load| acknowledged(&load.end())).collect()
}

fn acknowledged(sent: &[Sent]) -> HashSet<String> {
    let ids = sent.iter().filter_map(|one| one.answer.as_ref()).filter(|answer| answer.status == 200);
    ids.map(predicted).collect()
}

fn predicted(answer: &Answer) -> String {
    answer.body["id"].as_str().expect("an id").to_owned()
}

fn is_deletion(event: &Event) -> bool {
    event.kind == "PredictionDeleted"
}

/// Whether every expected prediction has its event.
fn covers(events: &[Event], expected: &HashSet<String>) -> bool {
    let predicted: HashSet<&str> =
        events.iter().filter(|event| !is_deletion(event)).map(|event| event.prediction_id.as_str()).collect();
    expected.iter().all(|id| predicted.contains(id.as_str()))
}

fn assert_order_and_no_duplicates(events: &[Event]) {
    let mut seen: HashMap<&str, &Event> = HashMap::new();
    let mut deleted: HashSet<&str> = HashSet::new();
    for event in events {
        assert!(seen.insert(&event.id, event).is_none(), "{event:?} came twice");
        if is_deletion(event) {
            deleted.insert(&event.prediction_id);
        } else {
            assert!(!deleted.contains(event.prediction_id.as_str()), "{event:?} came after the deletion");
        }
    }
}
