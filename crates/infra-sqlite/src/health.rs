use std::sync::Arc;
use std::time::Duration;

use application::errors::BoxError;
use application::ports::HealthCheck;
use async_trait::async_trait;
use sqlx::sqlite::SqlitePool;

use crate::error::Failure;
use crate::timing::read_within;
use crate::writer::Writer;

/// Looks whether rows can be read and the writer takes requests.
pub struct SqliteHealthCheck {
    readers: SqlitePool,
    writer: Arc<Writer>,
    timeout: Duration,
}

/// A check comes back before the two seconds that the port allows.
const LONGEST: Duration = Duration::from_millis(1_900);

impl SqliteHealthCheck {
    pub(crate) fn new(readers: SqlitePool, writer: Arc<Writer>, timeout: Duration) -> Self {
        Self { readers, writer, timeout: timeout.min(LONGEST) }
    }
}

#[async_trait]
impl HealthCheck for SqliteHealthCheck {
    fn name(&self) -> &'static str {
        "store"
    }

    #[tracing::instrument(name = "db.check", skip_all)]
    async fn check(&self) -> Result<(), BoxError> {
        if !self.writer.is_open() {
            return Err(Failure::Closed.into());
        }
        let row = sqlx::query("SELECT row FROM predictions LIMIT 1").fetch_optional(&self.readers);
        read_within(self.timeout, "check", row).await?;
        Ok(())
    }
}
