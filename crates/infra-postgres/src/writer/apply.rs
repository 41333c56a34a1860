use std::collections::{BTreeMap, HashSet};

use application::ports::{AccessChange, StoreError, TextCount};
use domain::value_objects::{PredictionId, TenantId};
use sqlx::PgConnection;
use sqlx::postgres::PgBindIterExt;
use store_codec::{EventValues, PredictionValues, PreparedSet, PreparedWrite, UsageValues, sum_counts};
use uuid::Uuid;

use crate::clock::today;
use crate::columns::stored_id;
use crate::error::CallError;
use crate::timestamp::PgTimestamp;
use crate::writer::access::change_access;
use crate::writer::completion::{Completion, complete};
use crate::writer::usage::check_quotas;

/// Writes the sets in their order, but for their lines of the audit, with as few statements as that allows, in the
/// transaction that is open. Texts are counted as `replica`.
pub(super) async fn apply(
    connection: &mut PgConnection,
    sets: &[&PreparedSet],
    replica: &str,
) -> Result<(), CallError> {
    for run in runs(sets) {
        insert_predictions(connection, &run.inserts).await?;
        for (tenant, ids) in &run.deletes {
            delete_predictions(connection, tenant, ids).await?;
        }
        // Last, so that an event gets its `seq` only after its prediction was locked: of two processes that write about
        // one prediction, the second gets the higher `seq`.
        let counts = sum_counts(run.counts);
        insert_events(connection, &run.events, &counts, replica).await?;
        check_quotas(connection, &counts).await?;
        complete(connection, &run.completions).await?;
        for (tenant, change) in &run.changes {
            change_access(connection, tenant, change).await?;
        }
    }
    Ok(())
}

/// A value and its tenant.
type Owned<'s, T> = (&'s str, &'s T);

/// Writes of which no two concern the same prediction, so that they can be applied by kind instead of in order.
#[derive(Default)]
struct Run<'s> {
    inserts: Vec<Owned<'s, PredictionValues>>,
    deletes: BTreeMap<&'s str, Vec<Uuid>>,
    events: Vec<Owned<'s, EventValues>>,
    counts: Vec<(&'s TenantId, &'s TextCount)>,
    completions: Vec<Completion<'s>>,
    changes: Vec<(&'s TenantId, &'s AccessChange)>,
    touched: HashSet<(&'s str, PredictionId)>,
}

/// Splits the writes into as few runs as possible, nearly always one.
fn runs<'s>(sets: &[&'s PreparedSet]) -> Vec<Run<'s>> {
    let mut done = Vec::new();
    let mut run = Run::default();
    for set in sets {
        let tenant = set.tenant().as_str();
        for write in set.writes() {
            let id = match write {
                PreparedWrite::Insert(prediction) => Some(prediction.id),
                PreparedWrite::Delete(id) => Some(*id),
                PreparedWrite::Append(_)
                | PreparedWrite::Count(_)
                | PreparedWrite::Complete { .. }
                | PreparedWrite::Change(_) => None,
            };
            if let Some(id) = id
                && !run.touched.insert((tenant, id))
            {
                done.push(std::mem::take(&mut run));
                run.touched.insert((tenant, id));
            }
            match write {
                PreparedWrite::Insert(prediction) => run.inserts.push((tenant, prediction.as_ref())),
                PreparedWrite::Delete(id) => {
                    run.deletes.entry(tenant).or_default().push(stored_id(id.as_u128()));
                }
                PreparedWrite::Append(event) => run.events.push((tenant, event)),
                PreparedWrite::Count(count) => run.counts.push((set.tenant(), count)),
                PreparedWrite::Complete { claim, answer } => {
                    run.completions.push(Completion { tenant, claim, answer });
                }
                PreparedWrite::Change(change) => run.changes.push((set.tenant(), change)),
            }
        }
    }
    done.push(run);
    done
}

/// The columns are passed as arrays, one element per row, so that any number of rows is the same statement. The server
/// turns text into JSON and a `tsvector`; a row whose id exists returns nothing.
const INSERT_PREDICTIONS: &str = "INSERT INTO predictions (tenant, id, created_at, ref, sentiment, confidence, score_negative, \
     score_neutral, score_positive, labels, model_name, model_revision, tokens, windows, truncated, cached, \
     metadata, text, terms, top_k, sentences) \
     SELECT tenant, id, created_at, ref, sentiment, confidence, negative, neutral, positive, labels::jsonb, \
     model_name, model_revision, tokens, windows, truncated, cached, metadata::jsonb, text, \
     array_to_tsvector(string_to_array(terms, ' ')), top_k, sentences::jsonb \
     FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::real[], \
     $7::real[], $8::real[], $9::real[], $10::text[], $11::text[], $12::text[], $13::bigint[], \
     $14::bigint[], $15::boolean[], $16::boolean[], $17::text[], $18::text[], $19::text[], $20::bigint[], \
     $21::text[]) \
     AS new (tenant, id, created_at, ref, sentiment, confidence, negative, neutral, positive, labels, \
     model_name, model_revision, tokens, windows, truncated, cached, metadata, text, terms, top_k, \
     sentences) ON CONFLICT (tenant, id) DO NOTHING RETURNING id";

/// As [`INSERT_PREDICTIONS`]; the events get their `seq` in the order of the arrays.
macro_rules! insert_events {
    () => {
        "INSERT INTO outbox (tenant, event_id, event_type, prediction_id, occurred_at, payload, aggregate_type, \
         traceparent) \
         SELECT tenant, event_id, event_type, prediction_id, occurred_at, payload::jsonb, aggregate_type, \
         traceparent \
         FROM unnest($1::text[], $2::uuid[], $3::text[], $4::uuid[], $5::timestamptz[], $6::text[], $7::text[], \
         $8::text[]) \
         WITH ORDINALITY AS new (tenant, event_id, event_type, prediction_id, occurred_at, payload, \
         aggregate_type, traceparent, place) \
         ORDER BY place \
         ON CONFLICT (event_id) DO NOTHING RETURNING event_id"
    };
}

