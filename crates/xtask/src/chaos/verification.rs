use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use super::api::{Api, Reply};
use super::deployment::{Deployment, RECOVERY_REF};
use super::ledger::{Deletion, Item, Kind, Violation};
use super::outbox::{Outbox, processes};
use super::stop_signal::wait_until;

/// How long the feed and its log may take to catch up after the last write.
const CATCH_UP: Duration = Duration::from_mins(2);
/// How long one request may take on a busy machine with nothing wrong.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How many predictions are read at once.
const READERS: usize = 16;

/// The state after the last fault.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) violations: Vec<Violation>,
    pub(super) rows: usize,
    pub(super) events: usize,
    /// The number of events whose log line may have been lost with a killed process, in releases without sinks.
    pub(super) cut: usize,
}

/// Compares the acknowledged predictions with those that are stored, sequenced and logged.
pub(super) fn verify(deployment: &Deployment, texts: &[Item]) -> anyhow::Result<Findings> {
    let port = deployment.balancer.port();
    let rows = read_history(&Api::at(port, TIMEOUT))?;
    let mut violations = check_rows(texts, &rows);
    violations.extend(check_ids(port, texts)?);

    let outbox = || Outbox::read(&deployment.store.cluster);
    wait_until(CATCH_UP, || outbox().is_ok_and(|outbox| outbox.is_delivered()));
    let outbox = outbox()?;
    violations.extend(outbox.check_feed());
    let (stored, deleted) = stored_and_deleted(texts, &rows);
    violations.extend(outbox.check_events(&stored, &deleted));

    let check_logs = || -> anyhow::Result<_> {
        let logs: Vec<_> = deployment.replica_logs()?.iter().map(|log| processes(log)).collect();
        Ok(outbox.check_logs(&logs))
    };
    // A running replica writes its log lines with a delay.
    wait_until(TIMEOUT, || check_logs().is_ok_and(|(found, _)| found.is_empty()));
    let (found, cut) = check_logs()?;
    violations.extend(found);
    Ok(Findings { violations, rows: rows.len(), events: outbox.events.len(), cut })
}

/// Reads the whole history, page by page.
fn read_history(api: &Api) -> anyhow::Result<Vec<Value>> {
    let mut rows = Vec::new();
    let mut query = "limit=100".to_owned();
    loop {
        let body = retried(|| api.list(&query))?.context("the history was not found")?;
        let mut page: Value = serde_json::from_str(&body)?;
        let Value::Array(items) = page["items"].take() else { bail!("a page has no items: {body}") };
        rows.extend(items);
        let Some(cursor) = page["next_cursor"].as_str() else { return Ok(rows) };
        query = format!("limit=100&cursor={cursor}");
    }
}

/// Repeats a request while it is refused, as on a busy machine, and returns the body; `None` if nothing was found.
fn retried(mut request: impl FnMut() -> Reply) -> anyhow::Result<Option<String>> {
    let mut last = Reply::Unknown;
    wait_until(TIMEOUT, || {
        last = request();
        !matches!(last, Reply::Refused | Reply::Unknown)
    });
    match last {
        Reply::Success(body) => Ok(Some(body)),
        Reply::NotFound => Ok(None),
        other => bail!("a request failed after the deployment had recovered: {other:?}"),
    }
}

/// Checks the rows: an acknowledged text has one, a deleted one none, any other at most one.
fn check_rows(texts: &[Item], rows: &[Value]) -> Vec<Violation> {
    let mut by_ref: HashMap<&str, Vec<&Value>> = HashMap::new();
    let mut ids = HashSet::new();
    let mut found = Vec::new();
    for row in rows {
        by_ref.entry(row["ref"].as_str().unwrap_or_default()).or_default().push(row);
        if !ids.insert(row["id"].as_str().unwrap_or_default()) {
            found.push(Kind::Doubled.violation(format!("the history lists {} twice", row["id"])));
        }
    }
    by_ref.remove(RECOVERY_REF);
    for text in texts {
        let own = by_ref.remove(text.reference.as_str()).unwrap_or_default();
        found.extend(match (own.as_slice(), text.deletion) {
            ([], Deletion::NotRequested) if text.id().is_some() => {
                Some(Kind::Lost.violation(format!("{text:?} has no row")))
            }
            ([], _) => None,
            ([_], Deletion::Acknowledged) => Some(Kind::Undeleted.violation(format!("{text:?} has a row"))),
            ([row], _) => text.check(row),
            (own, _) => Some(Kind::Doubled.violation(format!("{text:?} has {} rows: {own:?}", own.len()))),
        });
    }
    for row in by_ref.values().flatten() {
        found.push(Kind::Altered.violation(format!("no client sent {row}")));
    }
    found
}

