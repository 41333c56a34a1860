use std::collections::HashSet;

use application::ports::StoreError;
use sqlx::{Executor, SqliteConnection};
use store_codec::{PreparedSet, PreparedWrite, timed};
use tokio::sync::oneshot;
use tracing::{Instrument, Span};

use crate::error::{Failure, WriteError, is_full, unavailable};
use crate::writer::apply::{RowsPerStatement, apply, script};
use crate::writer::session::{Room, Session};

/// A write set and who waits for it.
pub(super) struct PendingSet {
    pub(super) set: PreparedSet,
    pub(super) answer: oneshot::Sender<Result<(), StoreError>>,
    /// Its caller's, which the group's follows from.
    pub(super) span: Span,
}

/// How much one transaction takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct GroupLimits {
    /// The most write sets.
    pub(super) sets: usize,
    /// The rows at which no further write set joins.
    pub(super) rows: usize,
}

/// Writes the sets in one transaction and answers each. Sets whose callers have gone are left out.
pub(super) async fn write(session: &mut Session, mut sets: Vec<PendingSet>) {
    sets.retain(|pending| !pending.answer.is_closed());
    if sets.is_empty() {
        return;
    }
    let span = group_span(&sets);
    write_wanted(session, sets).instrument(span).await;
}

/// The group's span, which follows from those of the callers, from each once.
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

async fn write_wanted(session: &mut Session, sets: Vec<PendingSet>) {
    metrics::histogram!("undertone_write_group_sets").record(sets.len() as f64);
    let room =
        if sets.iter().any(|pending| inserts(&pending.set)) { Room::Normal } else { Room::WithReserve };
    match timed("write_group", together(session, &sets, room)).await {
        Ok(()) => {
            note(session, &sets, room);
            answer(sets, || Ok(()));
        }
        Err(WriteError::Set(_)) => split(session, sets, room).await,
        Err(WriteError::Database(error)) => give_up(session, sets, room, error).await,
    }
}

/// Whether the set adds predictions; one that does not is needed to make room in a full store.
fn inserts(set: &PreparedSet) -> bool {
    set.writes().iter().any(|write| matches!(write, PreparedWrite::Insert(_)))
}

/// Whether the set removes predictions.
fn deletes(set: &PreparedSet) -> bool {
    set.writes().iter().any(|write| matches!(write, PreparedWrite::Delete(_)))
}

/// Notes that the sets were committed.
fn note(session: &Session, sets: &[PendingSet], room: Room) {
    if room == Room::Normal {
        session.activity().inserted();
    }
    if sets.iter().any(|pending| deletes(&pending.set)) {
        session.activity().deleted();
    }
}

/// One transaction that fails as a whole.
async fn together(session: &mut Session, sets: &[PendingSet], room: Room) -> Result<(), WriteError> {
    let sets: Vec<&PreparedSet> = sets.iter().map(|pending| &pending.set).collect();
    if let Some(script) = script(&sets) {
        let outcome = session.run(room, script).await;
        return outcome.map_err(|error| WriteError::of_insert(error, "write set", String::new()));
    }
    let connection = session.begin(room).await?;
    let outcome = apply(connection, &sets, RowsPerStatement::Many).await;
    session.end(outcome).await
}

/// Writes the sets again, so that those at fault fail alone: still in one transaction, for the sake of the
/// others, but each within a savepoint of its own.
async fn split(session: &mut Session, sets: Vec<PendingSet>, room: Room) {
    match timed("write_group_split", one_by_one(session, &sets, room)).await {
        Ok(outcomes) => {
            note(session, &sets, room);
            let mut outcomes = outcomes.into_iter();
            answer(sets, || outcomes.next().unwrap_or_else(|| Err(unavailable(Failure::Closed))));
        }
        Err(error) => give_up(session, sets, room, error).await,
    }
}

/// What became of each set, all committed.
async fn one_by_one(
    session: &mut Session,
    sets: &[PendingSet],
    room: Room,
) -> Result<Vec<Result<(), StoreError>>, sqlx::Error> {
    let connection = session.begin(room).await?;
    let outcomes = apply_each(connection, sets).await;
    session.end(outcomes).await
}

async fn apply_each(
    connection: &mut SqliteConnection,
    sets: &[PendingSet],
) -> Result<Vec<Result<(), StoreError>>, sqlx::Error> {
    let mut outcomes = Vec::with_capacity(sets.len());
    for pending in sets {
        connection.execute("SAVEPOINT one_set").await?;
        match apply(connection, &[&pending.set], RowsPerStatement::One).await {
            Ok(()) => outcomes.push(Ok(())),
            Err(WriteError::Set(error)) => {
                connection.execute("ROLLBACK TO one_set").await?;
                outcomes.push(Err(error));
            }
            Err(WriteError::Database(error)) => return Err(error),
        }
        connection.execute("RELEASE one_set").await?;
    }
    Ok(outcomes)
}

/// Tells the callers that the database did not work, without another try. Only in a full store, the sets that
/// add nothing are tried again without the others: they make the room that is missing.
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
        // Whoever went in the meantime has been told that the outcome is not known.
        let _ = pending.answer.send(outcome());
    }
}

#[cfg(test)]
mod tests;
