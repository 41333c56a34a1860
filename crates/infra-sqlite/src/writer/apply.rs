use domain::value_objects::{PredictionId, TenantId};
use sqlx::query_builder::Separated;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use store_codec::{EventValues, PredictionValues, PreparedSet, PreparedWrite, sum_counts};

use application::ports::{StoreError, TextCount};

use crate::columns::stored_id;
use crate::error::CallError;
use crate::writer::access::change_access;
use crate::writer::completion::{Completion, complete, push_completions};
use crate::writer::usage::{count_texts, push_counts, push_quotas};

/// How many rows one statement inserts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowsPerStatement {
    /// Many, as a statement costs more than a row. A conflict then does not show which row is at fault.
    Many,
    /// One, so that an error shows the row at fault.
    One,
}

/// The most rows of a statement: more are not faster, and 128 rows stay far below SQLite's 32,766 parameters.
const MOST_ROWS: usize = 128;
/// Up to this number a statement has as many rows as wait: each statement costs a round trip to the connection's
/// thread.
const EXACT_ROWS: usize = 16;

impl RowsPerStatement {
    /// The rows of the next statement, of `waiting`: one of a few numbers, so that few different statements are
    /// prepared and all of them stay prepared.
    fn next(self, waiting: usize) -> usize {
        match self {
            Self::One => 1,
            Self::Many if waiting <= EXACT_ROWS => waiting.max(1),
            Self::Many => 1 << waiting.min(MOST_ROWS).ilog2(),
        }
    }
}

/// Rows of write sets, each with the tenant that it belongs to.
type Row<'s, T> = (&'s TenantId, &'s T);

/// What write sets write, but for deletions, changes of tenants and keys, and lines of the audit.
#[derive(Default)]
struct Additions<'s> {
    predictions: Vec<Row<'s, PredictionValues>>,
    events: Vec<Row<'s, EventValues>>,
    counts: Vec<Row<'s, TextCount>>,
    completions: Vec<Completion<'s>>,
}

impl<'s> Additions<'s> {
    /// Collects a write of `set`; returns it where it is of another kind.
    fn collect(&mut self, set: &'s PreparedSet, write: &'s PreparedWrite) -> Option<&'s PreparedWrite> {
        let tenant = set.tenant();
        match write {
            PreparedWrite::Insert(prediction) => self.predictions.push((tenant, prediction.as_ref())),
            PreparedWrite::Append(event) => self.events.push((tenant, event)),
            PreparedWrite::Count(count) => self.counts.push((tenant, count)),
            PreparedWrite::Complete { claim, answer } => {
                self.completions.push(Completion { tenant, claim, answer });
            }
            PreparedWrite::Delete(_) | PreparedWrite::Change(_) => return Some(write),
        }
        None
    }
}

/// A transaction in one round trip to the connection's thread.
pub(super) struct Script {
    /// The statements, from `BEGIN` on.
    pub(super) statements: QueryBuilder<Sqlite>,
    /// The rows that the statements return if every expectation holds. Only without any, they end with `COMMIT`.
    pub(super) checks: usize,
}

/// The statements that write `sets`, where they only add a few rows: apart from the disk, round trips to the
/// connection's thread dominate the latency of a single write set.
pub(super) fn script(sets: &[&PreparedSet], replica: &str) -> Option<Script> {
    if sets.iter().any(|set| !set.entries().is_empty()) {
        return None;
    }
    let mut additions = Additions::default();
    for set in sets {
        for write in set.writes() {
            if additions.collect(set, write).is_some() {
                return None;
            }
        }
    }
    let Additions { predictions, events, counts, completions } = additions;
    let few = |rows: usize| (1..=EXACT_ROWS).contains(&rows);
    if !few(predictions.len()) || !few(events.len()) {
        return None;
    }
    let mut statements = QueryBuilder::new("BEGIN IMMEDIATE; ");
    push_predictions(&mut statements, &predictions);
    push_terms(&mut statements, &predictions);
    push_events(&mut statements, &events);
    let counts = sum_counts(counts);
    if !counts.is_empty() {
        push_counts(&mut statements, &counts, replica);
    }
    let checks = push_quotas(&mut statements, &counts) + push_completions(&mut statements, &completions);
    if checks == 0 {
        statements.push("COMMIT");
    }
    Some(Script { statements, checks })
}

/// Writes the sets in their order, but for their lines of the audit. Additions are collected, so that rows of many sets
/// share a statement; the order among predictions and the order among events are preserved.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    sets: &[&PreparedSet],
    rows: RowsPerStatement,
    replica: &str,
) -> Result<(), CallError> {
    let mut additions = Additions::default();
    for set in sets {
        for write in set.writes() {
            match additions.collect(set, write) {
                Some(PreparedWrite::Delete(id)) => {
                    insert_predictions(connection, &additions.predictions, rows).await?;
                    additions.predictions.clear();
                    delete_prediction(connection, set.tenant(), *id).await?;
                }
                Some(PreparedWrite::Change(change)) => {
                    change_access(connection, set.tenant(), change).await?;
                }
                _ => {}
            }
        }
    }
    insert_predictions(connection, &additions.predictions, rows).await?;
    insert_events(connection, &additions.events, rows).await?;
    count_texts(connection, &sum_counts(additions.counts), replica).await?;
    complete(connection, &additions.completions).await
}

