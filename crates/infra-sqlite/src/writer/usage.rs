use std::time::Duration;

use application::ports::StoreError;
use serde_json::{Value, json};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use store_codec::UsageValues;

use crate::error::CallError;

/// Adds to the texts of this day, as `replica`, and checks the quotas.
pub(super) async fn count_texts(
    connection: &mut SqliteConnection,
    counts: &[UsageValues<'_>],
    replica: &str,
) -> Result<(), CallError> {
    if counts.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new("");
    push_counts(&mut query, counts, replica);
    query.build().execute(&mut *connection).await?;
    let mut query = QueryBuilder::new("");
    let quotas = push_quotas(&mut query, counts);
    if quotas == 0 || query.build().fetch_all(&mut *connection).await?.len() == quotas {
        return Ok(());
    }
    let micros: i64 = sqlx::query_scalar(concat!("SELECT ", day_ends_in_us!())).fetch_one(connection).await?;
    let day_ends_in = Duration::from_micros(micros.unsigned_abs());
    Err(CallError::Rejected(StoreError::QuotaExceeded { day_ends_in }))
}

/// The counts are one JSON array, so that any number of them is the same statement. Without its `WHERE` SQLite would
/// read `ON` as the condition of a join.
const COUNT: [&str; 3] = [
    concat!(
        "INSERT INTO usage (tenant, day, principal, replica, texts) SELECT value ->> 0, ",
        today!(),
        ", value ->> 1, ",
    ),
    ", value ->> 2 FROM json_each(",
    ") WHERE true \
     ON CONFLICT (tenant, day, principal, replica) DO UPDATE SET texts = texts + excluded.texts; ",
];

/// The statement that adds `counts`, of which there is at least one.
pub(super) fn push_counts(query: &mut QueryBuilder<Sqlite>, counts: &[UsageValues<'_>], replica: &str) {
    let values: Value =
        counts.iter().map(|count| json!([count.tenant, count.principal, count.texts])).collect();
    query.push(COUNT[0]).push_bind(replica.to_owned());
    query.push(COUNT[1]).push_bind(values.to_string()).push(COUNT[2]);
}

/// The quotas are one JSON array, so that any number of them is the same statement.
const WITHIN_QUOTA: [&str; 2] = [
    "SELECT 1 FROM json_each(",
    concat!(
        ") AS quota WHERE quota.value ->> 2 >= \
         (SELECT coalesce(sum(texts), 0) FROM usage WHERE tenant = quota.value ->> 0 AND day = ",
        today!(),
        " AND principal = quota.value ->> 1); ",
    ),
];

/// The statement that returns a row for each quota that is not exceeded, if there are any; returns their number.
pub(super) fn push_quotas(query: &mut QueryBuilder<Sqlite>, counts: &[UsageValues<'_>]) -> usize {
    let limited = counts.iter().filter_map(|count| count.quota.map(|quota| (count, quota)));
    let quotas: Vec<Value> =
        limited.map(|(count, quota)| json!([count.tenant, count.principal, quota])).collect();
    let number = quotas.len();
    if number > 0 {
        query.push(WITHIN_QUOTA[0]).push_bind(Value::from(quotas).to_string()).push(WITHIN_QUOTA[1]);
    }
    number
}
