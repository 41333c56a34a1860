//! The statements over rollups. Each reads a range of the primary key for a value and a sentiment, so that it is as
//! cheap as the range is short. Sums come as one text for many buckets, `BUCKET PREDICTIONS TRUNCATED CONFIDENT
//! CONFIDENCE_SUM;…`: a row for each bucket would take longer to hand over than to sum.

/// The condition that the model is the selected one, if one is selected.
macro_rules! is_selected_model {
    () => {
        "(?6 IS NULL OR model IN (SELECT id FROM rollup_models WHERE name = ?6))"
    };
}

/// The values of the dimension that the days of the range may have.
macro_rules! values_of_days {
    () => {
        "SELECT value FROM rollup_values WHERE tenant = ?1 AND day BETWEEN ?7 AND ?8 AND dimension = ?2 \
         UNION SELECT '(none)' UNION SELECT '(other)'"
    };
}

/// The sums between the edges `?5`, by sentiment (`?4`): those of all edges of a sentiment in one text. A seek for each
/// edge is faster than to group the rows by a function of the bucket, which has to sort them.
pub(super) const SERIES: &str = concat!(
    "WITH edges AS MATERIALIZED (SELECT key AS place, value AS start, lead(value) OVER (ORDER BY key) AS stop \
     FROM json_each(?5)) \
     SELECT s.value AS sentiment, (SELECT group_concat((SELECT e.place || ' ' || sum(predictions) || ' ' || \
     sum(truncated) || ' ' || sum(confident) || ' ' || sum(confidence_sum) FROM rollups WHERE tenant = ?1 \
     AND dimension = ?2 AND value = ?3 AND sentiment = s.value AND bucket >= e.start AND bucket < e.stop AND ",
    is_selected_model!(),
    "), ';') FROM edges AS e WHERE e.stop IS NOT NULL) AS sums FROM json_each(?4) AS s WHERE EXISTS \
     (SELECT 1 FROM rollups WHERE tenant = ?1 AND dimension = ?2 AND value = ?3 AND sentiment = s.value \
     AND bucket >= ?5 ->> 0)",
);

/// The largest groups (at most `?9`) of what `$rollups` select, and the rest; of at most `?10` rows. A last row has
/// their number, even where none of them is of the selected model.
macro_rules! groups {
    ($rollups:expr) => {
        concat!(
            "WITH read AS MATERIALIZED (",
            $rollups,
            " LIMIT ?10), parts AS MATERIALIZED (SELECT key, sentiment, sum(predictions) AS predictions, \
             sum(truncated) AS truncated, sum(confident) AS confident, sum(confidence_sum) AS confidence_sum \
             FROM read WHERE ",
            is_selected_model!(),
            " GROUP BY key, sentiment), named AS MATERIALIZED (SELECT key FROM parts WHERE key <> '(other)' \
             GROUP BY key ORDER BY sum(predictions) DESC, key LIMIT ?9) \
             SELECT named.key AS key, sentiment, sum(predictions) AS predictions, sum(truncated) AS truncated, \
             sum(confident) AS confident, sum(confidence_sum) AS confidence_sum, 0 AS rows_read \
             FROM parts LEFT JOIN named ON named.key = parts.key GROUP BY named.key, sentiment \
             UNION ALL SELECT NULL, '', 0, 0, 0, 0, count(*) FROM read"
        )
    };
}

/// The rollups of each value from `?4` on, before `?5`.
pub(super) const GROUPS_OF_VALUES: &str = groups!(concat!(
    "SELECT v.value AS key, r.sentiment, r.model, r.predictions, r.truncated, r.confident, r.confidence_sum FROM (",
    values_of_days!(),
    ") AS v CROSS JOIN json_each(?3) AS s CROSS JOIN rollups AS r WHERE r.tenant = ?1 AND r.dimension = ?2 \
     AND r.value = v.value AND r.sentiment = s.value AND r.bucket >= ?4 AND r.bucket < ?5"
));

/// The rollups of each model from `?4` on, before `?5`. The days `?7` and `?8` are those of the values alone.
pub(super) const GROUPS_OF_MODELS: &str = groups!(
    "SELECT m.name AS key, r.sentiment, r.model, r.predictions, r.truncated, r.confident, r.confidence_sum \
     FROM json_each(?3) AS s CROSS JOIN rollups AS r CROSS JOIN rollup_models AS m ON m.id = r.model \
     WHERE ?7 <= ?8 AND r.tenant = ?1 AND r.dimension = ?2 AND r.value = ?11 AND r.sentiment = s.value \
     AND r.bucket >= ?4 AND r.bucket < ?5"
);

