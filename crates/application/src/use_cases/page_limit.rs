use domain::errors::{DomainError, Rule};

/// The default length of a page.
pub const DEFAULT_PAGE_LIMIT: u32 = 20;
/// The longest page.
pub const MAX_PAGE_LIMIT: u32 = 100;

/// Returns the length of a page.
///
/// # Errors
/// A violation for the field `limit` unless it is between 1 and 100.
pub(super) fn page_limit(requested: Option<u32>) -> Result<u32, DomainError> {
    let limit = requested.unwrap_or(DEFAULT_PAGE_LIMIT);
    if (1..=MAX_PAGE_LIMIT).contains(&limit) {
        return Ok(limit);
    }
    let allowed = format!("between 1 and {MAX_PAGE_LIMIT}").into();
    Err(DomainError::violation("limit", Rule::OutOfRange { allowed }))
}
