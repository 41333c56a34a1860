//! Two processes on one PostgreSQL whose hosts' clocks are two hours apart.

use std::collections::HashSet;
use std::path::Path;

use tempfile::TempDir;

use crate::database::Database;
use crate::load::Load;
use crate::undertone::{Event, Undertone, wait_for};

/// A clock that is ahead, and a clock that is behind.
const WRONG: [&str; 2] = ["clock.offset_s=3600", "clock.offset_s=-3600"];

/// The lease of the relay.
#[derive(Debug, PartialEq, Eq)]
struct LeaseRow {
    holder: Option<String>,
    fence: i64,
}

/// Two replicas and the events that they have published.
struct Replicas {
    database: Database,
    running: Vec<Undertone>,
    expected: HashSet<String>,
}

impl Replicas {
    fn start(folder: &Path) -> Self {
        let database = Database::create();
        let running = WRONG.map(|clock| Undertone::start(folder, &database.url(), &[clock])).into();
        Self { database, running, expected: HashSet::new() }
    }

    fn lease(&self) -> LeaseRow {
        let (holder, fence) =
            self.database.fetch_one("SELECT holder, fence FROM leases WHERE name = 'outbox-relay'");
        LeaseRow { holder, fence }
    }

    /// Sends some requests to every replica.
    fn some_load(&mut self) {
        for replica in &self.running {
            let load = Load::start(&replica.api(), 4, |_| false);
            wait_for("some load", || (load.answered() > 40).then_some(()));
            let sent = load.end();
            let answers = sent.iter().filter_map(|one| one.answer.as_ref());
            self.expected.extend(answers.map(|it| it.body["id"].as_str().expect("an answer").to_owned()));
        }
    }

    /// Waits until the events of all predictions have been published, including those in `before`.
    fn wait_for_events(&self, before: &[Event]) {
        wait_for("every event", || {
            let running = self.running.iter().flat_map(Undertone::events);
            let published: HashSet<_> =
                before.iter().cloned().chain(running).map(|event| event.prediction_id).collect();
            self.expected.is_subset(&published).then_some(())
        });
    }

    /// Asserts that every event has a position and that no position is missing.
    fn assert_no_event_was_skipped(&self) {
        let (events, unpublished, first, last): (i64, i64, Option<i64>, Option<i64>) = self.database.fetch_one(
            "SELECT count(*), count(*) FILTER (WHERE published_at IS NULL), min(position), max(position) FROM outbox",
        );
        assert_eq!(usize::try_from(events), Ok(self.expected.len()), "an event was purged or is missing");
        assert_eq!((unpublished, first, last), (0, Some(1), Some(events)));
    }
}

/// Asserts that the other replica takes over when the leader `leader` dies.
fn the_lease_passes_on(leader: usize) {
    let folder = TempDir::new().unwrap();
    let mut replicas = Replicas::start(folder.path());
    // The other is paused, so that the one that is to die becomes the leader.
    let other = replicas.running.remove(1 - leader);
    drop(other);
    wait_for("the leader", || {
        replicas.some_load();
        (!replicas.running[0].events().is_empty()).then_some(())
    });
    let url = replicas.database.url();
    replicas.running.push(Undertone::start(folder.path(), &url, &[WRONG[1 - leader]]));

    let held = replicas.lease();
    for _ in 0..4 {
        replicas.some_load();
        replicas.wait_for_events(&[]);
    }
    assert_eq!(replicas.lease(), held, "the lease changed hands while its holder was alive");
    assert!(replicas.running[1].events().is_empty(), "two lead");

    let published = replicas.running.remove(0).kill();
    // The other tries twice a second, and takes over when the dead leader's lease has expired.
    let (left_s,): (f64,) = replicas
        .database
        .fetch_one("SELECT extract(epoch FROM expires_at - clock_timestamp())::float8 FROM leases");
    assert!(left_s <= 10.0, "the dead leader's lease runs for {left_s} s more");
    let killed = std::time::Instant::now();
    replicas.some_load();
    replicas.wait_for_events(&published);
    println!("taken over within {:?}", killed.elapsed());
    let next = replicas.lease();
    assert_eq!(next.fence, held.fence + 1);
    assert_ne!(next.holder, held.holder);
    wait_for("every event to be marked", || {
        let (left,): (i64,) =
            replicas.database.fetch_one("SELECT count(*) FROM outbox WHERE published_at IS NULL");
        (left == 0).then_some(())
    });
    replicas.assert_no_event_was_skipped();
}

#[test]
fn a_dead_leader_whose_clock_was_an_hour_ahead_is_followed_by_one_an_hour_behind() {
    the_lease_passes_on(0);
}

#[test]
fn a_dead_leader_whose_clock_was_an_hour_behind_is_followed_by_one_an_hour_ahead() {
    the_lease_passes_on(1);
}
