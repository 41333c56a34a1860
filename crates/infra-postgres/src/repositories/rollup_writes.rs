//! The writes to the rollups, each in one transaction with the cursor.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use application::ports::{ANALYTICS_SINK, AdmittedValue, OutdatedRange, ProjectionStep, Recount, SinkStep};
use domain::events::PREDICTION_DELETED;
use domain::value_objects::{Dimensions, Rollup, RollupKey, TenantId};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection, Row};
use store_codec::{
    FIRST_BIN, ROLLUP_COUNTS, ROLLUP_SENTIMENTS, read_deleted_bucket, write_rollup, write_rollup_key,
};

use crate::columns::PostgresColumns;
use crate::error::CallError;
use crate::pool::Pool;
use crate::repositories::rollup::{bucket, stored_bucket};
use crate::repositories::sink::move_sink;
use crate::timestamp::PgTimestamp;

/// Adds what a page of events changes.
pub(super) async fn apply(pool: &Pool, fence: i64, step: &ProjectionStep) -> Result<(), CallError> {
    let ProjectionStep { from, to, changes, admitted, outdated } = step;
    let mut lent = pool.lend().await?;
    let mut transaction = lent.connection().begin().await?;
    move_analytics(&mut transaction, fence, *from, *to).await?;
    let tenants =
        changes.iter().map(|(key, _)| &key.tenant).chain(outdated.iter().map(|range| &range.tenant));
    let erased = erased(&mut transaction, tenants).await?;
    let is_there = |tenant: &TenantId| !erased.contains(tenant.as_str());
    admit(&mut transaction, admitted.iter().filter(|value| is_there(&value.tenant)).collect()).await?;
    add(&mut transaction, changes.iter().filter(|(key, _)| is_there(&key.tenant)).collect()).await?;
    for range in outdated.iter().filter(|range| is_there(&range.tenant)) {
        mark(&mut transaction, range).await?;
    }
    transaction.commit().await?;
    lent.give_back();
    Ok(())
}

/// Replaces the rollups of a range.
pub(super) async fn replace(pool: &Pool, fence: i64, recount: &Recount) -> Result<(), CallError> {
    let Recount { at, range, rollups, admitted } = recount;
    let mut lent = pool.lend().await?;
    let mut transaction = lent.connection().begin().await?;
    move_analytics(&mut transaction, fence, *at, *at).await?;
    remove(&mut transaction, range).await?;
    if erased(&mut transaction, std::iter::once(&range.tenant)).await?.is_empty() {
        admit(&mut transaction, admitted.iter().collect()).await?;
        add(&mut transaction, rollups.iter().collect()).await?;
    }
    shorten(&mut transaction, range).await?;
    transaction.commit().await?;
    lent.give_back();
    Ok(())
}

/// Marks the history of one tenant or of all outdated.
pub(super) async fn mark_outdated(pool: &Pool, tenant: Option<&TenantId>) -> Result<u64, CallError> {
    let mut lent = pool.lend().await?;
    let mut transaction = lent.connection().begin().await?;
    let marked = match tenant {
        Some(tenant) => mark_histories(&mut transaction, vec![tenant.to_string()]).await?,
        None => mark_all(&mut transaction).await?,
    };
    transaction.commit().await?;
    lent.give_back();
    Ok(marked)
}

/// Marks all histories outdated and moves the cursor to the end of the feed. The end is read first: later statements
/// see every prediction whose event is before it.
pub(super) async fn restart(pool: &Pool, fence: i64, from: i64) -> Result<i64, CallError> {
    let mut lent = pool.lend().await?;
    let mut transaction = lent.connection().begin().await?;
    let end: i64 =
        sqlx::query_scalar("SELECT last_position FROM outbox_feed").fetch_one(&mut *transaction).await?;
    move_analytics(&mut transaction, fence, from, end).await?;
    mark_all(&mut transaction).await?;
    mark_deleted(&mut transaction, end).await?;
    transaction.commit().await?;
    lent.give_back();
    Ok(end)
}

async fn move_analytics(
    connection: &mut PgConnection,
    fence: i64,
    from: i64,
    to: i64,
) -> Result<(), CallError> {
    move_sink(connection, ANALYTICS_SINK, fence, SinkStep { from, to, lost: 0 }).await
}