async fn insert_predictions(
    connection: &mut SqliteConnection,
    mut predictions: &[Row<'_, PredictionValues>],
    rows: RowsPerStatement,
) -> Result<(), CallError> {
    while !predictions.is_empty() {
        let (now, later) = predictions.split_at(rows.next(predictions.len()));
        let mut query = QueryBuilder::new("");
        push_predictions(&mut query, now);
        let inserted = query.build().execute(&mut *connection).await;
        let first = now.first().map(|(_, prediction)| prediction.id.to_string()).unwrap_or_default();
        inserted.map_err(|error| CallError::of_insert(error, "prediction", first))?;
        let mut query = QueryBuilder::new("");
        push_terms(&mut query, now);
        query.build().execute(&mut *connection).await?;
        predictions = later;
    }
    Ok(())
}

fn push_predictions(query: &mut QueryBuilder<Sqlite>, predictions: &[Row<'_, PredictionValues>]) {
    query.push(
        "INSERT INTO predictions (tenant, id, ref, metadata, sentiment, confidence, score_negative, \
         score_neutral, score_positive, labels, model_name, model_revision, tokens, windows, truncated, \
         cached, created_at, text, top_k, sentences) ",
    );
    query.push_values(predictions, push_prediction);
    query.push("; ");
}

fn push_prediction(
    mut row: Separated<'_, Sqlite, &'static str>,
    (tenant, prediction): &Row<'_, PredictionValues>,
) {
    row.push_bind(tenant.as_str())
        .push_bind(stored_id(prediction.id.as_u128()))
        .push_bind(prediction.reference.as_deref())
        .push_bind(prediction.metadata.as_str())
        .push_bind(prediction.sentiment)
        .push_bind(prediction.confidence.map(f64::from));
    let scores = prediction.scores;
    for score in [scores.negative, scores.neutral, scores.positive] {
        row.push_bind(score.map(f64::from));
    }
    row.push_bind(prediction.labels.as_str())
        .push_bind(prediction.model_name.as_str())
        .push_bind(prediction.model_revision.as_str())
        .push_bind(prediction.tokens)
        .push_bind(prediction.windows)
        .push_bind(prediction.truncated)
        .push_bind(prediction.cached)
        .push_bind(prediction.created_at.as_micros())
        .push_bind(prediction.text.as_str())
        .push_bind(prediction.top_k)
        .push_bind(prediction.sentences.as_deref());
}

/// The terms of predictions that have been inserted, under the numbers of their rows.
fn push_terms(query: &mut QueryBuilder<Sqlite>, predictions: &[Row<'_, PredictionValues>]) {
    query.push("INSERT INTO prediction_terms (rowid, terms) ");
    query.push_values(predictions, |mut row, (tenant, prediction)| {
        row.push("(SELECT row FROM predictions WHERE tenant = ")
            .push_bind_unseparated(tenant.as_str())
            .push_unseparated(" AND id = ")
            .push_bind_unseparated(stored_id(prediction.id.as_u128()))
            .push_unseparated(")")
            .push_bind(prediction.terms.as_str());
    });
    query.push("; ");
}

async fn delete_prediction(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: PredictionId,
) -> Result<(), CallError> {
    let row: Option<i64> =
        sqlx::query_scalar("DELETE FROM predictions WHERE tenant = ?1 AND id = ?2 RETURNING row")
            .bind(tenant.as_str())
            .bind(stored_id(id.as_u128()))
            .fetch_optional(&mut *connection)
            .await?;
    let missing = || StoreError::NotFound { entity: "prediction", id: id.to_string() };
    let row = row.ok_or_else(|| CallError::Rejected(missing()))?;
    sqlx::query("DELETE FROM prediction_terms WHERE rowid = ?1").bind(row).execute(connection).await?;
    Ok(())
}

async fn insert_events(
    connection: &mut SqliteConnection,
    mut events: &[Row<'_, EventValues>],
    rows: RowsPerStatement,
) -> Result<(), CallError> {
    while !events.is_empty() {
        let (now, later) = events.split_at(rows.next(events.len()));
        let mut query = QueryBuilder::new("");
        push_events(&mut query, now);
        let inserted = query.build().execute(&mut *connection).await;
        let first = now.first().map(|(_, event)| event.event_id.to_string()).unwrap_or_default();
        inserted.map_err(|error| CallError::of_insert(error, "event", first))?;
        events = later;
    }
    Ok(())
}

fn push_events(query: &mut QueryBuilder<Sqlite>, events: &[Row<'_, EventValues>]) {
    query.push(
        "INSERT INTO outbox (tenant, event_id, event_type, aggregate_type, prediction_id, occurred_at, payload, \
         traceparent) ",
    );
    query.push_values(events, |mut row, (tenant, event)| {
        row.push_bind(tenant.as_str())
            .push_bind(stored_id(event.event_id.as_u128()))
            .push_bind(event.event_type)
            .push_bind(event.aggregate_type)
            .push_bind(stored_id(event.prediction_id.as_u128()))
            .push_bind(event.occurred_at.as_micros())
            .push_bind(event.payload.as_str())
            .push_bind(event.traceparent.as_deref());
    });
    query.push("; ");
}

#[cfg(test)]
mod tests;
