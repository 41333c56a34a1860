use std::collections::BTreeSet;

use application::ports::PredictionFilter;
use domain::value_objects::{PredictionId, TenantId};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use crate::columns::stored_id;
use crate::timestamp::PgTimestamp;

const SELECT: &str = "SELECT id, created_at, ref, sentiment, confidence, score_negative, score_neutral, \
     score_positive, labels::text, top_k, sentences::text, model_name, model_revision, tokens, windows, truncated, cached, \
     metadata::text, text FROM predictions WHERE tenant = ";

/// One prediction by its id.
pub(super) fn find_query(tenant: &TenantId, id: PredictionId) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(SELECT);
    query.push_bind(tenant.as_str()).push(" AND id = ").push_bind(stored_id(id.as_u128()));
    query
}

/// Those predictions of `ids` that the tenant has, in any order.
pub(super) fn find_many_query(tenant: &TenantId, ids: &[PredictionId]) -> QueryBuilder<Postgres> {
    let ids: Vec<Uuid> = ids.iter().map(|id| stored_id(id.as_u128())).collect();
    let mut query = QueryBuilder::new(SELECT);
    query.push_bind(tenant.as_str()).push(" AND id = ANY (").push_bind(ids).push(")");
    query
}

/// A page of the predictions that match `filter`, ids descending, below `after`.
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

pub(super) fn push_values(query: &mut QueryBuilder<Postgres>, filter: &PredictionFilter) {
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

pub(super) fn push_times(query: &mut QueryBuilder<Postgres>, filter: &PredictionFilter) {
    if let Some(from) = filter.from {
        query.push(" AND created_at >= ").push_bind(PgTimestamp::bound(from));
    }
    if let Some(to) = filter.to {
        query.push(" AND created_at < ").push_bind(PgTimestamp::bound(to));
    }
}

/// A range of ids, for which there is an index in the order of the list.
fn push_ids(query: &mut QueryBuilder<Postgres>, filter: &PredictionFilter, after: Option<PredictionId>) {
    let (from, below) = filter.id_range(after);
    if let Some(from) = from {
        query.push(" AND id >= ").push_bind(stored_id(from.as_u128()));
    }
    if let Some(below) = below {
        query.push(" AND id < ").push_bind(stored_id(below.as_u128()));
    }
}

/// All of the terms must be among those of the text, exactly.
pub(super) fn push_terms(query: &mut QueryBuilder<Postgres>, terms: &BTreeSet<String>) {
    if !terms.is_empty() {
        query.push(" AND terms @@ ").push_bind(ts_query(terms)).push("::tsquery");
    }
}

/// The `tsquery` that matches the terms literally: within quotes, only quotes and backslashes are special, and doubled.
fn ts_query(terms: &BTreeSet<String>) -> String {
    let quoted = |term: &String| format!("'{}'", term.replace('\\', "\\\\").replace('\'', "''"));
    terms.iter().map(quoted).collect::<Vec<_>>().join(" & ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_quoted_whatever_it_contains() {
        let terms = BTreeSet::from(["a'b".to_owned(), "c\\d".to_owned(), "e:*f & !g".to_owned()]);
        assert_eq!(ts_query(&terms), "'a''b' & 'c\\\\d' & 'e:*f & !g'");
    }
}
