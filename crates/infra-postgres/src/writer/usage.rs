use std::time::Duration;

use application::ports::StoreError;
use sqlx::PgConnection;
use sqlx::postgres::PgBindIterExt;
use store_codec::UsageValues;

use crate::clock::{day_ends_in_us, today};
use crate::error::CallError;

/// A row with the microseconds until the day ends, if a quota is exceeded.
const EXCEEDED: &str = concat!(
    "SELECT ",
    day_ends_in_us!(),
    " FROM unnest($1::text[], $2::text[], $3::bigint[]) AS new (tenant, principal, quota) WHERE quota < \
     (SELECT coalesce(sum(texts), 0) FROM usage WHERE usage.tenant = new.tenant AND day = ",
    today!(),
    " AND usage.principal = new.principal) LIMIT 1",
);

/// Checks the quotas of `counts`, which have been added. What other processes have not committed is not seen.
pub(super) async fn check_quotas(
    connection: &mut PgConnection,
    counts: &[UsageValues<'_>],
) -> Result<(), CallError> {
    let limited = || counts.iter().filter(|count| count.quota.is_some());
    if limited().next().is_none() {
        return Ok(());
    }
    let exceeded: Option<i64> = sqlx::query_scalar(EXCEEDED)
        .bind(limited().map(|count| count.tenant).bind_iter())
        .bind(limited().map(|count| count.principal).bind_iter())
        .bind(limited().map(|count| count.quota).bind_iter())
        .fetch_optional(connection)
        .await?;
    let Some(micros) = exceeded else { return Ok(()) };
    let day_ends_in = Duration::from_micros(micros.unsigned_abs());
    Err(StoreError::QuotaExceeded { day_ends_in }.into())
}
