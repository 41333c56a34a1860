use std::collections::HashSet;

use application::ports::{AuditSealer, StoreError};
use sqlx::Executor;
use store_codec::{PreparedSet, timed};
use tokio::sync::oneshot;
use tracing::Span;

use crate::error::{CallError, Failure, unavailable};
use crate::writer::apply::apply;
use crate::writer::audit::append_lines;
use crate::writer::session::{OpenConnection, Session};

/// A write set whose caller waits, and the caller's span.
pub(super) struct PendingSet {
    pub(super) set: PreparedSet,
    pub(super) span: Span,
    pub(super) answer: oneshot::Sender<Result<(), StoreError>>,
}

/// The outcome of each set, in their order.
type Outcomes = Vec<Result<(), StoreError>>;

/// Writes the sets in one transaction and reports to each caller. Sets whose callers have gone are left out, and sets
/// whose deadlines have passed are refused; returns none where no set is left. An error is a failure of the database.
#[tracing::instrument(name = "db.write_group", skip_all, fields(sets = sets.len()))]
pub(super) async fn write(session: &mut Session, mut sets: Vec<PendingSet>) -> Option<Result<(), Failure>> {
    sets.retain(|pending| !pending.answer.is_closed());
    for late in sets.extract_if(.., |pending| pending.set.deadline().has_passed()) {
        // A caller that has gone since gets no result.
        let _ = late.answer.send(Err(StoreError::DeadlineExceeded));
    }
    if sets.is_empty() {
        return None;
    }
    link(&Span::current(), &sets);
    metrics::histogram!("undertone_write_group_sets").record(sets.len() as f64);
    let timeout = session.timeout();
    let outcome = tokio::time::timeout(timeout, transact(session, &sets))
        .await
        .unwrap_or_else(|_elapsed| Err(Failure::TimedOut(timeout.as_millis())));
    let summary = outcome.as_ref().map(|_| ()).map_err(Clone::clone);
    answer(sets, outcome);
    Some(summary)
}

/// Links the group's span with those of its callers, each once.
fn link(group: &Span, sets: &[PendingSet]) {
    let mut linked = HashSet::new();
    for id in sets.iter().filter_map(|pending| pending.span.id()) {
        if linked.insert(id.clone()) {
            group.follows_from(id);
        }
    }
}

/// Writes the sets together; where one of them is at fault, writes them again so that it fails alone. A failure of the
/// database fails all of them without another attempt, and its connection is dropped.
async fn transact(session: &mut Session, sets: &[PendingSet]) -> Result<Outcomes, Failure> {
    let (sealer, replica) = (session.audit_sealer(), session.replica());
    let sealer = sealer.as_deref();
    let mut open = session.begin().await?;
    let prepared: Vec<&PreparedSet> = sets.iter().map(|pending| &pending.set).collect();
    let outcomes = match timed("write_group", together(&mut open, &prepared, &replica, sealer)).await {
        Ok(()) => sets.iter().map(|_| Ok(())).collect(),
        Err(CallError::Rejected(error)) if sets.len() == 1 => {
            open.connection().execute("ROLLBACK").await?;
            vec![Err(error)]
        }
        Err(CallError::Rejected(_)) => {
            open.connection().execute("ROLLBACK; BEGIN").await?;
            timed("write_group_split", one_by_one(&mut open, &prepared, &replica, sealer)).await?
        }
        Err(CallError::Database(error)) => return Err(error.into()),
    };
    session.put_back(open);
    Ok(outcomes)
}

async fn together(
    open: &mut OpenConnection,
    sets: &[&PreparedSet],
    replica: &str,
    sealer: Option<&dyn AuditSealer>,
) -> Result<(), CallError> {
    apply(open.connection(), sets, replica).await?;
    append_lines(open.connection(), sets.iter().copied(), sealer).await?;
    open.connection().execute("COMMIT").await?;
    Ok(())
}

/// Writes each set within a savepoint of its own, but in one transaction, so that one flush to the disk serves all. The
/// lines of the audit of those that succeed follow at the end.
async fn one_by_one(
    open: &mut OpenConnection,
    sets: &[&PreparedSet],
    replica: &str,
    sealer: Option<&dyn AuditSealer>,
) -> Result<Outcomes, sqlx::Error> {
    let connection = open.connection();
    let mut outcomes = Vec::with_capacity(sets.len());
    for set in sets {
        connection.execute("SAVEPOINT one_set").await?;
        match apply(connection, &[set], replica).await {
            Ok(()) => outcomes.push(Ok(())),
            Err(CallError::Rejected(error)) => {
                connection.execute("ROLLBACK TO one_set").await?;
                outcomes.push(Err(error));
            }
            Err(CallError::Database(error)) => return Err(error),
        }
        connection.execute("RELEASE one_set").await?;
    }
    let applied = sets.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
    append_lines(connection, applied.map(|(set, _)| *set), sealer).await?;
    connection.execute("COMMIT").await?;
    Ok(outcomes)
}

fn answer(sets: Vec<PendingSet>, outcome: Result<Outcomes, Failure>) {
    let outcomes = match outcome {
        Ok(outcomes) => outcomes,
        Err(failure) => sets.iter().map(|_| Err(unavailable(failure.clone()))).collect(),
    };
    for (pending, outcome) in sets.into_iter().zip(outcomes) {
        // A caller that has gone since gets no result.
        let _ = pending.answer.send(outcome);
    }
}
