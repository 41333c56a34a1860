//! The writes to the rollups, each a transaction of the one writer. A loss of power may undo them: the cursor is part
//! of the same transaction, so that the same events are counted again.

use std::collections::{BTreeSet, HashMap, HashSet};

use application::ports::ANALYTICS_SINK;
use application::ports::{AdmittedValue, OutdatedRange, ProjectionStep, Recount, SinkStep};
use async_trait::async_trait;
use domain::events::PREDICTION_DELETED;
use domain::value_objects::{Dimensions, Rollup, RollupKey, TenantId};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use store_codec::{ROLLUP_COUNTS, ROLLUP_SENTIMENTS, read_deleted_bucket, write_rollup, write_rollup_key};

use crate::columns::SqliteColumns;
use crate::error::CallError;
use crate::repositories::rollup::bucket;
use crate::repositories::sink::move_sink;
use crate::writer::{Flush, Room, WriteJob};

/// Adds what a page of events changes.
pub(super) struct ApplyStep {
    pub(super) fence: i64,
    pub(super) step: ProjectionStep,
}

#[async_trait]
impl WriteJob for ApplyStep {
    type Answer = ();
    const QUERY_TYPE: &'static str = "apply_step";
    const ROOM: Room = Room::Normal;
    const FLUSH: Flush = Flush::WithLaterCommit;

    async fn write(&self, connection: &mut SqliteConnection) -> Result<(), CallError> {
        let ProjectionStep { from, to, changes, admitted, outdated } = &self.step;
        move_analytics(connection, self.fence, *from, *to).await?;
        let tenants =
            changes.iter().map(|(key, _)| &key.tenant).chain(outdated.iter().map(|range| &range.tenant));
        let erased = erased(connection, tenants).await?;
        admit(connection, admitted.iter().filter(|value| !erased.contains(value.tenant.as_str()))).await?;
        add(connection, changes.iter().filter(|(key, _)| !erased.contains(key.tenant.as_str()))).await?;
        for range in outdated.iter().filter(|range| !erased.contains(range.tenant.as_str())) {
            mark(connection, range).await?;
        }
        Ok(())
    }
}

/// Replaces the rollups of a range.
pub(super) struct ReplaceRange {
    pub(super) fence: i64,
    pub(super) recount: Recount,
}

#[async_trait]
impl WriteJob for ReplaceRange {
    type Answer = ();
    const QUERY_TYPE: &'static str = "replace_rollups";
    const ROOM: Room = Room::Normal;
    const FLUSH: Flush = Flush::WithLaterCommit;

    async fn write(&self, connection: &mut SqliteConnection) -> Result<(), CallError> {
        let Recount { at, range, rollups, admitted } = &self.recount;
        move_analytics(connection, self.fence, *at, *at).await?;
        remove(connection, range).await?;
        if erased(connection, std::iter::once(&range.tenant)).await?.is_empty() {
            admit(connection, admitted.iter()).await?;
            add(connection, rollups.iter()).await?;
        }
        shorten(connection, range).await?;
        Ok(())
    }
}

/// Marks the history of one tenant or of all outdated.
pub(super) struct MarkOutdated {
    pub(super) tenant: Option<TenantId>,
}

#[async_trait]
impl WriteJob for MarkOutdated {
    type Answer = u64;
    const QUERY_TYPE: &'static str = "mark_outdated";

    async fn write(&self, connection: &mut SqliteConnection) -> Result<u64, CallError> {
        match &self.tenant {
            Some(tenant) => mark_histories(connection, vec![tenant.to_string()]).await,
            None => mark_all(connection).await,
        }
    }
}

/// Marks all histories outdated and moves the cursor to the end of the feed.
pub(super) struct RestartSink {
    pub(super) fence: i64,
    pub(super) from: i64,
}

#[async_trait]
impl WriteJob for RestartSink {
    type Answer = i64;
    const QUERY_TYPE: &'static str = "restart_sink";

    async fn write(&self, connection: &mut SqliteConnection) -> Result<i64, CallError> {
        let end =
            sqlx::query_scalar("SELECT last_position FROM outbox_feed").fetch_one(&mut *connection).await?;
        move_analytics(connection, self.fence, self.from, end).await?;
        mark_all(connection).await?;
        mark_deleted(connection).await?;
        Ok(end)
    }
}

async fn move_analytics(
    connection: &mut SqliteConnection,
    fence: i64,
    from: i64,
    to: i64,
) -> Result<(), CallError> {
    move_sink(connection, ANALYTICS_SINK, fence, SinkStep { from, to, lost: 0 }).await
}

