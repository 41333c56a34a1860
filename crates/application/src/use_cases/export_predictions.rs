use std::sync::Arc;

use domain::value_objects::{TenantId, Timestamp};

use crate::action::log_action;
use crate::dtos::{ExportPredictionsRequest, PredictionRecord};
use crate::errors::ApplicationError;
use crate::ports::{Clock, PredictionFilter, PredictionReadModel, WalkLimits, WalkRange};

/// Exports predictions, oldest first, page by page.
pub struct ExportPredictionsUseCase {
    predictions: Arc<dyn PredictionReadModel>,
    clock: Arc<dyn Clock>,
}

impl ExportPredictionsUseCase {
    /// A page has at most 2,000 rows, ends when its texts have 2 MiB, and looks at 10,000 rows at most, so that a
    /// filter that matches few rows is a number of short reads as well.
    pub const PAGE: WalkLimits = WalkLimits { rows: 2_000, bytes: 2 << 20, read: 10_000 };

    /// The use case over its ports.
    pub fn new(predictions: Arc<dyn PredictionReadModel>, clock: Arc<dyn Clock>) -> Self {
        Self { predictions, clock }
    }

    /// Begins an export. Its pages together hold every prediction that was stored before this call and not deleted
    /// meanwhile, once; those that are stored later may be missing. Rows that cannot be read are left out.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn execute(
        &self,
        request: ExportPredictionsRequest,
    ) -> Result<PredictionExport, ApplicationError> {
        log_action("ExportPredictionsUseCase.execute", async {
            let ExportPredictionsRequest { tenant, filter } = request;
            let last = self.predictions.newest(&tenant).await?;
            Ok(PredictionExport {
                predictions: Arc::clone(&self.predictions),
                tenant,
                filter,
                rest: last.map(|last| WalkRange { after: None, last }),
                begun_at: self.clock.now(),
            })
        })
        .await
    }
}

/// An export in progress. Nothing is open in the store between two pages.
pub struct PredictionExport {
    predictions: Arc<dyn PredictionReadModel>,
    tenant: TenantId,
    filter: PredictionFilter,
    /// None at the end.
    rest: Option<WalkRange>,
    begun_at: Timestamp,
}

impl PredictionExport {
    /// Returns when the export began.
    pub fn begun_at(&self) -> Timestamp {
        self.begun_at
    }

    /// Returns the next page, ids ascending; none at the end. A page may be empty before the end, if none of the rows
    /// that it has read matches. After an error, or if the future is dropped, the same page can be requested again.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn next_page(&mut self) -> Result<Option<Vec<PredictionRecord>>, ApplicationError> {
        let Some(range) = self.rest else { return Ok(None) };
        log_action("ExportPredictionsUseCase.next_page", async {
            let Self { predictions, tenant, filter, rest, .. } = self;
            let page = predictions.walk(tenant, filter, range, ExportPredictionsUseCase::PAGE).await?;
            *rest = page.reached.map(|reached| WalkRange { after: Some(reached), ..range });
            Ok(Some(page.items))
        })
        .await
    }
}
