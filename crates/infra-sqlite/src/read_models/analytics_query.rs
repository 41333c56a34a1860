use application::ports::{IdWalk, TextSelection};
use domain::value_objects::{PredictionId, TenantId};
use sqlx::{QueryBuilder, Sqlite};

use crate::columns::stored_id;

/// The texts of those predictions of `ids` that the tenant has. The ids are one JSON array, so that any number of them
/// is the same statement.
pub(super) fn texts_query(tenant: &TenantId, ids: &[PredictionId]) -> QueryBuilder<Sqlite> {
    let ids: Vec<String> = ids.iter().map(|id| format!("{:032x}", id.as_u128())).collect();
    let mut query = QueryBuilder::new("SELECT id, text FROM predictions WHERE tenant = ");
    query.push_bind(tenant.as_str().to_owned()).push(" AND id IN (SELECT unhex(value) FROM json_each(");
    query.push_bind(serde_json::Value::from(ids).to_string()).push("))");
    query
}

/// The sampled ids among the next rows of the index, and a last row about all of these rows.
pub(super) fn walk_query(tenant: &TenantId, selection: &TextSelection, walk: IdWalk) -> QueryBuilder<Sqlite> {
    let (from, to) = selection.id_range();
    let matches = |query: &mut QueryBuilder<Sqlite>| {
        if let Some(model) = &selection.model {
            query.push("model_name = ").push_bind(model.clone());
        } else {
            query.push("TRUE");
        }
    };
    let columns = if selection.model.is_some() { "id, model_name" } else { "id" };
    // Without the hint, the plan for a model is a walk over all sentiments, which examines more rows than the limit.
    let mut query = QueryBuilder::new(format!(
        "WITH page AS MATERIALIZED \
         (SELECT {columns} FROM predictions INDEXED BY predictions_by_sentiment WHERE tenant = "
    ));
    query.push_bind(tenant.as_str().to_owned());
    query.push(" AND sentiment = ").push_bind(selection.sentiment.as_str());
    match walk.after {
        Some(after) => query.push(" AND id > ").push_bind(stored_id(after.as_u128())),
        None => query.push(" AND id >= ").push_bind(stored_id(from.as_u128())),
    };
    query.push(" AND id < ").push_bind(stored_id(to.as_u128()));
    query.push(" ORDER BY id LIMIT ").push_bind(walk.limit);
    // The last 4 of the 16 bytes are random, and compared as an unsigned number.
    query.push(") SELECT id, NULL AS examined, NULL AS matching FROM page WHERE substr(id, 13) <= ");
    query.push_bind(walk.at_most.to_be_bytes().to_vec()).push(" AND ");
    matches(&mut query);
    query.push(" UNION ALL SELECT max(id), count(*), count(*) FILTER (WHERE ");
    matches(&mut query);
    query.push(") FROM page");
    query
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use application::ports::SchemaMigrator;
    use domain::value_objects::{Sentiment, Timestamp};
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::migrate::SqliteMigrator;
    use crate::pool::Database;
    use crate::settings::SqliteSettings;

    /// The query plan of a step of the walk.
    async fn plan(model: Option<String>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("undertone.db").display());
        let database = Database::from_settings(&SqliteSettings::new(url)).unwrap();
        let mut connection = database.first_writing().await.unwrap();
        SqliteMigrator::new(database).up().await.unwrap();
        let (from, to) = (Timestamp::from_micros(0), Timestamp::from_micros(1_767_323_045_000_500));
        let selection = TextSelection { sentiment: Sentiment::Negative, from, to, model };
        let walk = IdWalk { after: Some(PredictionId::from_u128(7)), at_most: 9, limit: 25_000 };
        let query = walk_query(&TenantId::default(), &selection, walk).into_string();
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"));
        let steps: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explain).fetch_all(&mut connection).await.unwrap();
        steps.into_iter().map(|step| step.3).collect::<Vec<_>>().join("\n")
    }

    #[tokio::test]
    async fn a_walk_reads_ids_from_the_index_of_sentiments_alone() {
        let range = "predictions_by_sentiment (tenant=? AND sentiment=? AND id>? AND id<?)";
        let plan_of_any = plan(None).await;
        assert!(
            plan_of_any.contains(&format!("SEARCH predictions USING COVERING INDEX {range}")),
            "{plan_of_any}"
        );
        let plan_of_model = plan(Some("m".to_owned())).await;
        assert!(
            plan_of_model.contains(&format!("SEARCH predictions USING INDEX {range}")),
            "{plan_of_model}"
        );
        assert!(!plan_of_any.contains("ORDER BY") && !plan_of_model.contains("ORDER BY"), "{plan_of_any}");
    }
}
