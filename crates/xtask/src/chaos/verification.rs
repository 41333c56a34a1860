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

/// How long the feed may take to catch up once nothing is written any more.
const CATCH_UP: Duration = Duration::from_mins(2);
/// How long one request may take on a busy machine with nothing wrong.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How many requests read answers back at once.
const READERS: usize = 16;

/// What is there when all faults are over.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) violations: Vec<Violation>,
    pub(super) rows: usize,
    pub(super) events: usize,
    /// The events whose log line a kill may have cut off.
    pub(super) cut: usize,
}

/// Compares what was acknowledged with what is stored, published and logged.
pub(super) fn verify(deployment: &Deployment, texts: &[Item]) -> anyhow::Result<Findings> {
    let port = deployment.balancer.port();
    let rows = walk(&Api::at(port, TIMEOUT))?;
    let mut violations = check_rows(texts, &rows);
    violations.extend(read_back(port, texts)?);

    let outbox = || Outbox::read(&deployment.store.cluster);
    wait_until(CATCH_UP, || outbox().is_ok_and(|outbox| outbox.is_published()));
    let outbox = outbox()?;
    violations.extend(outbox.check_feed());
    let (stored, gone) = expected(texts, &rows);
    violations.extend(outbox.check_events(&stored, &gone));

    let check_logs = || -> anyhow::Result<_> {
        let logs: Vec<_> = deployment.replica_logs()?.iter().map(|log| processes(log)).collect();
        Ok(outbox.check_logs(&logs))
    };
    // A running replica may write its lines a little later.
    wait_until(TIMEOUT, || check_logs().is_ok_and(|(found, _)| found.is_empty()));
    let (found, cut) = check_logs()?;
    violations.extend(found);
    Ok(Findings { violations, rows: rows.len(), events: outbox.events.len(), cut })
}

/// Every row of the history, page by page.
fn walk(api: &Api) -> anyhow::Result<Vec<Value>> {
    let mut rows = Vec::new();
    let mut query = "limit=100".to_owned();
    loop {
        let body = answered(|| api.list(&query))?.context("the list is not found")?;
        let mut page: Value = serde_json::from_str(&body)?;
        let Value::Array(items) = page["items"].take() else { bail!("a page without items: {body}") };
        rows.extend(items);
        let Some(cursor) = page["next_cursor"].as_str() else { return Ok(rows) };
        query = format!("limit=100&cursor={cursor}");
    }
}

/// The body of an answer, or none where there is nothing; asks again where it was refused, which a busy machine may
/// do to anyone.
fn answered(mut ask: impl FnMut() -> Reply) -> anyhow::Result<Option<String>> {
    let mut last = Reply::Unknown;
    wait_until(TIMEOUT, || {
        last = ask();
        !matches!(last, Reply::Refused | Reply::Unknown)
    });
    match last {
        Reply::Success(body) => Ok(Some(body)),
        Reply::NotFound => Ok(None),
        other => bail!("nothing is wrong any more, and a request is answered with {other:?}"),
    }
}

/// What is wrong with the rows: an acknowledged text has one, a deleted one none, any other one at most.
fn check_rows(texts: &[Item], rows: &[Value]) -> Vec<Violation> {
    let mut by_ref: HashMap<&str, Vec<&Value>> = HashMap::new();
    let mut ids = HashSet::new();
    let mut found = Vec::new();
    for row in rows {
        by_ref.entry(row["ref"].as_str().unwrap_or_default()).or_default().push(row);
        if !ids.insert(row["id"].as_str().unwrap_or_default()) {
            found.push(Kind::Doubled.found(format!("the walk lists {} twice", row["id"])));
        }
    }
    by_ref.remove(RECOVERY_REF);
    for text in texts {
        let own = by_ref.remove(text.reference.as_str()).unwrap_or_default();
        found.extend(match (own.as_slice(), text.deletion) {
            ([], Deletion::NotAsked) if text.id().is_some() => {
                Some(Kind::Lost.found(format!("{text:?} has no row")))
            }
            ([], _) => None,
            ([_], Deletion::Acknowledged) => Some(Kind::Undeleted.found(format!("{text:?} has a row"))),
            ([row], _) => text.check(row),
            (own, _) => Some(Kind::Doubled.found(format!("{text:?} has {} rows: {own:?}", own.len()))),
        });
    }
    for row in by_ref.values().flatten() {
        found.push(Kind::Altered.found(format!("nobody sent {row}")));
    }
    found
}

