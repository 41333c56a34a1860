use std::sync::Arc;

use domain::errors::{DomainError, Rule};

use crate::action::log_action;
use crate::dtos::{ListAuditRequest, ListAuditResponse};
use crate::errors::ApplicationError;
use crate::ports::AuditReadModel;
use crate::use_cases::page_limit::page_limit;

/// Lists lines of the audit, the newest first.
pub struct ListAuditUseCase {
    audit: Arc<dyn AuditReadModel>,
}

impl ListAuditUseCase {
    /// The use case over the read model.
    pub fn new(audit: Arc<dyn AuditReadModel>) -> Self {
        Self { audit }
    }

    /// Returns one page. Following `next_cursor` to the end returns every line that was appended before the first page,
    /// once.
    ///
    /// # Errors
    /// `Invalid` for `limit` or `cursor`; `Unavailable`, `Corrupt`.
    pub async fn execute(&self, request: ListAuditRequest) -> Result<ListAuditResponse, ApplicationError> {
        log_action("ListAuditUseCase.execute", async {
            let limit = page_limit(request.limit)?;
            let before = request.cursor.as_deref().map(parse_cursor).transpose()?;
            let mut items = self.audit.list(request.tenant.as_ref(), before, limit + 1).await?;
            let more = items.len() > limit as usize;
            items.truncate(limit as usize);
            let next_cursor = items.last().filter(|_| more).map(|line| format!("{:016x}", line.seq));
            Ok(ListAuditResponse { items, next_cursor })
        })
        .await
    }
}

/// Parses a cursor: the number of the page's last line in 16 hexadecimal digits.
fn parse_cursor(text: &str) -> Result<i64, DomainError> {
    let has_form = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let seq = has_form.then(|| i64::from_str_radix(text, 16).ok()).flatten();
    let expected = "the next_cursor of a previous page";
    seq.ok_or_else(|| DomainError::violation("cursor", Rule::Malformed { expected }))
}