/// Reads every acknowledged prediction by its id.
fn check_ids(port: u16, texts: &[Item]) -> anyhow::Result<Vec<Violation>> {
    let next = AtomicUsize::new(0);
    let read = || -> anyhow::Result<Vec<Violation>> {
        let api = Api::at(port, TIMEOUT);
        let mut found = Vec::new();
        while let Some(text) = texts.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Some(id) = text.id() else { continue };
            let body = retried(|| api.get(id))?;
            found.extend(match (&body, text.deletion) {
                (None, Deletion::NotRequested) => {
                    Some(Kind::Lost.violation(format!("{text:?} is not found by its id")))
                }
                (Some(_), Deletion::Acknowledged) => {
                    Some(Kind::Undeleted.violation(format!("{text:?} is found by its id")))
                }
                (Some(body), _) => text.check(&serde_json::from_str(body)?),
                (None, _) => None,
            });
        }
        Ok(found)
    };
    thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(read)).collect();
        let mut found = Vec::new();
        for reader in readers {
            found.extend(reader.join().map_err(|_| anyhow::anyhow!("a reader panicked"))??);
        }
        Ok(found)
    })
}

/// Returns the ids of the stored predictions and of the deleted ones.
fn stored_and_deleted<'a>(texts: &'a [Item], rows: &'a [Value]) -> (HashSet<&'a str>, HashSet<&'a str>) {
    let stored: HashSet<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    let requested = texts.iter().filter(|text| text.deletion != Deletion::NotRequested);
    let deleted = requested.filter_map(Item::id).filter(|id| !stored.contains(id)).collect();
    (stored, deleted)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chaos::ledger::Outcome;

    fn text(reference: &str, acknowledged: bool, deletion: Deletion) -> Item {
        let prediction = json!({ "id": reference, "ref": reference }).to_string();
        let id = reference.to_owned();
        let outcome = if acknowledged { Outcome::Acknowledged { id, prediction } } else { Outcome::Unknown };
        Item { reference: reference.to_owned(), text: "t".to_owned(), outcome, deletion }
    }

    fn row(reference: &str) -> Value {
        json!({ "id": reference, "ref": reference, "text": "t" })
    }

    #[test]
    fn an_acknowledged_text_has_one_row_and_an_unknown_one_at_most_one() {
        let check = |acknowledged, deletion, rows: &[Value]| {
            let found = check_rows(&[text("a", acknowledged, deletion)], rows);
            found.iter().map(|violation| violation.kind).collect::<Vec<_>>()
        };
        let mut other = row("a");
        other["id"] = json!("b");
        assert_eq!(check(true, Deletion::NotRequested, &[row("a")]), []);
        assert_eq!(check(true, Deletion::NotRequested, &[]), [Kind::Lost]);
        assert_eq!(check(true, Deletion::NotRequested, &[row("a"), other.clone()]), [Kind::Doubled]);
        assert_eq!(
            check(true, Deletion::NotRequested, &[row("a"), row("a")]),
            [Kind::Doubled, Kind::Doubled]
        );
        assert_eq!(check(true, Deletion::NotRequested, std::slice::from_ref(&other)), [Kind::Altered]);
        assert_eq!(check(true, Deletion::Acknowledged, &[row("a")]), [Kind::Undeleted]);
        assert_eq!(check(true, Deletion::Acknowledged, &[]), []);
        assert_eq!(check(true, Deletion::Unknown, &[]), []);
        assert_eq!(check(false, Deletion::NotRequested, &[]), []);
        assert_eq!(check(false, Deletion::NotRequested, &[row("a")]), []);
        assert_eq!(check(false, Deletion::NotRequested, &[row("a"), other]), [Kind::Doubled]);
        assert_eq!(check(false, Deletion::NotRequested, &[row("z")]), [Kind::Altered]);
        assert_eq!(check(false, Deletion::NotRequested, &[row(RECOVERY_REF)]), []);
    }

    #[test]
    fn an_unknown_deletion_happened_if_there_is_no_row() {
        let texts = [text("a", true, Deletion::Unknown), text("b", true, Deletion::Unknown)];
        let rows = [row("a")];
        assert_eq!(stored_and_deleted(&texts, &rows), (HashSet::from(["a"]), HashSet::from(["b"])));
    }
}
