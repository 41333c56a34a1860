use std::collections::BTreeSet;

use application::ports::PredictionFilter;
use domain::value_objects::{PredictionId, TenantId, Timestamp};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use crate::timestamp::PgTimestamp;

const SELECT: &str = "SELECT id, created_at, ref, sentiment, confidence, score_negative, score_neutral, \
     score_positive, labels::text, top_k, sentences::text, model_name, model_revision, tokens, windows, truncated, cached, \
     metadata::text, text FROM predictions WHERE tenant = ";

/// One prediction by its id.
pub(super) fn find_query(tenant: &TenantId, id: PredictionId) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(SELECT);
    query.push_bind(tenant.as_str()).push(" AND id = ").push_bind(uuid(id));
    query
}

/// A page of the predictions that `filter` means, ids descending, below `after`.
pub(super) fn list_query(
    tenant: &TenantId,
    filter: &PredictionFilter,
    after: Option<PredictionId>,
    limit: u32,
) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(SELECT);
    query.push_bind(tenant.as_str());
    push_values(&mut query, filter);
    push_times(&mut query, filter);
    push_ids(&mut query, filter, after);
    push_terms(&mut query, &filter.terms);
    query.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(limit));
    query
}

fn push_values(query: &mut QueryBuilder<Postgres>, filter: &PredictionFilter) {
    if let Some(sentiment) = filter.sentiment {
        query.push(" AND sentiment = ").push_bind(sentiment.as_str());
    }
    if let Some(model) = &filter.model {
        query.push(" AND model_name = ").push_bind(model);
    }
    if let Some(reference) = &filter.reference {
        query.push(" AND ref = ").push_bind(reference.as_str());
    }
    if let Some(least) = filter.min_confidence {
        query.push(" AND confidence >= ").push_bind(least.value());
    }
    if let Some(most) = filter.max_confidence {
        query.push(" AND confidence <= ").push_bind(most.value());
    }
}

fn push_times(query: &mut QueryBuilder<Postgres>, filter: &PredictionFilter) {
    if let Some(from) = filter.from {
        query.push(" AND created_at >= ").push_bind(PgTimestamp::bound(from));
    }
    if let Some(to) = filter.to {
        query.push(" AND created_at < ").push_bind(PgTimestamp::bound(to));
    }
}

/// The range of ids that the cursor and the times leave. An id holds the whole milliseconds of the instant that
/// is also the time of creation, so a bound on the time bounds the id, and the primary key serves as an index on
/// times. The times themselves are compared as well: within a millisecond the id says nothing.
fn push_ids(query: &mut QueryBuilder<Postgres>, filter: &PredictionFilter, after: Option<PredictionId>) {
    if let Some(lowest) = filter.from.map(PredictionId::lowest_at) {
        query.push(" AND id >= ").push_bind(uuid(lowest));
    }
    let end = [after, filter.to.and_then(end_of_ids)].into_iter().flatten().min();
    if let Some(end) = end {
        query.push(" AND id < ").push_bind(uuid(end));
    }
}

/// The lowest id that is too late for every time before `to`: that of the next millisecond. None where ids cannot
/// tell, as their milliseconds end with 2^48. Every time before the epoch has the ids of its first millisecond.
fn end_of_ids(to: Timestamp) -> Option<PredictionId> {
    const LAST_MILLI: i64 = (1 << 48) - 1;
    let milli = to.as_micros().div_euclid(1_000).max(0);
    let next = (milli < LAST_MILLI).then(|| (milli + 1) * 1_000)?;
    Some(PredictionId::lowest_at(Timestamp::from_micros(next)))
}

/// All of the terms must be among those of the text, each to the letter.
fn push_terms(query: &mut QueryBuilder<Postgres>, terms: &BTreeSet<String>) {
    if !terms.is_empty() {
        query.push(" AND terms @@ ").push_bind(ts_query(terms)).push("::tsquery");
    }
}

/// The `tsquery` that finds the terms as they are: within quotes, quotes and backslashes count double, and nothing
/// else has a meaning.
fn ts_query(terms: &BTreeSet<String>) -> String {
    let quoted = |term: &String| format!("'{}'", term.replace('\\', "\\\\").replace('\'', "''"));
    terms.iter().map(quoted).collect::<Vec<_>>().join(" & ")
}

fn uuid(id: PredictionId) -> Uuid {
    Uuid::from_u128(id.as_u128())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(micros: i64) -> Option<u128> {
        end_of_ids(Timestamp::from_micros(micros)).map(PredictionId::as_u128)
    }

    #[test]
    fn ids_end_with_the_millisecond_that_holds_the_last_time() {
        assert_eq!(end(1_000), Some(2 << 80));
        assert_eq!(end(1_001), Some(2 << 80));
        assert_eq!(end(1_999), Some(2 << 80));
        assert_eq!(end(2_000), Some(3 << 80));
    }

    #[test]
    fn times_that_no_id_holds_do_not_hide_rows() {
        assert_eq!(end(i64::MAX), None);
        for before_the_epoch in [i64::MIN, -1_000_000, -1] {
            assert_eq!(end(before_the_epoch), Some(1 << 80));
        }
    }

    #[test]
    fn a_term_is_quoted_whatever_it_holds() {
        let terms = BTreeSet::from(["a'b".to_owned(), "c\\d".to_owned(), "e:*f & !g".to_owned()]);
        assert_eq!(ts_query(&terms), "'a''b' & 'c\\\\d' & 'e:*f & !g'");
    }
}
