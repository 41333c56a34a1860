use std::collections::{HashMap, HashSet};

use anyhow::Context;
use serde_json::Value;

use super::ledger::{Kind, Violation};
use super::replica::{ENDED, KILLED};
use crate::test_run::local_cluster::Cluster;

/// An event in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) is_deletion: bool,
    pub(super) prediction: String,
    /// When it got its position, in the format of log lines, in which texts are ordered like their times.
    pub(super) sequenced_at: Option<String>,
    pub(super) position: Option<u64>,
}

/// The outbox at the end of a run.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// The events in the order in which they were written.
    pub(super) events: Vec<Event>,
    /// The last position that was assigned.
    pub(super) last_position: u64,
    /// The last position that the sink `log` has passed, of which it writes the line before; `None` for releases
    /// without sinks, where an event got its position when it had been published.
    pub(super) logged_position: Option<u64>,
}

/// One process of a replica, read from the log.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Process {
    /// The time of its first line, and that of its last.
    first: Option<String>,
    last: Option<String>,
    /// Whether it was killed: its last log lines may not have been written then.
    killed: bool,
    /// The ids of the events that it published in its log.
    events: Vec<String>,
}

const EVENTS: &str = r#"SELECT event_id, event_type = 'PredictionDeleted', prediction_id,
    to_char(published_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), position FROM outbox ORDER BY seq"#;

impl Outbox {
    /// Reads the outbox from the database.
    pub(super) fn read(cluster: &Cluster) -> anyhow::Result<Self> {
        let rows = cluster.query(EVENTS)?;
        let events =
            rows.lines().map(|row| event(row).with_context(|| format!("cannot read the outbox row {row:?}")));
        let events = events.collect::<anyhow::Result<_>>()?;
        let last_position = cluster.query("SELECT last_position FROM outbox_feed")?.trim().parse()?;
        let has_sinks = cluster.query("SELECT to_regclass('sinks') IS NOT NULL")?.trim() == "t";
        let logged_position = has_sinks.then(|| logged_position(cluster)).transpose()?;
        Ok(Self { events, last_position, logged_position })
    }

    /// Whether every event has a position and the log has passed the last one.
    pub(super) fn is_delivered(&self) -> bool {
        self.events.iter().all(|event| event.position.is_some()) && !self.is_log_behind()
    }

    fn is_log_behind(&self) -> bool {
        self.logged_position.is_some_and(|logged| logged < self.last_position)
    }

    /// Checks that every event has a position, that each position is assigned once, and that the log has passed them.
    pub(super) fn check_feed(&self) -> Vec<Violation> {
        let waiting = self.events.iter().filter(|event| event.position.is_none());
        let mut found: Vec<Violation> =
            waiting.map(|event| Kind::Unpublished.violation(format!("{event:?} has no position"))).collect();
        if self.is_log_behind() {
            let what = format!("the log has passed {:?} of {}", self.logged_position, self.last_position);
            found.push(Kind::Unpublished.violation(what));
        }
        let mut positions: Vec<u64> = self.events.iter().filter_map(|event| event.position).collect();
        positions.sort_unstable();
        for pair in positions.windows(2).filter(|pair| pair[0] == pair[1]) {
            found.push(
                Kind::Doubled.violation(format!("position {} in the feed was assigned twice", pair[0])),
            );
        }
        positions.dedup();
        if !positions.iter().copied().eq(1..=self.last_position) {
            let what = format!(
                "the feed ends at position {} and has {} positions",
                self.last_position,
                positions.len()
            );
            found.push(Kind::Unpublished.violation(what));
        }
        found
    }

