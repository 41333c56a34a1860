use std::sync::Arc;

use application::ports::{
    AdmittedValue, HistorySnapshot, Lease, OutdatedRange, ProjectionStep, Recount, RollupRepository,
    StoreError,
};
use async_trait::async_trait;
use domain::value_objects::{Bucket, DimensionValue, Dimensions, PredictionId, TenantId, Timestamp};
use serde_json::json;

use crate::columns::stored_id;
use crate::readers::Readers;
use crate::repositories::rollup_history::SqliteHistorySnapshot;
use crate::repositories::rollup_writes::{ApplyStep, MarkOutdated, ReplaceRange, RestartSink};
use crate::writer::Writer;

/// The tables `rollups`, `rollup_values` and `rollup_outdated`, and the cursor of the sink `analytics`.
pub struct SqliteRollupRepository {
    readers: Readers,
    /// For histories, each of which has a connection for seconds.
    histories: Readers,
    writer: Arc<Writer>,
}

impl SqliteRollupRepository {
    pub(crate) fn new(readers: Readers, histories: Readers, writer: Arc<Writer>) -> Self {
        Self { readers, histories, writer }
    }
}

#[async_trait]
impl RollupRepository for SqliteRollupRepository {
    #[tracing::instrument(name = "db.admitted_values", skip_all, fields(days = days.len()))]
    async fn admitted(&self, days: &[(TenantId, i64)]) -> Result<Vec<AdmittedValue>, StoreError> {
        let days: Vec<_> = days.iter().map(|(tenant, day)| json!([tenant.as_str(), day])).collect();
        let query = sqlx::query_as(
            "SELECT known.tenant, known.day, known.dimension, known.value FROM json_each(?1) AS wanted \
             CROSS JOIN rollup_values AS known \
             ON known.tenant = wanted.value ->> 0 AND known.day = wanted.value ->> 1",
        )
        .bind(serde_json::Value::from(days).to_string());
        let read =
            self.readers.read("admitted_values", move |connection| Box::pin(query.fetch_all(connection)));
        let rows: Vec<(String, i64, String, String)> = read.await?;
        let admitted = |(tenant, day, dimension, value)| {
            let value = DimensionValue { dimension, value };
            Ok(AdmittedValue { tenant: read_tenant(tenant, "rollup_values")?, day, value })
        };
        rows.into_iter().map(admitted).collect()
    }

    #[tracing::instrument(name = "db.apply_step", skip_all, fields(from = step.from, to = step.to))]
    async fn apply(&self, lease: &Lease, step: &ProjectionStep) -> Result<(), StoreError> {
        self.writer.run(ApplyStep { fence: lease.fence, step: step.clone() }).await
    }

    #[tracing::instrument(name = "db.replace_rollups", skip_all, fields(rollups = recount.rollups.len()))]
    async fn replace(&self, lease: &Lease, recount: &Recount) -> Result<(), StoreError> {
        self.writer.run(ReplaceRange { fence: lease.fence, recount: recount.clone() }).await
    }

    #[tracing::instrument(name = "db.list_outdated", skip_all)]
    async fn outdated(&self, limit: u32) -> Result<Vec<OutdatedRange>, StoreError> {
        let query = sqlx::query_as(
            "SELECT tenant, first_bucket, last_bucket FROM rollup_outdated \
             ORDER BY last_bucket DESC, tenant, first_bucket LIMIT ?1",
        )
        .bind(limit);
        let read =
            self.readers.read("list_outdated", move |connection| Box::pin(query.fetch_all(connection)));
        let rows: Vec<(String, i64, i64)> = read.await?;
        let range = |(tenant, first, last)| {
            let tenant = read_tenant(tenant, "rollup_outdated")?;
            Ok(OutdatedRange { tenant, first: bucket(first), last: bucket(last) })
        };
        rows.into_iter().map(range).collect()
    }

    #[tracing::instrument(name = "db.mark_outdated", skip_all)]
    async fn mark_outdated(&self, tenant: Option<&TenantId>) -> Result<u64, StoreError> {
        self.writer.run(MarkOutdated { tenant: tenant.cloned() }).await
    }

    #[tracing::instrument(name = "db.restart_sink", skip_all, fields(from))]
    async fn restart(&self, lease: &Lease, from: i64) -> Result<i64, StoreError> {
        self.writer.run(RestartSink { fence: lease.fence, from }).await
    }

    #[tracing::instrument(name = "db.last_prediction", skip_all)]
    async fn last_prediction(&self, range: &OutdatedRange) -> Result<Option<Bucket>, StoreError> {
        let [from, below] = ids_of(range);
        let query = sqlx::query_scalar(
            "SELECT created_at FROM predictions WHERE tenant = ?1 AND id >= ?2 AND id < ?3 \
             ORDER BY id DESC LIMIT 1",
        )
        .bind(range.tenant.to_string())
        .bind(from)
        .bind(below);
        let read = self
            .readers
            .read("last_prediction", move |connection| Box::pin(query.fetch_optional(connection)));
        let created_at: Option<i64> = read.await?;
        Ok(created_at.map(bucket))
    }

    #[tracing::instrument(name = "db.open_history", skip_all)]
    async fn history(
        &self,
        range: &OutdatedRange,
        after: i64,
        dimensions: &Dimensions,
    ) -> Result<Box<dyn HistorySnapshot>, StoreError> {
        let snapshot = self.histories.snapshot("open_history").await?;
        Ok(Box::new(SqliteHistorySnapshot::new(snapshot, range, after, dimensions)))
    }
}

/// The bucket that is stored as the time `micros`.
pub(super) fn bucket(micros: i64) -> Bucket {
    Bucket::containing(Timestamp::from_micros(micros))
}

/// The first id of the range and the first behind it.
pub(super) fn ids_of(range: &OutdatedRange) -> [Vec<u8>; 2] {
    [range.first.start(), range.last.end()]
        .map(|instant| stored_id(PredictionId::lowest_at(instant).as_u128()))
}

fn read_tenant(tenant: String, table: &'static str) -> Result<TenantId, StoreError> {
    let corrupt = |_| StoreError::Corrupt { table, column: "tenant", id: "?".to_owned() };
    TenantId::parse(tenant).map_err(corrupt)
}
