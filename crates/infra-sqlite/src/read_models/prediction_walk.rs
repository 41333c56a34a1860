//! A page of a walk, as one or two statements: where a filter matches few rows, the first finds how far the page may
//! look.

use application::ports::{PredictionFilter, WalkLimits, WalkRange};
use domain::value_objects::{PredictionId, TenantId};
use futures_util::TryStreamExt;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use store_codec::Columns;

use crate::columns::{SqliteColumns, stored_id};
use crate::read_models::prediction_query::{match_expression, push_times, push_values, select};

/// The highest id of the tenant.
pub(super) fn newest_query(tenant: &TenantId) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("SELECT id FROM predictions WHERE tenant = ");
    query.push_bind(tenant.as_str().to_owned()).push(" ORDER BY id DESC LIMIT 1");
    query
}

/// A page of a walk.
pub(super) struct WalkQuery {
    tenant: TenantId,
    filter: PredictionFilter,
    first: PredictionId,
    last: PredictionId,
    limits: WalkLimits,
}

/// The rows of a page.
pub(super) struct FoundPage {
    pub(super) rows: Vec<SqliteRow>,
    /// Whether rows may follow the last one.
    pub(super) is_full: bool,
    /// How far the page has looked; none to the end.
    pub(super) edge: Option<PredictionId>,
}

/// The rows that a page looks at.
struct Window {
    /// The last of them, where ids are left.
    edge: Option<PredictionId>,
    /// The lowest and the highest of their `row`, by which the index of terms names them.
    rows: (i64, i64),
}

impl WalkQuery {
    /// The page of `range`; none where the filter's times leave no id.
    pub(super) fn new(
        tenant: &TenantId,
        filter: &PredictionFilter,
        range: WalkRange,
        limits: WalkLimits,
    ) -> Option<Self> {
        let (first, last) = filter.walk_bounds(range)?;
        Some(Self { tenant: tenant.clone(), filter: filter.clone(), first, last, limits })
    }

    /// Reads the page: no transaction is open between the two statements, nor a statement afterwards.
    pub(super) async fn run(self, connection: &mut SqliteConnection) -> Result<FoundPage, sqlx::Error> {
        let window = if self.filter.is_indexed() { None } else { Some(self.window(connection).await?) };
        let mut query = self.page_query(window.as_ref());
        let (mut rows, mut bytes, mut is_full) = (Vec::new(), 0, false);
        let mut found = query.build().fetch(connection);
        while let Some(row) = found.try_next().await? {
            bytes += long_bytes(&row);
            rows.push(row);
            is_full = rows.len() >= self.limits.rows as usize || bytes >= self.limits.bytes;
            if is_full {
                break;
            }
        }
        Ok(FoundPage { rows, is_full, edge: window.and_then(|window| window.edge) })
    }

    async fn window(&self, connection: &mut SqliteConnection) -> Result<Window, sqlx::Error> {
        let row = self.window_query().build().fetch_one(connection).await?;
        let (count, rows): (i64, _) = (row.try_get("count")?, (row.try_get("low")?, row.try_get("high")?));
        let edge = SqliteColumns(&row).id("id").ok().map(PredictionId::from_u128);
        let is_whole = count < i64::from(self.limits.read);
        Ok(Window { edge: edge.filter(|edge| !is_whole && *edge < self.last), rows })
    }

    /// The first rows of the range, whether they match or not; answered by the index on ids alone.
    fn window_query(&self) -> QueryBuilder<Sqlite> {
        let mut query = QueryBuilder::new(
            "SELECT count(*) AS count, max(id) AS id, coalesce(min(row), 0) AS low, coalesce(max(row), 0) AS high \
             FROM (SELECT id, row FROM predictions WHERE tenant = ",
        );
        query.push_bind(self.tenant.as_str().to_owned());
        self.push_ids(&mut query, self.last);
        query.push(" ORDER BY id LIMIT ").push_bind(self.limits.read).push(")");
        query
    }

    fn page_query(&self, window: Option<&Window>) -> QueryBuilder<Sqlite> {
        let mut query = select(&self.tenant, Some(self.index()));
        push_values(&mut query, &self.filter);
        push_times(&mut query, &self.filter);
        self.push_ids(&mut query, window.and_then(|window| window.edge).unwrap_or(self.last));
        if let Some(Window { rows: (low, high), .. }) = window.filter(|_| !self.filter.terms.is_empty()) {
            // The plus leaves the rows in the order of the index on ids, so that none needs to be sorted.
            query
                .push(" AND +row IN (SELECT rowid FROM prediction_terms WHERE prediction_terms MATCH ")
                .push_bind(match_expression(&self.filter.terms))
                .push(" AND rowid BETWEEN ")
                .push_bind(*low)
                .push(" AND ")
                .push_bind(*high)
                .push(")");
        }
        query.push(" ORDER BY id LIMIT ").push_bind(self.limits.rows);
        query
    }

