use std::collections::HashSet;

use application::ports::{AccessChange, AuditSealer, StoreError};
use sqlx::{Executor, SqliteConnection};
use store_codec::{PreparedSet, PreparedWrite, timed};
use tokio::sync::oneshot;
use tracing::{Instrument, Span};

use crate::error::{CallError, Failure, is_full, unavailable};
use crate::writer::apply::{RowsPerStatement, Script, apply, script};
use crate::writer::audit::append_lines;
use crate::writer::session::{Flush, Room, Session};

/// A write set whose caller waits.
pub(super) struct PendingSet {
    pub(super) set: PreparedSet,
    pub(super) answer: oneshot::Sender<Result<(), StoreError>>,
    /// The caller's span, which the group's span follows from.
    pub(super) span: Span,
}

/// The limits of one transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct GroupLimits {
    /// The most write sets.
    pub(super) sets: usize,
    /// The rows at which no further write set joins.
    pub(super) rows: usize,
}

/// Writes the sets in one transaction and reports to each caller. Sets whose callers have gone are left out, and sets
/// whose deadlines have passed are refused.
pub(super) async fn write(session: &mut Session, mut sets: Vec<PendingSet>) {
    sets.retain(|pending| !pending.answer.is_closed());
    let is_late = |pending: &mut PendingSet| pending.set.deadline().has_passed();
    for late in sets.extract_if(.., is_late) {
        // A caller that has gone since gets no result.
        let _ = late.answer.send(Err(StoreError::DeadlineExceeded));
    }
    if sets.is_empty() {
        return;
    }
    let span = tracing::info_span!("db.write_group", sets = sets.len());
    link(&span, sets.iter().map(|pending| &pending.span));
    write_all(session, sets).instrument(span).await;
}

/// Makes the span of a transaction follow from each of its callers' spans once.
pub(super) fn link<'s>(transaction: &Span, callers: impl Iterator<Item = &'s Span>) {
    if !transaction.is_disabled() {
        let callers: HashSet<_> = callers.filter_map(Span::id).collect();
        for caller in callers {
            transaction.follows_from(caller);
        }
    }
}

async fn write_all(session: &mut Session, sets: Vec<PendingSet>) {
    metrics::histogram!("undertone_write_group_sets").record(sets.len() as f64);
    let room =
        if sets.iter().any(|pending| inserts(&pending.set)) { Room::Normal } else { Room::WithReserve };
    match timed("write_group", together(session, &sets, room)).await {
        Ok(()) => {
            record(session, &sets, room);
            answer(sets, || Ok(()));
        }
        Err(CallError::Rejected(_)) => split(session, sets, room).await,
        Err(CallError::Database(error)) => give_up(session, sets, room, error).await,
    }
}

/// Whether the set adds something that a full store refuses: predictions, counts, answers, tenants, keys, or lines of
/// the audit about nothing that the set itself changes. Other sets make room in a full store, or refuse callers.
fn inserts(set: &PreparedSet) -> bool {
    let adds = |write: &PreparedWrite| {
        matches!(
            write,
            PreparedWrite::Insert(_)
                | PreparedWrite::Count(_)
                | PreparedWrite::Complete { .. }
                | PreparedWrite::Change(AccessChange::InsertTenant(_) | AccessChange::InsertKey(_))
        )
    };
    set.writes().is_empty() || set.writes().iter().any(adds)
}

/// Whether the set removes predictions.
fn deletes(set: &PreparedSet) -> bool {
    set.writes().iter().any(|write| matches!(write, PreparedWrite::Delete(_)))
}

/// Records that the sets were committed.
fn record(session: &Session, sets: &[PendingSet], room: Room) {
    if room == Room::Normal {
        session.activity().inserted();
    }
    if sets.iter().any(|pending| deletes(&pending.set)) {
        session.activity().deleted();
    }
}

