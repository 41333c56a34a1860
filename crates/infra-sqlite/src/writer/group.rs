use std::collections::HashSet;

use application::ports::{AccessChange, AuditSealer, StoreError};
use sqlx::{Executor, SqliteConnection};
use store_codec::{PreparedSet, PreparedWrite, timed};
use tokio::sync::oneshot;
use tracing::{Instrument, Span};

use crate::error::{CallError, Failure, is_full, unavailable};
use crate::writer::apply::{RowsPerStatement, apply, script};
use crate::writer::audit::append_lines;
use crate::writer::session::{Room, Session};

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

/// Writes the sets in one transaction and reports to each caller. Sets whose callers have gone are left out.
pub(super) async fn write(session: &mut Session, mut sets: Vec<PendingSet>) {
    sets.retain(|pending| !pending.answer.is_closed());
    if sets.is_empty() {
        return;
    }
    let span = group_span(&sets);
    write_all(session, sets).instrument(span).await;
}

/// The group's span, which follows from each caller's once.
fn group_span(sets: &[PendingSet]) -> Span {
    let group = tracing::info_span!("db.write_group", sets = sets.len());
    if !group.is_disabled() {
        let callers: HashSet<_> = sets.iter().filter_map(|pending| pending.span.id()).collect();
        for caller in callers {
            group.follows_from(caller);
        }
    }
    group
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

/// Whether the set adds something that a full store refuses: predictions, tenants, keys, or lines of the audit about
/// nothing that the set itself changes. Other sets make room in a full store, or refuse callers.
fn inserts(set: &PreparedSet) -> bool {
    let adds = |write: &PreparedWrite| {
        matches!(
            write,
            PreparedWrite::Insert(_)
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
    if let Some(script) = script(&sets) {
        let outcome = session.run(room, script).await;
        return outcome.map_err(|error| CallError::of_insert(error, "write set", String::new()));
    }
    let sealer = session.audit_sealer();
    let connection = session.begin(room).await?;
    let outcome = apply_all(connection, &sets, sealer.as_deref()).await;
    session.end(outcome).await
}

async fn apply_all(
    connection: &mut SqliteConnection,
    sets: &[&PreparedSet],
    sealer: Option<&dyn AuditSealer>,
) -> Result<(), CallError> {
    apply(connection, sets, RowsPerStatement::Many).await?;
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
    let sealer = session.audit_sealer();
    let connection = session.begin(room).await?;
    let outcomes = apply_each(connection, sets, sealer.as_deref()).await;
    session.end(outcomes).await
}

async fn apply_each(
    connection: &mut SqliteConnection,
    sets: &[PendingSet],
    sealer: Option<&dyn AuditSealer>,
) -> Result<Vec<Result<(), StoreError>>, sqlx::Error> {
    let mut outcomes = Vec::with_capacity(sets.len());
    for pending in sets {
        connection.execute("SAVEPOINT one_set").await?;
        match apply(connection, &[&pending.set], RowsPerStatement::One).await {
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