/// The sums of the buckets of each group that `?9` names, and of the others, by sentiment.
macro_rules! group_series {
    ($rollups:expr) => {
        concat!(
            "WITH named AS MATERIALIZED (SELECT j.key AS place, j.value AS name FROM json_each(?9) AS j), sums AS (",
            $rollups,
            " AND r.bucket >= ?4 AND r.bucket < ?5 AND ",
            is_selected_model!(),
            " GROUP BY place, r.sentiment, r.bucket) \
             SELECT place, sentiment, group_concat(bucket || ' ' || predictions || ' ' || truncated || ' ' || \
             confident || ' ' || confidence_sum, ';') AS sums FROM sums GROUP BY place, sentiment"
        )
    };
}

/// What is selected of the rollups `r` of a group with a `place`.
macro_rules! bucket_sums {
    () => {
        "SELECT place, r.sentiment AS sentiment, r.bucket AS bucket, sum(r.predictions) AS predictions, \
         sum(r.truncated) AS truncated, sum(r.confident) AS confident, sum(r.confidence_sum) AS confidence_sum "
    };
}

pub(super) const GROUP_SERIES_OF_VALUES: &str = group_series!(concat!(
    bucket_sums!(),
    "FROM (SELECT value, (SELECT place FROM named WHERE name = value) AS place FROM (",
    values_of_days!(),
    ")) AS v CROSS JOIN json_each(?3) AS s CROSS JOIN rollups AS r WHERE r.tenant = ?1 AND r.dimension = ?2 \
     AND r.value = v.value AND r.sentiment = s.value"
));

pub(super) const GROUP_SERIES_OF_MODELS: &str = group_series!(concat!(
    bucket_sums!(),
    "FROM json_each(?3) AS s CROSS JOIN rollups AS r CROSS JOIN (SELECT id, (SELECT place FROM named \
     WHERE named.name = rollup_models.name) AS place FROM rollup_models) AS m ON m.id = r.model \
     WHERE ?7 <= ?8 AND r.tenant = ?1 AND r.dimension = ?2 AND r.value = ?10 AND r.sentiment = s.value"
));

/// How far the sink `analytics` is. Events have positions in about the order of their times: the oldest is among the
/// first ones.
pub(super) const PROGRESS: &str = "SELECT s.position, f.last_position, f.purged_position, \
     (SELECT min(occurred_at) FROM (SELECT occurred_at FROM outbox WHERE position > s.position \
     ORDER BY position LIMIT 1000)) AS first_waiting, \
     (SELECT min(occurred_at) FROM (SELECT occurred_at FROM outbox WHERE published_at IS NULL \
     ORDER BY seq LIMIT 1000)) AS first_unsequenced, \
     (SELECT min(first_bucket) FROM rollup_outdated WHERE tenant = ?1 AND last_bucket >= ?2 \
     AND first_bucket < ?3) AS recounting_from \
     FROM sinks AS s CROSS JOIN outbox_feed AS f WHERE s.name = 'analytics'";

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use application::ports::SchemaMigrator;
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::migrate::SqliteMigrator;
    use crate::pool::Database;
    use crate::settings::SqliteSettings;

    /// The steps of the plan of `statement` that read `table`.
    async fn plan(statement: &str, table: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("undertone.db").display());
        let database = Database::from_settings(&SqliteSettings::new(url)).unwrap();
        let mut connection = database.first_writing().await.unwrap();
        SqliteMigrator::new(database).up().await.unwrap();
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let steps: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explain).fetch_all(&mut connection).await.unwrap();
        let steps = steps.into_iter().map(|step| step.3);
        steps.filter(|step| step.starts_with('S') && step.split(' ').nth(1) == Some(table)).collect()
    }

    #[tokio::test]
    async fn sums_read_a_range_of_the_primary_key() {
        let range = "USING PRIMARY KEY (tenant=? AND dimension=? AND value=? AND sentiment=? AND bucket>? AND bucket<?)";
        assert_eq!(plan(SERIES, "rollups").await.last(), Some(&format!("SEARCH rollups {range}")));
        for statement in [GROUPS_OF_VALUES, GROUPS_OF_MODELS, GROUP_SERIES_OF_VALUES, GROUP_SERIES_OF_MODELS]
        {
            assert_eq!(plan(statement, "r").await, [format!("SEARCH r {range}")]);
        }
    }

    #[tokio::test]
    async fn progress_reads_the_ends_of_indexes() {
        let steps = plan(PROGRESS, "outbox").await;
        assert_eq!(steps.len(), 2, "{steps:?}");
        assert!(steps.iter().any(|step| step.contains("(position>?)")), "{steps:?}");
        assert!(steps.iter().any(|step| step.contains("USING INDEX outbox_unpublished")), "{steps:?}");
    }
}
