use domain::value_objects::{PredictionId, TenantId};
use sqlx::query_builder::Separated;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use application::ports::StoreError;

use crate::error::WriteError;
use crate::writer::prepared::{EventValues, PredictionValues, PreparedSet, PreparedWrite};

/// How many rows one statement inserts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowsPerStatement {
    /// As many as pay: a statement costs more than a row. A conflict then says nothing about which row.
    Many,
    /// One, so that an error names the row at fault.
    One,
}

/// The most rows of a statement: more gain nothing, and 128 rows stay far below SQLite's 32,766 parameters.
const MOST_ROWS: usize = 128;
/// Up to here a statement has as many rows as wait: each statement costs a way to the connection's thread and back.
const EXACT_ROWS: usize = 16;

impl RowsPerStatement {
    /// The next statement's rows, of `waiting`: one of few numbers, so that few different statements are prepared
    /// and all of them stay prepared.
    fn next(self, waiting: usize) -> usize {
        match self {
            Self::One => 1,
            Self::Many if waiting <= EXACT_ROWS => waiting.max(1),
            Self::Many => 1 << waiting.min(MOST_ROWS).ilog2(),
        }
    }
}

/// Writes the sets in their order. Predictions and events are collected, so that rows of many sets share a
/// statement; the order among predictions and the order among events are kept.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    sets: &[&PreparedSet],
    rows: RowsPerStatement,
) -> Result<(), WriteError> {
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
            }
        }
    }
    insert_predictions(connection, &inserts, rows).await?;
    insert_events(connection, &events, rows).await
}

type Row<'s, T> = (&'s TenantId, &'s T);

async fn insert_predictions(
    connection: &mut SqliteConnection,
    mut predictions: &[Row<'_, PredictionValues>],
    rows: RowsPerStatement,
) -> Result<(), WriteError> {
    while !predictions.is_empty() {
        let (now, later) = predictions.split_at(rows.next(predictions.len()));
        let first = insert_prediction_rows(connection, now).await?;
        insert_terms(connection, first, now).await?;
        predictions = later;
    }
    Ok(())
}

/// Gives the number of the first row. SQLite numbers each new row one above the greatest there is, and the transaction
/// holds the write lock, so that those of a statement follow one another.
async fn insert_prediction_rows(
    connection: &mut SqliteConnection,
    predictions: &[Row<'_, PredictionValues>],
) -> Result<i64, WriteError> {
    let mut query = QueryBuilder::new(
        "INSERT INTO predictions (tenant, id, ref, metadata, sentiment, confidence, score_negative, \
         score_neutral, score_positive, labels, model_name, model_revision, tokens, windows, truncated, \
         cached, created_at, text, top_k, sentences) ",
    );
    query.push_values(predictions, push_prediction);
    let inserted = query.build().execute(connection).await;
    let first = predictions.first().map(|(_, prediction)| prediction.id.to_string()).unwrap_or_default();
    let inserted = inserted.map_err(|error| WriteError::of_insert(error, "prediction", first))?;
    Ok((inserted.last_insert_rowid() + 1).saturating_sub_unsigned(predictions.len() as u64))
}

fn push_prediction(
    mut row: Separated<'_, Sqlite, &'static str>,
    (tenant, prediction): &Row<'_, PredictionValues>,
) {
    row.push_bind(tenant.as_str())
        .push_bind(bytes(prediction.id.as_u128()))
        .push_bind(prediction.reference.as_deref())
        .push_bind(prediction.metadata.as_str())
        .push_bind(prediction.sentiment)
        .push_bind(prediction.confidence);
    for score in prediction.scores {
        row.push_bind(score);
    }
    row.push_bind(prediction.labels.as_str())
        .push_bind(prediction.model_name.as_str())
        .push_bind(prediction.model_revision.as_str())
        .push_bind(prediction.tokens)
        .push_bind(prediction.windows)
        .push_bind(prediction.truncated)
        .push_bind(prediction.cached)
        .push_bind(prediction.created_at)
        .push_bind(prediction.text.as_str())
        .push_bind(prediction.top_k)
        .push_bind(prediction.sentences.as_deref());
}

async fn insert_terms(
    connection: &mut SqliteConnection,
    first: i64,
    predictions: &[Row<'_, PredictionValues>],
) -> Result<(), WriteError> {
    let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO prediction_terms (rowid, terms) ");
    query.push_values((first..).zip(predictions), |mut row, (number, (_, prediction))| {
        row.push_bind(number).push_bind(prediction.terms.as_str());
    });
    query.build().execute(connection).await?;
    Ok(())
}

async fn delete_prediction(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: PredictionId,
) -> Result<(), WriteError> {
    let row: Option<i64> =
        sqlx::query_scalar("DELETE FROM predictions WHERE tenant = ?1 AND id = ?2 RETURNING row")
            .bind(tenant.as_str())
            .bind(bytes(id.as_u128()))
            .fetch_optional(&mut *connection)
            .await?;
    let missing = || StoreError::NotFound { entity: "prediction", id: id.to_string() };
    let row = row.ok_or_else(|| WriteError::Set(missing()))?;
    sqlx::query("DELETE FROM prediction_terms WHERE rowid = ?1").bind(row).execute(connection).await?;
    Ok(())
}

async fn insert_events(
    connection: &mut SqliteConnection,
    mut events: &[Row<'_, EventValues>],
    rows: RowsPerStatement,
) -> Result<(), WriteError> {
    while !events.is_empty() {
        let (now, later) = events.split_at(rows.next(events.len()));
        insert_event_rows(connection, now).await?;
        events = later;
    }
    Ok(())
}

async fn insert_event_rows(
    connection: &mut SqliteConnection,
    events: &[Row<'_, EventValues>],
) -> Result<(), WriteError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "INSERT INTO outbox (tenant, event_id, event_type, prediction_id, occurred_at, payload) ",
    );
    query.push_values(events, |mut row, (tenant, event)| {
        row.push_bind(tenant.as_str())
            .push_bind(bytes(event.id.as_u128()))
            .push_bind(event.event_type)
            .push_bind(bytes(event.prediction_id.as_u128()))
            .push_bind(event.occurred_at)
            .push_bind(event.payload.as_str());
    });
    let inserted = query.build().execute(connection).await;
    let first = events.first().map(|(_, event)| event.id.to_string()).unwrap_or_default();
    inserted.map_err(|error| WriteError::of_insert(error, "event", first))?;
    Ok(())
}

/// An id as it is kept: 16 bytes, the most significant first, so that rows sort as ids do.
fn bytes(bits: u128) -> Vec<u8> {
    bits.to_be_bytes().to_vec()
}