    /// Checks the events of the predictions: one for each stored prediction, two in order for each deleted one.
    pub(super) fn check_events(&self, stored: &HashSet<&str>, deleted: &HashSet<&str>) -> Vec<Violation> {
        let mut of_prediction: HashMap<&str, Vec<&Event>> = HashMap::new();
        for event in &self.events {
            of_prediction.entry(&event.prediction).or_default().push(event);
        }
        let mut found = Vec::new();
        for id in stored.iter().chain(deleted) {
            let events = of_prediction.remove(id).unwrap_or_default();
            let deletions: Vec<bool> = events.iter().map(|event| event.is_deletion).collect();
            let in_order = events.is_sorted_by_key(|event| event.position);
            let kind = match (deletions.as_slice(), deleted.contains(id)) {
                ([false], false) | ([false, true], true) if in_order => continue,
                ([] | [false], _) => Kind::Lost,
                _ => Kind::Doubled,
            };
            found.push(kind.violation(format!("the events of prediction {id} are {events:?}")));
        }
        for (id, events) in of_prediction {
            found
                .push(Kind::Lost.violation(format!("there is no prediction {id} for its events {events:?}")));
        }
        found
    }

    /// Checks that each event is in at least one log, and that the logs have no others.
    ///
    /// In releases without sinks, events that a replica may have published after its last log line before it was killed
    /// are no violation; the second value is their number. A sink passes an event when its line has been written.
    pub(super) fn check_logs(&self, logs: &[Vec<Process>]) -> (Vec<Violation>, usize) {
        let logged: HashSet<&str> =
            logs.iter().flatten().flat_map(|process| process.events.iter().map(String::as_str)).collect();
        let missing = self.events.iter().filter(|event| !logged.contains(event.id.as_str()));
        let (cut, missing): (Vec<_>, Vec<_>) =
            missing.partition(|event| self.logged_position.is_none() && was_cut(event, logs));
        let mut found: Vec<Violation> = missing
            .iter()
            .map(|event| Kind::Unpublished.violation(format!("{event:?} is in no log")))
            .collect();
        let known: HashSet<&str> = self.events.iter().map(|event| event.id.as_str()).collect();
        for id in logged.difference(&known) {
            found.push(Kind::Lost.violation(format!("event {id} was published and is not in the outbox")));
        }
        (found, cut.len())
    }
}

/// The last position that the sink `log` has passed; 0 if it has never run.
fn logged_position(cluster: &Cluster) -> anyhow::Result<u64> {
    let position: i64 = cluster.query("SELECT position FROM sinks WHERE name = 'log'")?.trim().parse()?;
    Ok(position.max(0).unsigned_abs())
}

/// Whether an event got its position between the last line of a killed process and the first line of the next.
fn was_cut(event: &Event, logs: &[Vec<Process>]) -> bool {
    let Some(at) = &event.sequenced_at else { return false };
    logs.iter().any(|processes| {
        processes.iter().enumerate().any(|(index, process)| {
            let next = processes[index + 1..].iter().find_map(|process| process.first.as_ref());
            let last = processes[..=index].iter().rev().find_map(|process| process.last.as_ref());
            process.killed && last.is_none_or(|last| at >= last) && next.is_none_or(|next| at <= next)
        })
    })
}

fn event(row: &str) -> Option<Event> {
    let mut columns = row.split('\t');
    let mut next = || columns.next();
    let (id, is_deletion, prediction) = (next()?.to_owned(), next()? == "t", next()?.to_owned());
    let sequenced_at = Some(next()?.to_owned()).filter(|time| !time.is_empty());
    let position = Some(next()?).filter(|position| !position.is_empty());
    let position = position.map(str::parse).transpose().ok()?;
    Some(Event { id, is_deletion, prediction, sequenced_at, position })
}

/// Divides a replica's log into its processes.
pub(super) fn processes(log: &str) -> Vec<Process> {
    let mut processes = vec![Process::default()];
    for line in log.lines() {
        let Some(process) = processes.last_mut() else { continue };
        if line == KILLED || line == ENDED {
            process.killed = line == KILLED;
            processes.push(Process::default());
            continue;
        }
        // A line that was cut off when its process was killed is not valid JSON.
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        let Some(time) = line["timestamp"].as_str() else { continue };
        process.first.get_or_insert_with(|| time.to_owned());
        process.last = Some(time.to_owned());
        if line["target"] == "undertone::event" {
            process.events.extend(line["fields"]["event_id"].as_str().map(str::to_owned));
        }
    }
    processes
}

#[cfg(test)]
mod tests;