    /// The index that holds exactly the rows that match, or else that of ids. Between two ids SQLite would choose the
    /// latter always, and read the whole range for a few rows.
    fn index(&self) -> &'static str {
        match &self.filter {
            filter if !filter.is_indexed() => "predictions_by_id",
            PredictionFilter { sentiment: Some(_), .. } => "predictions_by_sentiment",
            PredictionFilter { reference: Some(_), .. } => "predictions_by_ref",
            _ => "predictions_by_id",
        }
    }

    fn push_ids(&self, query: &mut QueryBuilder<Sqlite>, last: PredictionId) {
        query.push(" AND id >= ").push_bind(stored_id(self.first.as_u128()));
        query.push(" AND id <= ").push_bind(stored_id(last.as_u128()));
    }
}

/// The bytes of those columns of a row that may be long.
fn long_bytes(row: &SqliteRow) -> u64 {
    let bytes = |column| row.try_get::<Option<&str>, _>(column).ok().flatten().map_or(0, str::len);
    (bytes("text") + bytes("sentences")) as u64
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use application::ports::SchemaMigrator;
    use domain::value_objects::{Reference, Sentiment};
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::migrate::SqliteMigrator;
    use crate::pool::Database;
    use crate::settings::SqliteSettings;

    /// The query plans of the window and of the page that matches `filter`.
    async fn plans(filter: PredictionFilter) -> [String; 2] {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("undertone.db").display());
        let database = Database::from_settings(&SqliteSettings::new(url)).unwrap();
        let mut connection = database.first_writing().await.unwrap();
        SqliteMigrator::new(database).up().await.unwrap();
        let range = WalkRange { after: None, last: PredictionId::from_u128(7) };
        let limits = WalkLimits { rows: 20, bytes: 1_000, read: 100 };
        let walk = WalkQuery::new(&TenantId::default(), &filter, range, limits).unwrap();
        let window = Window { edge: None, rows: (1, 2) };
        let mut plans = Vec::new();
        for query in [walk.window_query(), walk.page_query(Some(&window)), newest_query(&TenantId::default())]
        {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", query.into_string()));
            let steps: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(explain).fetch_all(&mut connection).await.unwrap();
            plans.push(steps.into_iter().map(|step| step.3).collect::<Vec<_>>().join("\n"));
        }
        assert_eq!(
            plans.pop().unwrap(),
            "SEARCH predictions USING COVERING INDEX predictions_by_id (tenant=?)"
        );
        plans.try_into().unwrap()
    }

    #[tokio::test]
    async fn a_walk_reads_a_range_of_an_index_and_sorts_nothing() {
        let any = PredictionFilter::default;
        let by_id = "SEARCH predictions USING INDEX predictions_by_id (tenant=? AND id>? AND id<?)";
        for (filter, expected) in [
            (any(), by_id),
            (PredictionFilter { model: Some("m".to_owned()), ..any() }, by_id),
            (
                PredictionFilter { sentiment: Some(Sentiment::Mixed), ..any() },
                "SEARCH predictions USING INDEX predictions_by_sentiment (tenant=? AND sentiment=? AND id>? AND id<?)",
            ),
            (
                PredictionFilter { reference: Reference::parse("order-17").ok(), ..any() },
                "SEARCH predictions USING INDEX predictions_by_ref (tenant=? AND ref=? AND id>? AND id<?)",
            ),
        ] {
            let [window, page] = plans(filter).await;
            assert_eq!(page, expected);
            let covered =
                "SEARCH predictions USING COVERING INDEX predictions_by_id (tenant=? AND id>? AND id<?)";
            assert!(window.contains(covered) && !window.contains("TEMP"), "{window}");
        }
    }

    #[tokio::test]
    async fn a_walk_over_terms_reads_the_index_of_terms_for_its_rows_only() {
        let filter = PredictionFilter { terms: ["nice".to_owned()].into(), ..PredictionFilter::default() };
        let [_, page] = plans(filter).await;
        assert!(page.contains("USING INDEX predictions_by_id (tenant=? AND id>? AND id<?)"), "{page}");
        // `M` is the match, `>` and `<` bound the row.
        assert!(page.contains("SCAN prediction_terms VIRTUAL TABLE INDEX"), "{page}");
        assert!(!page.contains("TEMP B-TREE"), "{page}");
    }
}