/// The names of those of `tenants` whose rows were removed or are being removed.
async fn erased(
    connection: &mut PgConnection,
    tenants: impl Iterator<Item = &TenantId>,
) -> Result<HashSet<String>, sqlx::Error> {
    let names: BTreeSet<&str> = tenants.map(TenantId::as_str).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let erased: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM tenants WHERE name = ANY ($1) AND status IN ('erasing', 'erased')",
    )
    .bind(names)
    .fetch_all(connection)
    .await?;
    Ok(erased.into_iter().collect())
}

async fn admit(connection: &mut PgConnection, values: Vec<&AdmittedValue>) -> Result<(), sqlx::Error> {
    if values.is_empty() {
        return Ok(());
    }
    let texts = |text: fn(&AdmittedValue) -> &str| values.iter().map(|value| text(value)).collect::<Vec<_>>();
    sqlx::query(
        "INSERT INTO rollup_values (tenant, day, dimension, value) \
         SELECT tenant, DATE '1970-01-01' + day::integer, dimension, value \
         FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) AS new (tenant, day, dimension, value) \
         ON CONFLICT DO NOTHING",
    )
    .bind(texts(|value| value.tenant.as_str()))
    .bind(values.iter().map(|value| value.day).collect::<Vec<_>>())
    .bind(texts(|value| &value.value.dimension))
    .bind(texts(|value| &value.value.value))
    .execute(connection)
    .await?;
    Ok(())
}

/// The most rows of one statement.
const ROWS: usize = 5_000;

/// Adds `changes` and removes the rollups that become zero.
async fn add(connection: &mut PgConnection, changes: Vec<&(RollupKey, Rollup)>) -> Result<(), sqlx::Error> {
    let models = models(connection, &changes).await?;
    for rows in changes.chunks(ROWS) {
        let zeros = add_rows(connection, rows, &models).await?;
        if !zeros.is_empty() {
            remove_rows(connection, &zeros).await?;
        }
    }
    Ok(())
}

/// The numbers of the models of `changes`, by name and revision.
async fn models<'c>(
    connection: &mut PgConnection,
    changes: &[&'c (RollupKey, Rollup)],
) -> Result<HashMap<[&'c str; 2], i32>, sqlx::Error> {
    let mut models = HashMap::new();
    for (key, _) in changes {
        let model = [&*key.model_name, &*key.model_revision];
        if models.contains_key(&model) {
            continue;
        }
        let known: Option<i32> =
            sqlx::query_scalar("SELECT id FROM rollup_models WHERE name = $1 AND revision = $2")
                .bind(model[0])
                .bind(model[1])
                .fetch_optional(&mut *connection)
                .await?;
        let number = match known {
            Some(number) => number,
            // The update changes nothing: without it there would be no row to return.
            None => {
                sqlx::query_scalar(
                    "INSERT INTO rollup_models (name, revision) VALUES ($1, $2) \
                     ON CONFLICT (name, revision) DO UPDATE SET name = excluded.name RETURNING id",
                )
                .bind(model[0])
                .bind(model[1])
                .fetch_one(&mut *connection)
                .await?
            }
        };
        models.insert(model, number);
    }
    Ok(models)
}

/// Adds rows, passed as one array for each column, and returns the keys of those that have become zero.
static UPSERT: LazyLock<String> = LazyLock::new(|| {
    let (columns, mut arrays, mut sums) = (ROLLUP_COUNTS.join(", "), String::new(), String::new());
    for (n, column) in ROLLUP_COUNTS.into_iter().enumerate() {
        let kind = if n < FIRST_BIN { "bigint" } else { "integer" };
        // Writing to a string cannot fail.
        let _ = write!(arrays, ", ${}::{kind}[]", n + 7);
        let comma = if n == 0 { "" } else { ", " };
        let _ = write!(sums, "{comma}{column} = rollups.{column} + excluded.{column}");
    }
    let zeros = ROLLUP_COUNTS.map(|column| format!("{column} = 0")).join(" AND ");
    format!(
        "WITH changed AS (INSERT INTO rollups (tenant, dimension, value, sentiment, bucket, model, {columns}) \
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], \
         $6::integer[]{arrays}) \
         ON CONFLICT (tenant, dimension, value, sentiment, bucket, model) DO UPDATE SET {sums} RETURNING *) \
         SELECT tenant, dimension, value, sentiment, bucket, model FROM changed WHERE {zeros}"
    )
});