/// One transaction that fails as a whole.
async fn together(session: &mut Session, sets: &[PendingSet], room: Room) -> Result<(), CallError> {
    let sets: Vec<&PreparedSet> = sets.iter().map(|pending| &pending.set).collect();
    let replica = session.replica();
    if let Some(script) = script(&sets, &replica) {
        return run(session, room, script).await;
    }
    let sealer = session.audit_sealer();
    let connection = session.begin(room, Flush::AtCommit).await?;
    let outcome = apply_all(connection, &sets, &replica, sealer.as_deref()).await;
    session.end(outcome).await
}

/// Runs the script and commits it if every expectation holds.
async fn run(session: &mut Session, room: Room, script: Script) -> Result<(), CallError> {
    // Which set is at fault shows when they are written one by one.
    let (entity, id) = ("write set", String::new);
    let rows = session.run(room, Flush::AtCommit, script.statements).await;
    let rows = rows.map_err(|error| CallError::of_insert(error, entity, id()))?.len();
    if script.checks == 0 {
        return Ok(());
    }
    let conflict = || CallError::Rejected(StoreError::Conflict { entity, id: id() });
    session.end(if rows == script.checks { Ok(()) } else { Err(conflict()) }).await
}

async fn apply_all(
    connection: &mut SqliteConnection,
    sets: &[&PreparedSet],
    replica: &str,
    sealer: Option<&dyn AuditSealer>,
) -> Result<(), CallError> {
    apply(connection, sets, RowsPerStatement::Many, replica).await?;
    append_lines(connection, sets.iter().copied(), sealer).await?;
    Ok(())
}

/// Writes the sets again, so that those at fault fail alone: in one transaction, so that one flush serves all, but each
/// within a savepoint of its own.
async fn split(session: &mut Session, sets: Vec<PendingSet>, room: Room) {
    match timed("write_group_split", one_by_one(session, &sets, room)).await {
        Ok(outcomes) => {
            record(session, &sets, room);
            let mut outcomes = outcomes.into_iter();
            answer(sets, || outcomes.next().unwrap_or_else(|| Err(unavailable(Failure::Closed))));
        }
        Err(error) => give_up(session, sets, room, error).await,
    }
}

/// The outcome of each set, once all are committed.
async fn one_by_one(
    session: &mut Session,
    sets: &[PendingSet],
    room: Room,
) -> Result<Vec<Result<(), StoreError>>, sqlx::Error> {
    let (sealer, replica) = (session.audit_sealer(), session.replica());
    let connection = session.begin(room, Flush::AtCommit).await?;
    let outcomes = apply_each(connection, sets, &replica, sealer.as_deref()).await;
    session.end(outcomes).await
}

async fn apply_each(
    connection: &mut SqliteConnection,
    sets: &[PendingSet],
    replica: &str,
    sealer: Option<&dyn AuditSealer>,
) -> Result<Vec<Result<(), StoreError>>, sqlx::Error> {
    let mut outcomes = Vec::with_capacity(sets.len());
    for pending in sets {
        connection.execute("SAVEPOINT one_set").await?;
        match apply(connection, &[&pending.set], RowsPerStatement::One, replica).await {
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
    append_lines(connection, applied.map(|(pending, _)| &pending.set), sealer).await?;
    Ok(outcomes)
}

/// Reports `error` to the callers without another attempt. Only in a full store, the sets that add nothing are tried
/// again without the others: they free space.
async fn give_up(session: &mut Session, sets: Vec<PendingSet>, room: Room, error: sqlx::Error) {
    if room == Room::Normal {
        session.activity().failed();
    }
    let may_fit = |pending: &PendingSet| is_full(&error) && room == Room::Normal && !inserts(&pending.set);
    let (again, sets): (Vec<_>, Vec<_>) = sets.into_iter().partition(may_fit);
    let failure = Failure::from(error);
    answer(sets, || Err(unavailable(failure.clone())));
    if !again.is_empty() {
        Box::pin(write(session, again)).await;
    }
}

fn answer(sets: Vec<PendingSet>, mut outcome: impl FnMut() -> Result<(), StoreError>) {
    for pending in sets {
        // A caller that has gone since gets no result.
        let _ = pending.answer.send(outcome());
    }
}

#[cfg(test)]
mod tests;