/// Asks for every acknowledged id.
fn read_back(port: u16, texts: &[Item]) -> anyhow::Result<Vec<Violation>> {
    let next = AtomicUsize::new(0);
    let read = || -> anyhow::Result<Vec<Violation>> {
        let api = Api::at(port, TIMEOUT);
        let mut found = Vec::new();
        while let Some(text) = texts.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Some(id) = text.id() else { continue };
            let body = answered(|| api.get(id))?;
            found.extend(match (&body, text.deletion) {
                (None, Deletion::NotAsked) => {
                    Some(Kind::Lost.found(format!("{text:?} is not found by its id")))
                }
                (Some(_), Deletion::Acknowledged) => {
                    Some(Kind::Undeleted.found(format!("{text:?} is found by its id")))
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

/// The ids of the predictions that are stored, and of those that were deleted.
fn expected<'a>(texts: &'a [Item], rows: &'a [Value]) -> (HashSet<&'a str>, HashSet<&'a str>) {
    let stored: HashSet<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    let asked = texts.iter().filter(|text| text.deletion != Deletion::NotAsked);
    let gone = asked.filter_map(Item::id).filter(|id| !stored.contains(id)).collect();
    (stored, gone)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chaos::ledger::Outcome;

    fn text(reference: &str, acknowledged: bool, deletion: Deletion) -> Item {
        let answer = json!({ "id": reference, "ref": reference }).to_string();
        let id = reference.to_owned();
        let outcome = if acknowledged { Outcome::Acknowledged { id, answer } } else { Outcome::Open };
        Item { reference: reference.to_owned(), text: "t".to_owned(), outcome, deletion }
    }

    fn row(reference: &str) -> Value {
        json!({ "id": reference, "ref": reference, "text": "t" })
    }

    #[test]
    fn what_was_acknowledged_has_one_row_and_what_is_open_one_at_most() {
        let check = |acknowledged, deletion, rows: &[Value]| {
            let found = check_rows(&[text("a", acknowledged, deletion)], rows);
            found.iter().map(|violation| violation.kind).collect::<Vec<_>>()
        };
        let mut other = row("a");
        other["id"] = json!("b");
        assert_eq!(check(true, Deletion::NotAsked, &[row("a")]), []);
        assert_eq!(check(true, Deletion::NotAsked, &[]), [Kind::Lost]);
        assert_eq!(check(true, Deletion::NotAsked, &[row("a"), other.clone()]), [Kind::Doubled]);
        assert_eq!(check(true, Deletion::NotAsked, &[row("a"), row("a")]), [Kind::Doubled, Kind::Doubled]);
        assert_eq!(check(true, Deletion::NotAsked, std::slice::from_ref(&other)), [Kind::Altered]);
        assert_eq!(check(true, Deletion::Acknowledged, &[row("a")]), [Kind::Undeleted]);
        assert_eq!(check(true, Deletion::Acknowledged, &[]), []);
        assert_eq!(check(true, Deletion::Open, &[]), []);
        assert_eq!(check(false, Deletion::NotAsked, &[]), []);
        assert_eq!(check(false, Deletion::NotAsked, &[row("a")]), []);
        assert_eq!(check(false, Deletion::NotAsked, &[row("a"), other]), [Kind::Doubled]);
        assert_eq!(check(false, Deletion::NotAsked, &[row("z")]), [Kind::Altered]);
        assert_eq!(check(false, Deletion::NotAsked, &[row(RECOVERY_REF)]), []);
    }

    #[test]
    fn a_deletion_that_nobody_saw_is_expected_as_the_rows_show_it() {
        let texts = [text("a", true, Deletion::Open), text("b", true, Deletion::Open)];
        let rows = [row("a")];
        assert_eq!(expected(&texts, &rows), (HashSet::from(["a"]), HashSet::from(["b"])));
    }
}
