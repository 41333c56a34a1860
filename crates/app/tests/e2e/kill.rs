//! An acknowledged prediction is stored, whenever the process dies.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::api::assert_same;
use crate::database::Database;
use crate::load::{Load, Sent};
use crate::undertone::{Undertone, wait_for};

/// Sends texts over 64 connections for 30 s in all, with a `kill -9` after every ten.
fn every_acknowledged_prediction_survives(store: &str) {
    const CALLERS: usize = 64;
    const KILLS: usize = 3;
    let folder = TempDir::new().unwrap();
    let mut sent: Vec<Sent> = Vec::new();
    for _ in 0..KILLS {
        let running = Undertone::start(folder.path(), store, &[]);
        let load = Load::start(&running.api(), CALLERS, |_| false);
        load_for(&load, Duration::from_secs(10));
        running.kill();
        sent.extend(load.join());
    }
    let restarted = Undertone::start(folder.path(), store, &[]);
    let acknowledged: Vec<_> = sent.iter().filter_map(Sent::acknowledged).collect();
    assert!(acknowledged.len() > CALLERS * KILLS, "only {} answers: no load", acknowledged.len());
    for (answered, text) in &acknowledged {
        let id = answered["id"].as_str().expect("an id");
        assert_same(answered, &restarted.api().stored(id), text);
    }
}

/// Waits for `time`, and then until there is a response.
fn load_for(load: &Load, time: Duration) {
    let started = Instant::now();
    wait_for("the load to have run", || (started.elapsed() >= time && load.answered() > 0).then_some(()));
}

#[test]
fn every_acknowledged_prediction_survives_kill_9_on_sqlite() {
    every_acknowledged_prediction_survives("sqlite:data/undertone.db");
}

#[test]
fn every_acknowledged_prediction_survives_kill_9_on_postgres() {
    let database = Database::create();
    every_acknowledged_prediction_survives(&database.url());
}
