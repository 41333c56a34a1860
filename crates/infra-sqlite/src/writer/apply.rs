use domain::value_objects::{PredictionId, TenantId};
use sqlx::query_builder::Separated;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use store_codec::{EventValues, PredictionValues, PreparedSet, PreparedWrite};

use application::ports::StoreError;

use crate::columns::stored_id;
use crate::error::CallError;
use crate::writer::access::change_access;

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

/// The statements that write `sets`, from `BEGIN` to `COMMIT`, where they only insert a few rows: apart from the disk,
/// round trips to the connection's thread dominate the latency of a single write set, and this is one instead of five.
pub(super) fn script<'s>(sets: &[&'s PreparedSet]) -> Option<QueryBuilder<Sqlite>> {
    let writes = || sets.iter().flat_map(|set| set.writes().iter().map(|write| (set.tenant(), write)));
    let only_inserts = |write: &PreparedWrite| match write {
        PreparedWrite::Insert(_) | PreparedWrite::Append(_) => true,
        PreparedWrite::Delete(_) | PreparedWrite::Change(_) => false,
    };
    if !writes().all(|(_, write)| only_inserts(write)) || sets.iter().any(|set| !set.entries().is_empty()) {
        return None;
    }
    let inserted = |(tenant, write): (_, &'s PreparedWrite)| match write {
        PreparedWrite::Insert(prediction) => Some((tenant, prediction.as_ref())),
        _ => None,
    };
    let appended = |(tenant, write): (_, &'s PreparedWrite)| match write {
        PreparedWrite::Append(event) => Some((tenant, event)),
        _ => None,
    };
    let inserts: Vec<_> = writes().filter_map(inserted).collect();
    let events: Vec<_> = writes().filter_map(appended).collect();
    if inserts.is_empty() || inserts.len() > EXACT_ROWS || events.is_empty() || events.len() > EXACT_ROWS {
        return None;
    }
    let mut script = QueryBuilder::new("BEGIN IMMEDIATE; ");
    push_predictions(&mut script, &inserts);
    script.push("; ");
    push_terms(&mut script, &inserts);
    script.push("; ");
    push_events(&mut script, &events);
    script.push("; COMMIT");
    Some(script)
}

/// Writes the sets in their order, but for their lines of the audit. Predictions and events are collected, so that rows
/// of many sets share a statement; the order among predictions and the order among events are preserved.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    sets: &[&PreparedSet],
    rows: RowsPerStatement,
) -> Result<(), CallError> {
    let mut inserts = Vec::new();
    let mut events = Vec::new();
    for set in sets {
        for write in set.writes() {
            match write {
                PreparedWrite::Insert(prediction) => inserts.push((set.tenant(), prediction.as_ref())),
                PreparedWrite::Append(event) => events.push((set.tenant(), event)),
                PreparedWrite::Delete(id) => {
                    insert_predictions(connection, &inserts, rows).await?;
                    inserts.clear();
                    delete_prediction(connection, set.tenant(), *id).await?;
                }
                PreparedWrite::Change(change) => change_access(connection, set.tenant(), change).await?,
            }
        }
    }
    insert_predictions(connection, &inserts, rows).await?;
    insert_events(connection, &events, rows).await
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
    query.push("INSERT INTO outbox (tenant, event_id, event_type, prediction_id, occurred_at, payload) ");
    query.push_values(events, |mut row, (tenant, event)| {
        row.push_bind(tenant.as_str())
            .push_bind(stored_id(event.event_id.as_u128()))
            .push_bind(event.event_type)
            .push_bind(stored_id(event.prediction_id.as_u128()))
            .push_bind(event.occurred_at.as_micros())
            .push_bind(event.payload.as_str());
    });
}
