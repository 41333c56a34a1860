use std::sync::Arc;

use crate::action::log_action;
use crate::dtos::{Cursor, ListPredictionsRequest, ListPredictionsResponse};
use crate::errors::ApplicationError;
use crate::ports::PredictionReadModel;
use crate::use_cases::page_limit::page_limit;

/// Lists predictions, newest first.
pub struct ListPredictionsUseCase {
    predictions: Arc<dyn PredictionReadModel>,
}

impl ListPredictionsUseCase {
    /// The use case over the read model.
    pub fn new(predictions: Arc<dyn PredictionReadModel>) -> Self {
        Self { predictions }
    }

    /// Returns one page. Following `next_cursor` to the end returns every prediction that was stored before the first
    /// page and not deleted since, once. Rows that cannot be read are left out, so a page may be shorter than `limit`.
    ///
    /// # Errors
    /// `Invalid` for `limit` or `cursor`; `Unavailable`, `Corrupt`.
    pub async fn execute(
        &self,
        request: ListPredictionsRequest,
    ) -> Result<ListPredictionsResponse, ApplicationError> {
        log_action("ListPredictionsUseCase.execute", async {
            let limit = page_limit(request.limit)?;
            let filter = &request.filter;
            let cursor = request.cursor.map(|text| Cursor::parse(&text, filter)).transpose()?;
            let after = cursor.map(Cursor::after);
            let page = self.predictions.list(&request.tenant, filter, after, limit).await?;
            let next_cursor = page.end.map(|end| Cursor::after_row(end, filter).to_string());
            Ok(ListPredictionsResponse { items: page.items, next_cursor })
        })
        .await
    }
}
