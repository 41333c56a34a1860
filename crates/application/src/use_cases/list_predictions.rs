use std::sync::Arc;

use domain::errors::{DomainError, Rule};

use crate::action::log_action;
use crate::dtos::{Cursor, ListPredictionsRequest, ListPredictionsResponse};
use crate::errors::ApplicationError;
use crate::ports::PredictionReadModel;

/// Lists predictions, newest first.
pub struct ListPredictionsUseCase {
    predictions: Arc<dyn PredictionReadModel>,
}

impl ListPredictionsUseCase {
    /// The default length of a page.
    pub const DEFAULT_LIMIT: u32 = 20;
    /// The longest page.
    pub const MAX_LIMIT: u32 = 100;

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
            let limit = request.limit.unwrap_or(Self::DEFAULT_LIMIT);
            if !(1..=Self::MAX_LIMIT).contains(&limit) {
                let allowed = format!("between 1 and {}", Self::MAX_LIMIT).into();
                return Err(DomainError::violation("limit", Rule::OutOfRange { allowed }).into());
            }
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