/// Adds to the texts of this day in the same round trip.
const COUNT_AND_INSERT_EVENTS: &str = concat!(
    "WITH counted AS (INSERT INTO usage AS known (tenant, day, principal, replica, texts) SELECT tenant, ",
    today!(),
    ", principal, $12, texts FROM unnest($9::text[], $10::text[], $11::bigint[]) AS new (tenant, principal, texts) \
     ON CONFLICT (tenant, day, principal, replica) DO UPDATE SET texts = known.texts + excluded.texts) ",
    insert_events!(),
);

async fn insert_predictions(
    connection: &mut PgConnection,
    rows: &[Owned<'_, PredictionValues>],
) -> Result<(), CallError> {
    if rows.is_empty() {
        return Ok(());
    }
    let values = || rows.iter().map(|(_, prediction)| *prediction);
    let inserted: Vec<Uuid> = sqlx::query_scalar(INSERT_PREDICTIONS)
        .bind(rows.iter().map(|(tenant, _)| *tenant).bind_iter())
        .bind(values().map(|row| stored_id(row.id.as_u128())).bind_iter())
        .bind(values().map(|row| PgTimestamp::bound(row.created_at)).bind_iter())
        .bind(values().map(|row| row.reference.as_deref()).bind_iter())
        .bind(values().map(|row| row.sentiment).bind_iter())
        .bind(values().map(|row| row.confidence).bind_iter())
        .bind(values().map(|row| row.scores.negative).bind_iter())
        .bind(values().map(|row| row.scores.neutral).bind_iter())
        .bind(values().map(|row| row.scores.positive).bind_iter())
        .bind(values().map(|row| row.labels.as_str()).bind_iter())
        .bind(values().map(|row| row.model_name.as_str()).bind_iter())
        .bind(values().map(|row| row.model_revision.as_str()).bind_iter())
        .bind(values().map(|row| row.tokens).bind_iter())
        .bind(values().map(|row| row.windows).bind_iter())
        .bind(values().map(|row| row.truncated).bind_iter())
        .bind(values().map(|row| row.cached).bind_iter())
        .bind(values().map(|row| row.metadata.as_str()).bind_iter())
        .bind(values().map(|row| row.text.as_str()).bind_iter())
        .bind(values().map(|row| row.terms.as_str()).bind_iter())
        .bind(values().map(|row| row.top_k).bind_iter())
        .bind(values().map(|row| row.sentences.as_deref()).bind_iter())
        .fetch_all(connection)
        .await?;
    match first_missing(values().map(|row| stored_id(row.id.as_u128())), inserted) {
        None => Ok(()),
        Some(id) => Err(StoreError::Conflict { entity: "prediction", id: id.to_string() }.into()),
    }
}

async fn delete_predictions(
    connection: &mut PgConnection,
    tenant: &str,
    ids: &[Uuid],
) -> Result<(), CallError> {
    let deleted: Vec<Uuid> =
        sqlx::query_scalar("DELETE FROM predictions WHERE tenant = $1 AND id = ANY ($2) RETURNING id")
            .bind(tenant)
            .bind(ids)
            .fetch_all(connection)
            .await?;
    match first_missing(ids.iter().copied(), deleted) {
        None => Ok(()),
        Some(id) => Err(StoreError::NotFound { entity: "prediction", id: id.to_string() }.into()),
    }
}

async fn insert_events(
    connection: &mut PgConnection,
    rows: &[Owned<'_, EventValues>],
    counts: &[UsageValues<'_>],
    replica: &str,
) -> Result<(), CallError> {
    if rows.is_empty() && counts.is_empty() {
        return Ok(());
    }
    let values = || rows.iter().map(|(_, event)| *event);
    let only_events = counts.is_empty();
    let query = sqlx::query_scalar(if only_events { insert_events!() } else { COUNT_AND_INSERT_EVENTS })
        .bind(rows.iter().map(|(tenant, _)| *tenant).bind_iter())
        .bind(values().map(|row| stored_id(row.event_id.as_u128())).bind_iter())
        .bind(values().map(|row| row.event_type).bind_iter())
        .bind(values().map(|row| stored_id(row.prediction_id.as_u128())).bind_iter())
        .bind(values().map(|row| PgTimestamp::bound(row.occurred_at)).bind_iter())
        .bind(values().map(|row| row.payload.as_str()).bind_iter())
        .bind(values().map(|row| row.aggregate_type).bind_iter())
        .bind(values().map(|row| row.traceparent.as_deref()).bind_iter());
    let query = if only_events {
        query
    } else {
        query
            .bind(counts.iter().map(|count| count.tenant).bind_iter())
            .bind(counts.iter().map(|count| count.principal).bind_iter())
            .bind(counts.iter().map(|count| count.texts).bind_iter())
            .bind(replica)
    };
    let inserted: Vec<Uuid> = query.fetch_all(connection).await?;
    match first_missing(values().map(|row| stored_id(row.event_id.as_u128())), inserted) {
        None => Ok(()),
        Some(id) => Err(StoreError::Conflict { entity: "event", id: id.to_string() }.into()),
    }
}

/// The first of the `expected` that is not among the `done`; none where each of them is.
fn first_missing(mut expected: impl ExactSizeIterator<Item = Uuid>, done: Vec<Uuid>) -> Option<Uuid> {
    if expected.len() == done.len() {
        return None;
    }
    let mut done: HashSet<Uuid> = done.into_iter().collect();
    expected.find(|id| !done.remove(id))
}
