use application::ports::{
    AdmittedValue, HistorySnapshot, Lease, OutdatedRange, ProjectionStep, Recount, RollupRepository,
    StoreError,
};
use async_trait::async_trait;
use domain::value_objects::{Bucket, DimensionValue, Dimensions, PredictionId, TenantId};
use uuid::Uuid;

use crate::columns::stored_id;
use crate::error::CallError;
use crate::pool::Pool;
use crate::repositories::rollup_history::PostgresHistorySnapshot;
use crate::repositories::rollup_writes;
use crate::timestamp::PgTimestamp;
use crate::timing::within;

/// The tables `rollups`, `rollup_values` and `rollup_outdated`, and the cursor of the sink `analytics`.
pub struct PostgresRollupRepository {
    pool: Pool,
}

impl PostgresRollupRepository {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    async fn admitted_rows(
        &self,
        days: &[(TenantId, i64)],
    ) -> Result<Vec<(String, i64, String, String)>, CallError> {
        let tenants: Vec<&str> = days.iter().map(|(tenant, _)| tenant.as_str()).collect();
        let numbers: Vec<i64> = days.iter().map(|(_, day)| *day).collect();
        let mut lent = self.pool.lend().await?;
        let rows = sqlx::query_as(
            "SELECT known.tenant, known.day - DATE '1970-01-01', known.dimension, known.value \
             FROM unnest($1::text[], $2::bigint[]) AS wanted (tenant, day) \
             CROSS JOIN LATERAL (SELECT tenant, day, dimension, value FROM rollup_values \
             WHERE tenant = wanted.tenant AND day = DATE '1970-01-01' + wanted.day::integer OFFSET 0) AS known",
        )
        .bind(tenants)
        .bind(numbers)
        .fetch_all(lent.connection())
        .await?;
        lent.give_back();
        let as_long =
            |(tenant, day, dimension, value): (_, i32, _, _)| (tenant, day.into(), dimension, value);
        Ok(rows.into_iter().map(as_long).collect())
    }

    async fn outdated_rows(&self, limit: u32) -> Result<Vec<(String, PgTimestamp, PgTimestamp)>, CallError> {
        let mut lent = self.pool.lend().await?;
        let rows = sqlx::query_as(
            "SELECT tenant, first_bucket, last_bucket FROM rollup_outdated \
             ORDER BY last_bucket DESC, tenant, first_bucket LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(lent.connection())
        .await?;
        lent.give_back();
        Ok(rows)
    }

    async fn last_row(&self, range: &OutdatedRange) -> Result<Option<PgTimestamp>, CallError> {
        let [from, below] = ids_of(range);
        let mut lent = self.pool.lend().await?;
        let row = sqlx::query_scalar(
            "SELECT created_at FROM predictions WHERE tenant = $1 AND id >= $2 AND id < $3 \
             ORDER BY id DESC LIMIT 1",
        )
        .bind(range.tenant.as_str())
        .bind(from)
        .bind(below)
        .fetch_optional(lent.connection())
        .await?;
        lent.give_back();
        Ok(row)
    }
}

#[async_trait]
impl RollupRepository for PostgresRollupRepository {
    #[tracing::instrument(name = "db.admitted_values", skip_all, fields(days = days.len()))]
    async fn admitted(&self, days: &[(TenantId, i64)]) -> Result<Vec<AdmittedValue>, StoreError> {
        let rows = within(self.pool.timeout(), "admitted_values", self.admitted_rows(days)).await?;
        let admitted = |(tenant, day, dimension, value)| {
            let value = DimensionValue { dimension, value };
            Ok(AdmittedValue { tenant: read_tenant(tenant, "rollup_values")?, day, value })
        };
        rows.into_iter().map(admitted).collect()
    }

    #[tracing::instrument(name = "db.apply_step", skip_all, fields(from = step.from, to = step.to))]
    async fn apply(&self, lease: &Lease, step: &ProjectionStep) -> Result<(), StoreError> {
        let apply = rollup_writes::apply(&self.pool, lease.fence, step);
        within(self.pool.timeout(), "apply_step", apply).await
    }

    #[tracing::instrument(name = "db.replace_rollups", skip_all, fields(rollups = recount.rollups.len()))]
    async fn replace(&self, lease: &Lease, recount: &Recount) -> Result<(), StoreError> {
        let replace = rollup_writes::replace(&self.pool, lease.fence, recount);
        within(self.pool.timeout(), "replace_rollups", replace).await
    }

    #[tracing::instrument(name = "db.list_outdated", skip_all)]
    async fn outdated(&self, limit: u32) -> Result<Vec<OutdatedRange>, StoreError> {
        let rows = within(self.pool.timeout(), "list_outdated", self.outdated_rows(limit)).await?;
        let range = |(tenant, first, last)| {
            let tenant = read_tenant(tenant, "rollup_outdated")?;
            Ok(OutdatedRange { tenant, first: bucket(first), last: bucket(last) })
        };
        rows.into_iter().map(range).collect()
    }

    #[tracing::instrument(name = "db.mark_outdated", skip_all)]
    async fn mark_outdated(&self, tenant: Option<&TenantId>) -> Result<u64, StoreError> {
        let mark = rollup_writes::mark_outdated(&self.pool, tenant);
        within(self.pool.timeout(), "mark_outdated", mark).await
    }

    #[tracing::instrument(name = "db.restart_sink", skip_all, fields(from))]
    async fn restart(&self, lease: &Lease, from: i64) -> Result<i64, StoreError> {
        let restart = rollup_writes::restart(&self.pool, lease.fence, from);
        within(self.pool.timeout(), "restart_sink", restart).await
    }

    #[tracing::instrument(name = "db.last_prediction", skip_all)]
    async fn last_prediction(&self, range: &OutdatedRange) -> Result<Option<Bucket>, StoreError> {
        let row = within(self.pool.timeout(), "last_prediction", self.last_row(range)).await?;
        Ok(row.map(bucket))
    }

    #[tracing::instrument(name = "db.open_history", skip_all)]
    async fn history(
        &self,
        range: &OutdatedRange,
        after: i64,
        dimensions: &Dimensions,
    ) -> Result<Box<dyn HistorySnapshot>, StoreError> {
        let open = PostgresHistorySnapshot::open(&self.pool, range, after, dimensions);
        Ok(Box::new(within(self.pool.timeout(), "open_history", open).await?))
    }
}

/// The bucket that is stored as `time`.
pub(super) fn bucket(time: PgTimestamp) -> Bucket {
    Bucket::containing(time.into())
}

/// The start of `bucket` as it is stored.
pub(super) fn stored_bucket(bucket: Bucket) -> PgTimestamp {
    PgTimestamp::bound(bucket.start())
}

/// The first id of the range and the first behind it.
pub(super) fn ids_of(range: &OutdatedRange) -> [Uuid; 2] {
    [range.first.start(), range.last.end()]
        .map(|instant| stored_id(PredictionId::lowest_at(instant).as_u128()))
}

fn read_tenant(tenant: String, table: &'static str) -> Result<TenantId, StoreError> {
    let corrupt = |_| StoreError::Corrupt { table, column: "tenant", id: "?".to_owned() };
    TenantId::parse(tenant).map_err(corrupt)
}