async fn add_rows(
    connection: &mut PgConnection,
    rows: &[&(RollupKey, Rollup)],
    models: &HashMap<[&str; 2], i32>,
) -> Result<Vec<PgRow>, sqlx::Error> {
    let keys: Vec<[&str; 3]> = rows.iter().map(|(key, _)| write_rollup_key(key)).collect();
    let text = |n: usize| keys.iter().map(|key| key[n]).collect::<Vec<_>>();
    let number = |key: &RollupKey| models.get(&[&*key.model_name, &*key.model_revision]).copied();
    let mut query = sqlx::query(AssertSqlSafe(UPSERT.as_str()))
        .bind(rows.iter().map(|(key, _)| key.tenant.as_str()).collect::<Vec<_>>())
        .bind(text(0))
        .bind(text(1))
        .bind(text(2))
        .bind(rows.iter().map(|(key, _)| stored_bucket(key.bucket)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(key, _)| number(key)).collect::<Vec<_>>());
    let counts: Vec<_> = rows.iter().map(|(_, rollup)| write_rollup(rollup)).collect();
    for n in 0..ROLLUP_COUNTS.len() {
        let column = counts.iter().map(|counts| counts[n]);
        query = if n < FIRST_BIN {
            query.bind(column.collect::<Vec<i64>>())
        } else {
            // A page or a part has fewer predictions than an integer holds.
            let bins = column.map(|count| i32::try_from(count).unwrap_or(i32::MAX));
            query.bind(bins.collect::<Vec<i32>>())
        };
    }
    query.fetch_all(connection).await
}