/// The names of those of `tenants` whose rows were removed or are being removed.
async fn erased(
    connection: &mut SqliteConnection,
    tenants: impl Iterator<Item = &TenantId> + Send,
) -> Result<HashSet<String>, sqlx::Error> {
    let names: BTreeSet<&str> = tenants.map(TenantId::as_str).collect();
    let names = serde_json::Value::from_iter(names).to_string();
    let erased: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM tenants WHERE name IN (SELECT value FROM json_each(?1)) AND status IN ('erasing', 'erased')",
    )
    .bind(names)
    .fetch_all(connection)
    .await?;
    Ok(erased.into_iter().collect())
}

async fn admit(
    connection: &mut SqliteConnection,
    values: impl Iterator<Item = &AdmittedValue> + Send,
) -> Result<(), sqlx::Error> {
    for AdmittedValue { tenant, day, value } in values {
        sqlx::query(
            "INSERT INTO rollup_values (tenant, day, dimension, value) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        )
        .bind(tenant.as_str())
        .bind(day)
        .bind(&value.dimension)
        .bind(&value.value)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The rows of one statement.
const ROWS: usize = 64;

/// Adds `changes` and removes the rollups that become zero.
async fn add(
    connection: &mut SqliteConnection,
    changes: impl Iterator<Item = &(RollupKey, Rollup)> + Send,
) -> Result<(), sqlx::Error> {
    let changes: Vec<_> = changes.collect();
    let models = models(connection, &changes).await?;
    for rows in changes.chunks(ROWS) {
        let mut statement = upsert(rows, &models);
        let zeros: Vec<SqliteRow> =
            statement.build().persistent(rows.len() == ROWS).fetch_all(&mut *connection).await?;
        for row in zeros {
            if row.try_get::<bool, _>("is_zero")? {
                remove_row(connection, &row).await?;
            }
        }
    }
    Ok(())
}

/// The numbers of the models of `changes`, by name and revision.
async fn models<'c>(
    connection: &mut SqliteConnection,
    changes: &[&'c (RollupKey, Rollup)],
) -> Result<HashMap<[&'c str; 2], i64>, sqlx::Error> {
    let mut models = HashMap::new();
    for (key, _) in changes {
        let model = [&*key.model_name, &*key.model_revision];
        if models.contains_key(&model) {
            continue;
        }
        // The update changes nothing: without it there would be no row to return.
        let number: i64 = sqlx::query_scalar(
            "INSERT INTO rollup_models (name, revision) VALUES (?1, ?2) \
             ON CONFLICT (name, revision) DO UPDATE SET name = excluded.name RETURNING id",
        )
        .bind(model[0])
        .bind(model[1])
        .fetch_one(&mut *connection)
        .await?;
        models.insert(model, number);
    }
    Ok(models)
}

/// Adds the rows and returns their keys, and whether they have become zero.
fn upsert(rows: &[&(RollupKey, Rollup)], models: &HashMap<[&str; 2], i64>) -> QueryBuilder<Sqlite> {
    let mut query =
        QueryBuilder::new("INSERT INTO rollups (tenant, dimension, value, sentiment, bucket, model");
    for column in ROLLUP_COUNTS {
        query.push(", ").push(column);
    }
    query.push(") ");
    query.push_values(rows, |mut row, (key, rollup)| {
        row.push_bind(key.tenant.to_string());
        for text in write_rollup_key(key) {
            row.push_bind(text.to_owned());
        }
        row.push_bind(key.bucket.start().as_micros());
        row.push_bind(models.get(&[&*key.model_name, &*key.model_revision]).copied());
        for count in write_rollup(rollup) {
            row.push_bind(count);
        }
    });
    query.push(" ON CONFLICT (tenant, dimension, value, sentiment, bucket, model) DO UPDATE SET ");
    for (n, column) in ROLLUP_COUNTS.into_iter().enumerate() {
        let comma = if n == 0 { "" } else { ", " };
        query.push(format_args!("{comma}{column} = rollups.{column} + excluded.{column}"));
    }
    query.push(" RETURNING tenant, dimension, value, sentiment, bucket, model, (");
    for (n, column) in ROLLUP_COUNTS.into_iter().enumerate() {
        let and = if n == 0 { "" } else { " AND " };
        query.push(format_args!("{and}{column} = 0"));
    }
    query.push(") AS is_zero");
    query
}

async fn remove_row(connection: &mut SqliteConnection, row: &SqliteRow) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM rollups WHERE tenant = ?1 AND dimension = ?2 AND value = ?3 AND sentiment = ?4 \
         AND bucket = ?5 AND model = ?6",
    )
    .bind(row.try_get::<String, _>("tenant")?)
    .bind(row.try_get::<String, _>("dimension")?)
    .bind(row.try_get::<String, _>("value")?)
    .bind(row.try_get::<String, _>("sentiment")?)
    .bind(row.try_get::<i64, _>("bucket")?)
    .bind(row.try_get::<i64, _>("model")?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes the rollups of `range`: by the primary key, whose columns before the bucket are enumerated.
async fn remove(connection: &mut SqliteConnection, range: &OutdatedRange) -> Result<(), sqlx::Error> {
    let tenant = range.tenant.as_str();
    let mut pairs = vec![(String::new(), String::new())];
    for dimension in dimensions(connection, tenant).await? {
        pairs
            .extend([Dimensions::OTHER, Dimensions::NONE].map(|value| (dimension.clone(), value.to_owned())));
    }
    let admitted: Vec<(String, String)> = sqlx::query_as(
        "SELECT DISTINCT dimension, value FROM rollup_values WHERE tenant = ?1 AND day BETWEEN ?2 AND ?3",
    )
    .bind(tenant)
    .bind(range.first.day())
    .bind(range.last.day())
    .fetch_all(&mut *connection)
    .await?;
    pairs.extend(admitted);
    let sentiments = serde_json::Value::from_iter(ROLLUP_SENTIMENTS).to_string();
    for (dimension, value) in pairs {
        sqlx::query(REMOVE)
            .bind(tenant)
            .bind(dimension)
            .bind(value)
            .bind(&sentiments)
            .bind(range.first.start().as_micros())
            .bind(range.last.start().as_micros())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

const REMOVE: &str = "DELETE FROM rollups WHERE tenant = ?1 AND dimension = ?2 AND value = ?3 \
     AND sentiment IN (SELECT value FROM json_each(?4)) AND bucket BETWEEN ?5 AND ?6";

/// The dimensions with rollups of `tenant`, each found by a search in the primary key.
async fn dimensions(connection: &mut SqliteConnection, tenant: &str) -> Result<Vec<String>, sqlx::Error> {
    let mut dimensions = Vec::new();
    let mut last = String::new();
    while let Some(next) = sqlx::query_scalar::<_, Option<String>>(
        "SELECT min(dimension) FROM rollups WHERE tenant = ?1 AND dimension > ?2",
    )
    .bind(tenant)
    .bind(&last)
    .fetch_one(&mut *connection)
    .await?
    {
        dimensions.push(next.clone());
        last = next;
    }
    Ok(dimensions)
}

/// Marks `range` outdated, unless it is.
async fn mark(connection: &mut SqliteConnection, range: &OutdatedRange) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO rollup_outdated (tenant, first_bucket, last_bucket) SELECT ?1, ?2, ?3 \
         WHERE NOT EXISTS (SELECT 1 FROM rollup_outdated \
         WHERE tenant = ?1 AND first_bucket <= ?2 AND last_bucket >= ?3) \
         ON CONFLICT (tenant, first_bucket) DO UPDATE SET last_bucket = max(last_bucket, excluded.last_bucket)",
    )
    .bind(range.tenant.as_str())
    .bind(range.first.start().as_micros())
    .bind(range.last.start().as_micros())
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes `counted` out of the outdated ranges.
async fn shorten(connection: &mut SqliteConnection, counted: &OutdatedRange) -> Result<(), sqlx::Error> {
    let overlapping: Vec<(i64, i64)> = sqlx::query_as(
        "DELETE FROM rollup_outdated WHERE tenant = ?1 AND first_bucket <= ?3 AND last_bucket >= ?2 \
         RETURNING first_bucket, last_bucket",
    )
    .bind(counted.tenant.as_str())
    .bind(counted.first.start().as_micros())
    .bind(counted.last.start().as_micros())
    .fetch_all(&mut *connection)
    .await?;
    for (first, last) in overlapping {
        let range =
            OutdatedRange { tenant: counted.tenant.clone(), first: bucket(first), last: bucket(last) };
        for rest in range.without(counted).into_iter().flatten() {
            mark(connection, &rest).await?;
        }
    }
    Ok(())
}

/// Marks the histories of all tenants.
async fn mark_all(connection: &mut SqliteConnection) -> Result<u64, CallError> {
    let tenants: Vec<String> = sqlx::query_scalar(
        "WITH RECURSIVE made (tenant) AS (SELECT min(tenant) FROM predictions UNION ALL \
             SELECT (SELECT min(tenant) FROM predictions WHERE tenant > made.tenant) FROM made \
             WHERE made.tenant IS NOT NULL), \
         counted (tenant) AS (SELECT min(tenant) FROM rollups UNION ALL \
             SELECT (SELECT min(tenant) FROM rollups WHERE tenant > counted.tenant) FROM counted \
             WHERE counted.tenant IS NOT NULL) \
         SELECT tenant FROM made WHERE tenant IS NOT NULL \
         UNION SELECT tenant FROM counted WHERE tenant IS NOT NULL \
         UNION SELECT tenant FROM rollup_outdated",
    )
    .fetch_all(&mut *connection)
    .await?;
    mark_histories(connection, tenants).await
}

/// Marks the buckets of predictions whose deletion waits for a position: nothing else of them may be left, and it
/// counts once it has one.
async fn mark_deleted(connection: &mut SqliteConnection) -> Result<(), CallError> {
    let rows: Vec<SqliteRow> = sqlx::query(
        "SELECT tenant, event_type, payload FROM outbox \
         WHERE published_at IS NULL AND aggregate_type = 'prediction' AND event_type = ?1",
    )
    .bind(PREDICTION_DELETED)
    .fetch_all(&mut *connection)
    .await?;
    let deleted: BTreeSet<_> =
        rows.iter().filter_map(|row| read_deleted_bucket(&SqliteColumns(row))).collect();
    for range in deleted {
        mark(connection, &range).await?;
    }
    Ok(())
}

/// The first and the last bucket of a tenant's predictions, its rollups and its outdated ranges.
const ENDS: &str = "WITH ends (bucket) AS (\
     SELECT * FROM (SELECT created_at FROM predictions WHERE tenant = ?1 ORDER BY id LIMIT 1) \
     UNION ALL SELECT * FROM (SELECT created_at FROM predictions WHERE tenant = ?1 ORDER BY id DESC LIMIT 1) \
     UNION ALL SELECT (SELECT min(bucket) FROM rollups WHERE tenant = ?1 AND dimension = '' AND value = '' \
         AND sentiment = name.value) FROM json_each(?2) AS name \
     UNION ALL SELECT (SELECT max(bucket) FROM rollups WHERE tenant = ?1 AND dimension = '' AND value = '' \
         AND sentiment = name.value) FROM json_each(?2) AS name \
     UNION ALL SELECT first_bucket FROM rollup_outdated WHERE tenant = ?1 \
     UNION ALL SELECT last_bucket FROM rollup_outdated WHERE tenant = ?1) \
     SELECT min(bucket), max(bucket) FROM ends";

/// Marks the histories of `tenants`; returns how many there are.
async fn mark_histories(connection: &mut SqliteConnection, tenants: Vec<String>) -> Result<u64, CallError> {
    let sentiments = serde_json::Value::from_iter(ROLLUP_SENTIMENTS).to_string();
    let mut marked = 0;
    for tenant in tenants {
        let (Some(first), Some(last)): (Option<i64>, Option<i64>) =
            sqlx::query_as(ENDS).bind(&tenant).bind(&sentiments).fetch_one(&mut *connection).await?
        else {
            continue;
        };
        sqlx::query("DELETE FROM rollup_outdated WHERE tenant = ?1")
            .bind(&tenant)
            .execute(&mut *connection)
            .await?;
        sqlx::query("INSERT INTO rollup_outdated (tenant, first_bucket, last_bucket) VALUES (?1, ?2, ?3)")
            .bind(&tenant)
            .bind(bucket(first).start().as_micros())
            .bind(bucket(last).start().as_micros())
            .execute(&mut *connection)
            .await?;
        marked += 1;
    }
    Ok(marked)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use application::ports::SchemaMigrator;
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::migrate::SqliteMigrator;
    use crate::pool::Database;
    use crate::settings::SqliteSettings;

    /// The steps of the plan of `statement` that read the table `rollups` or `predictions`.
    async fn plan(statement: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("undertone.db").display());
        let database = Database::from_settings(&SqliteSettings::new(url)).unwrap();
        let mut connection = database.first_writing().await.unwrap();
        SqliteMigrator::new(database).up().await.unwrap();
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let steps: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explain).fetch_all(&mut connection).await.unwrap();
        let is_read = |step: &String| step.contains(" rollups ") || step.contains(" predictions ");
        steps.into_iter().map(|step| step.3).filter(is_read).collect()
    }

    #[tokio::test]
    async fn the_rollups_of_a_range_are_removed_by_the_primary_key() {
        let range = "SEARCH rollups USING PRIMARY KEY \
             (tenant=? AND dimension=? AND value=? AND sentiment=? AND bucket>? AND bucket<?)";
        assert_eq!(plan(REMOVE).await, [range]);
    }

    #[tokio::test]
    async fn the_ends_of_a_history_are_searched() {
        let steps = plan(ENDS).await;
        assert!(steps.len() >= 4 && steps.iter().all(|step| step.starts_with("SEARCH")), "{steps:?}");
    }
}
