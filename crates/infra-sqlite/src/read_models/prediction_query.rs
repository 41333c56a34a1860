use std::collections::BTreeSet;

use application::ports::PredictionFilter;
use domain::value_objects::{Confidence, PredictionId, TenantId};
use sqlx::{QueryBuilder, Sqlite};

use crate::columns::stored_id;

const SELECT: &str = "SELECT id, ref, metadata, sentiment, confidence, score_negative, score_neutral, \
     score_positive, labels, top_k, sentences, model_name, model_revision, tokens, windows, truncated, cached, \
     created_at, text FROM predictions";

/// The rows of the tenant, by `index` where the choice is not left to SQLite.
pub(super) fn select(tenant: &TenantId, index: Option<&'static str>) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(SELECT);
    if let Some(index) = index {
        query.push(" INDEXED BY ").push(index);
    }
    query.push(" WHERE tenant = ").push_bind(tenant.as_str().to_owned());
    query
}

/// One prediction by its id.
pub(super) fn find_query(tenant: &TenantId, id: PredictionId) -> QueryBuilder<Sqlite> {
    let mut query = select(tenant, None);
    query.push(" AND id = ").push_bind(stored_id(id.as_u128()));
    query
}

/// Those predictions of `ids` that the tenant has, in any order. The ids are one JSON array, so that any number of them
/// is the same statement.
pub(super) fn find_many_query(tenant: &TenantId, ids: &[PredictionId]) -> QueryBuilder<Sqlite> {
    let ids: Vec<String> = ids.iter().map(|id| format!("{:032x}", id.as_u128())).collect();
    let mut query = select(tenant, None);
    query.push(" AND id IN (SELECT unhex(value) FROM json_each(");
    query.push_bind(serde_json::Value::from(ids).to_string()).push("))");
    query
}

/// A page of the predictions that match `filter`, ids descending, below `after`.
pub(super) fn list_query(
    tenant: &TenantId,
    filter: &PredictionFilter,
    after: Option<PredictionId>,
    limit: u32,
) -> QueryBuilder<Sqlite> {
    let mut query = select(tenant, None);
    push_values(&mut query, filter);
    push_times(&mut query, filter);
    push_ids(&mut query, filter, after);
    push_terms(&mut query, &filter.terms);
    query.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
    query
}

pub(super) fn push_values(query: &mut QueryBuilder<Sqlite>, filter: &PredictionFilter) {
    if let Some(sentiment) = filter.sentiment {
        query.push(" AND sentiment = ").push_bind(sentiment.as_str());
    }
    if let Some(model) = &filter.model {
        query.push(" AND model_name = ").push_bind(model.clone());
    }
    if let Some(reference) = &filter.reference {
        query.push(" AND ref = ").push_bind(reference.as_str().to_owned());
    }
    // Every f32 is an f64 of the same value, so that the comparison is exact.
    let exact = |confidence: Confidence| f64::from(confidence.value());
    if let Some(least) = filter.min_confidence {
        query.push(" AND confidence >= ").push_bind(exact(least));
    }
    if let Some(most) = filter.max_confidence {
        query.push(" AND confidence <= ").push_bind(exact(most));
    }
}

pub(super) fn push_times(query: &mut QueryBuilder<Sqlite>, filter: &PredictionFilter) {
    if let Some(from) = filter.from {
        query.push(" AND created_at >= ").push_bind(from.as_micros());
    }
    if let Some(to) = filter.to {
        query.push(" AND created_at < ").push_bind(to.as_micros());
    }
}

/// A range of ids, for which there is an index in the order of the list.
fn push_ids(query: &mut QueryBuilder<Sqlite>, filter: &PredictionFilter, after: Option<PredictionId>) {
    let (from, below) = filter.id_range(after);
    if let Some(from) = from {
        query.push(" AND id >= ").push_bind(stored_id(from.as_u128()));
    }
    if let Some(below) = below {
        query.push(" AND id < ").push_bind(stored_id(below.as_u128()));
    }
}

/// All of the terms must be among those of the text. A term holds letters and digits only, so that quoting it
/// needs no escape; the quotes keep FTS5 from taking `and` or `near` for an operator.
fn push_terms(query: &mut QueryBuilder<Sqlite>, terms: &BTreeSet<String>) {
    if terms.is_empty() {
        return;
    }
    query
        .push(" AND row IN (SELECT rowid FROM prediction_terms WHERE prediction_terms MATCH ")
        .push_bind(match_expression(terms))
        .push(")");
}

/// The expression of FTS5 for texts with all of the terms.
pub(super) fn match_expression(terms: &BTreeSet<String>) -> String {
    terms.iter().map(|term| format!("\"{term}\"")).collect::<Vec<_>>().join(" AND ")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use application::ports::SchemaMigrator;
    use domain::value_objects::{Reference, Sentiment, Timestamp};
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::migrate::SqliteMigrator;
    use crate::pool::Database;
    use crate::settings::SqliteSettings;

    /// The query plan of the page that matches `filter`.
    async fn plan(filter: PredictionFilter) -> String {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("undertone.db").display());
        let database = Database::from_settings(&SqliteSettings::new(url)).unwrap();
        let mut connection = database.first_writing().await.unwrap();
        SqliteMigrator::new(database).up().await.unwrap();
        let after = Some(PredictionId::from_u128(7));
        let query = list_query(&TenantId::default(), &filter, after, 20).into_string();
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"));
        let steps: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explain).fetch_all(&mut connection).await.unwrap();
        steps.into_iter().map(|step| step.3).collect::<Vec<_>>().join("\n")
    }

    #[tokio::test]
    async fn a_plain_list_walks_the_index_on_ids() {
        let range = "SEARCH predictions USING INDEX predictions_by_id (tenant=? AND id<?)";
        assert_eq!(plan(PredictionFilter::default()).await, range);
        let model = PredictionFilter { model: Some("m".to_owned()), ..PredictionFilter::default() };
        assert_eq!(plan(model).await, range);
    }

    #[tokio::test]
    async fn a_sentiment_walks_its_index_in_the_order_of_ids() {
        let filter = PredictionFilter { sentiment: Some(Sentiment::Mixed), ..PredictionFilter::default() };
        let range =
            "SEARCH predictions USING INDEX predictions_by_sentiment (tenant=? AND sentiment=? AND id<?)";
        assert_eq!(plan(filter).await, range);
    }

    #[tokio::test]
    async fn a_reference_walks_its_index_in_the_order_of_ids() {
        let reference = Reference::parse("order-17").ok();
        let filter = PredictionFilter { reference, ..PredictionFilter::default() };
        let range = "SEARCH predictions USING INDEX predictions_by_ref (tenant=? AND ref=? AND id<?)";
        assert_eq!(plan(filter).await, range);
    }

    #[tokio::test]
    async fn times_bound_the_range_of_ids() {
        let from = Some(Timestamp::from_micros(1_767_323_045_000_500));
        let filter = PredictionFilter { from, to: from, ..PredictionFilter::default() };
        let range = "SEARCH predictions USING INDEX predictions_by_id (tenant=? AND id>? AND id<?)";
        assert_eq!(plan(filter).await, range);
    }

    #[tokio::test]
    async fn terms_are_looked_up_in_the_index_of_terms() {
        let filter =
            PredictionFilter { terms: BTreeSet::from(["nice".to_owned()]), ..PredictionFilter::default() };
        let plan = plan(filter).await;
        assert!(plan.contains("SCAN prediction_terms VIRTUAL TABLE INDEX"), "{plan}");
    }
}
