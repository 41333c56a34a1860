use domain::value_objects::{AuditLine, Seal, TenantId};

/// List lines of the audit, the newest first.
#[derive(Debug, Clone)]
pub struct ListAuditRequest {
    /// The tenant; none for all lines.
    pub tenant: Option<TenantId>,
    /// The page's length, 1 to 100; 20 by default.
    pub limit: Option<u32>,
    /// The `next_cursor` of the previous page.
    pub cursor: Option<String>,
}

/// One page of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListAuditResponse {
    /// The lines, numbers descending.
    pub items: Vec<AuditLine>,
    /// Where the next page begins; none on the last.
    pub next_cursor: Option<String>,
}

/// Check the seals of all lines.
#[derive(Debug, Clone, Default)]
pub struct VerifyAuditRequest {
    /// The number and seal of a line that an earlier check reported: that line must still have this seal.
    pub anchor: Option<(i64, Seal)>,
    /// How many lines from the first may have no seal, because they were appended before seals were made. Anyone who
    /// can write to the store can remove all seals, so that nothing is assumed.
    pub unsealed: u64,
}

/// The result of a check of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyAuditResponse {
    /// The lines that exist.
    pub lines: u64,
    /// The lines before the first sealed one, which cannot be checked.
    pub unsealed: u64,
    /// The number and seal of the last sealed line, to be stored elsewhere: with it a later check detects lines that
    /// were removed from the end.
    pub last: Option<(i64, Seal)>,
    /// What is wrong, in the order of the lines; at most the first hundred.
    pub faults: Vec<AuditFault>,
}

/// Something that only a change behind the service's back explains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditFault {
    /// The lines from the first number up to the second are missing.
    Missing(i64, i64),
    /// The line does not match its seal: it was changed or moved, or a line before it was.
    Mismatch(i64),
    /// The line has no seal, and is not among the first that may have none.
    Unsealed(i64),
    /// The line does not have the seal of the anchor.
    Anchor(i64),
}