async fn remove_rows(connection: &mut PgConnection, rows: &[PgRow]) -> Result<(), sqlx::Error> {
    for row in rows {
        sqlx::query(
            "DELETE FROM rollups WHERE tenant = $1 AND dimension = $2 AND value = $3 AND sentiment = $4 \
             AND bucket = $5 AND model = $6",
        )
        .bind(row.try_get::<&str, _>("tenant")?)
        .bind(row.try_get::<&str, _>("dimension")?)
        .bind(row.try_get::<&str, _>("value")?)
        .bind(row.try_get::<&str, _>("sentiment")?)
        .bind(row.try_get::<PgTimestamp, _>("bucket")?)
        .bind(row.try_get::<i32, _>("model")?)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Removes the rollups of a range: by the primary key, whose columns before the bucket are enumerated. Dimensions are
/// found by searches in it, one for each. The inner query is not merged with the outer one, so that it is a search for
/// each row, whatever the planner knows about the table.
const REMOVE: &str = "WITH RECURSIVE dimensions (name) AS (\
         SELECT min(dimension) FROM rollups WHERE tenant = $1 AND dimension > '' \
         UNION ALL SELECT (SELECT min(dimension) FROM rollups WHERE tenant = $1 AND dimension > dimensions.name) \
         FROM dimensions WHERE name IS NOT NULL), \
     pairs (dimension, value) AS (\
         SELECT '', '' \
         UNION ALL SELECT name, value FROM dimensions, unnest($2::text[]) AS value WHERE name IS NOT NULL \
         UNION ALL SELECT * FROM (SELECT DISTINCT dimension, value FROM rollup_values \
             WHERE tenant = $1 AND day BETWEEN DATE '1970-01-01' + $3::integer AND DATE '1970-01-01' + $4::integer) AS admitted) \
     DELETE FROM rollups WHERE ctid = ANY (ARRAY (\
         SELECT found.ctid FROM pairs, unnest($5::text[]) AS sentiment, \
         LATERAL (SELECT ctid FROM rollups WHERE tenant = $1 AND dimension = pairs.dimension \
             AND value = pairs.value AND rollups.sentiment = sentiment.sentiment \
             AND bucket BETWEEN $6 AND $7 OFFSET 0) AS found))";

async fn remove(connection: &mut PgConnection, range: &OutdatedRange) -> Result<(), sqlx::Error> {
    let day = |day: i64| i32::try_from(day).unwrap_or(i32::MAX);
    sqlx::query(REMOVE)
        .bind(range.tenant.as_str())
        .bind(vec![Dimensions::OTHER, Dimensions::NONE])
        .bind(day(range.first.day()))
        .bind(day(range.last.day()))
        .bind(ROLLUP_SENTIMENTS.to_vec())
        .bind(stored_bucket(range.first))
        .bind(stored_bucket(range.last))
        .execute(connection)
        .await?;
    Ok(())
}

/// Marks `range` outdated, unless it is.
async fn mark(connection: &mut PgConnection, range: &OutdatedRange) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO rollup_outdated AS known (tenant, first_bucket, last_bucket) SELECT $1, $2, $3 \
         WHERE NOT EXISTS (SELECT 1 FROM rollup_outdated \
         WHERE tenant = $1 AND first_bucket <= $2 AND last_bucket >= $3) \
         ON CONFLICT (tenant, first_bucket) DO UPDATE SET \
         last_bucket = greatest(known.last_bucket, excluded.last_bucket)",
    )
    .bind(range.tenant.as_str())
    .bind(stored_bucket(range.first))
    .bind(stored_bucket(range.last))
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes `counted` out of the outdated ranges.
async fn shorten(connection: &mut PgConnection, counted: &OutdatedRange) -> Result<(), sqlx::Error> {
    let overlapping: Vec<(PgTimestamp, PgTimestamp)> = sqlx::query_as(
        "DELETE FROM rollup_outdated WHERE tenant = $1 AND first_bucket <= $3 AND last_bucket >= $2 \
         RETURNING first_bucket, last_bucket",
    )
    .bind(counted.tenant.as_str())
    .bind(stored_bucket(counted.first))
    .bind(stored_bucket(counted.last))
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

/// Marks the histories of all tenants, which are found by searches in the primary keys.
async fn mark_all(connection: &mut PgConnection) -> Result<u64, CallError> {
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

/// Marks the buckets of predictions whose deletion has no position up to `end`: nothing else of them may be left, and
/// it counts later.
async fn mark_deleted(connection: &mut PgConnection, end: i64) -> Result<(), CallError> {
    let rows: Vec<PgRow> = sqlx::query(
        "SELECT tenant, event_type, payload::text FROM outbox \
         WHERE published_at IS NULL AND aggregate_type = 'prediction' AND event_type = $1 \
         UNION ALL SELECT tenant, event_type, payload::text FROM outbox \
         WHERE position > $2 AND aggregate_type = 'prediction' AND event_type = $1",
    )
    .bind(PREDICTION_DELETED)
    .bind(end)
    .fetch_all(&mut *connection)
    .await?;
    let deleted: BTreeSet<_> =
        rows.iter().filter_map(|row| read_deleted_bucket(&PostgresColumns(row))).collect();
    for range in deleted {
        mark(connection, &range).await?;
    }
    Ok(())
}

/// The first and the last bucket of a tenant's predictions, its rollups and its outdated ranges.
const ENDS: &str = "WITH ends (bucket) AS (\
     (SELECT created_at FROM predictions WHERE tenant = $1 ORDER BY id LIMIT 1) \
     UNION ALL (SELECT created_at FROM predictions WHERE tenant = $1 ORDER BY id DESC LIMIT 1) \
     UNION ALL SELECT (SELECT min(bucket) FROM rollups WHERE tenant = $1 AND dimension = '' AND value = '' \
         AND rollups.sentiment = name) FROM unnest($2::text[]) AS name \
     UNION ALL SELECT (SELECT max(bucket) FROM rollups WHERE tenant = $1 AND dimension = '' AND value = '' \
         AND rollups.sentiment = name) FROM unnest($2::text[]) AS name \
     UNION ALL SELECT first_bucket FROM rollup_outdated WHERE tenant = $1 \
     UNION ALL SELECT last_bucket FROM rollup_outdated WHERE tenant = $1) \
     SELECT min(bucket), max(bucket) FROM ends";

/// Marks the histories of `tenants`; returns how many there are.
async fn mark_histories(connection: &mut PgConnection, tenants: Vec<String>) -> Result<u64, CallError> {
    let mut marked = 0;
    for tenant in tenants {
        let (Some(first), Some(last)): (Option<PgTimestamp>, Option<PgTimestamp>) = sqlx::query_as(ENDS)
            .bind(&tenant)
            .bind(ROLLUP_SENTIMENTS.to_vec())
            .fetch_one(&mut *connection)
            .await?
        else {
            continue;
        };
        sqlx::query("DELETE FROM rollup_outdated WHERE tenant = $1")
            .bind(&tenant)
            .execute(&mut *connection)
            .await?;
        sqlx::query(
            "INSERT INTO rollup_outdated AS known (tenant, first_bucket, last_bucket) VALUES ($1, $2, $3) \
             ON CONFLICT (tenant, first_bucket) DO UPDATE SET \
             last_bucket = greatest(known.last_bucket, excluded.last_bucket)",
        )
        .bind(&tenant)
        .bind(stored_bucket(bucket(first)))
        .bind(stored_bucket(bucket(last)))
        .execute(&mut *connection)
        .await?;
        marked += 1;
    }
    Ok(marked)
}
