//! A page of a walk, as one or two statements: where a filter matches few rows, the first finds how far the page may
//! look.

use application::ports::{PredictionFilter, WalkLimits, WalkRange};
use domain::value_objects::{PredictionId, TenantId};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Postgres, QueryBuilder, Row};
use uuid::Uuid;

use crate::columns::stored_id;
use crate::read_models::prediction_query::{push_terms, push_times, push_values};

/// The server sums up the bytes of the columns that may be long, and returns no row beyond the limit: a row of more
/// than 2 KiB is not read from its own table for that.
const SELECT: &str = "SELECT id, created_at, ref, sentiment, confidence, score_negative, score_neutral, \
     score_positive, labels, top_k, sentences, model_name, model_revision, tokens, windows, truncated, cached, \
     metadata, text, bytes FROM (SELECT *, \
     sum(long) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS bytes \
     FROM (SELECT id, created_at, ref, sentiment, confidence, score_negative, score_neutral, score_positive, \
     labels::text, top_k, sentences::text, model_name, model_revision, tokens, windows, truncated, cached, \
     metadata::text, text, coalesce(octet_length(text), 0) + coalesce(octet_length(sentences::text), 0) AS long \
     FROM predictions WHERE tenant = ";

/// The highest id of the tenant.
pub(super) fn newest_query(tenant: &TenantId) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("SELECT id FROM predictions WHERE tenant = ");
    query.push_bind(tenant.as_str()).push(" ORDER BY id DESC LIMIT 1");
    query
}

/// A page of a walk.
pub(super) struct WalkQuery<'w> {
    tenant: &'w TenantId,
    filter: &'w PredictionFilter,
    first: PredictionId,
    last: PredictionId,
    limits: WalkLimits,
}

/// The rows of a page.
pub(super) struct FoundPage {
    pub(super) rows: Vec<PgRow>,
    /// Whether rows may follow the last one.
    pub(super) is_full: bool,
    /// How far the page has looked; none to the end.
    pub(super) edge: Option<PredictionId>,
}

impl<'w> WalkQuery<'w> {
    /// The page of `range`; none where the filter's times leave no id.
    pub(super) fn new(
        tenant: &'w TenantId,
        filter: &'w PredictionFilter,
        range: WalkRange,
        limits: WalkLimits,
    ) -> Option<Self> {
        let (first, last) = filter.walk_bounds(range)?;
        Some(Self { tenant, filter, first, last, limits })
    }

    /// Reads the page: no transaction is open between the two statements or afterwards.
    pub(super) async fn run(&self, connection: &mut PgConnection) -> Result<FoundPage, sqlx::Error> {
        let edge = if self.filter.is_indexed() { None } else { self.edge(connection).await? };
        let rows = self.page_query(edge).build().fetch_all(connection).await?;
        let bytes: i64 = rows.last().map(|row| row.try_get("bytes")).transpose()?.unwrap_or(0);
        let is_full =
            rows.len() >= self.limits.rows as usize || u64::try_from(bytes).unwrap_or(0) >= self.limits.bytes;
        Ok(FoundPage { rows, is_full, edge })
    }

    /// The last of the rows that the page looks at, where ids are left.
    async fn edge(&self, connection: &mut PgConnection) -> Result<Option<PredictionId>, sqlx::Error> {
        let edge: Option<Uuid> = self.edge_query().build_query_scalar().fetch_optional(connection).await?;
        Ok(edge.map(|id| PredictionId::from_u128(id.as_u128())).filter(|edge| *edge < self.last))
    }

    fn edge_query(&self) -> QueryBuilder<Postgres> {
        let mut query = QueryBuilder::new("SELECT id FROM predictions WHERE tenant = ");
        query.push_bind(self.tenant.as_str());
        self.push_ids(&mut query, self.last);
        let before = i64::from(self.limits.read).saturating_sub(1).max(0);
        query.push(" ORDER BY id OFFSET ").push_bind(before).push(" LIMIT 1");
        query
    }

    fn page_query(&self, edge: Option<PredictionId>) -> QueryBuilder<Postgres> {
        let mut query = QueryBuilder::new(SELECT);
        query.push_bind(self.tenant.as_str());
        push_values(&mut query, self.filter);
        push_times(&mut query, self.filter);
        self.push_ids(&mut query, edge.unwrap_or(self.last));
        push_terms(&mut query, &self.filter.terms);
        query.push(" ORDER BY id LIMIT ").push_bind(i64::from(self.limits.rows));
        query.push(") AS page) AS page WHERE bytes - long < ");
        query.push_bind(i64::try_from(self.limits.bytes).unwrap_or(i64::MAX)).push(" ORDER BY id");
        query
    }

    fn push_ids(&self, query: &mut QueryBuilder<Postgres>, last: PredictionId) {
        query.push(" AND id >= ").push_bind(stored_id(self.first.as_u128()));
        query.push(" AND id <= ").push_bind(stored_id(last.as_u128()));
    }
}
