use std::fmt;

use domain::value_objects::Seal;

/// Seals lines of the audit with a key that the store does not hold, so that a changed, removed or reordered line is
/// detected. The stores call it when they append a line, with the bytes of
/// [`AuditEntry::sealed_bytes`](domain::value_objects::AuditEntry::sealed_bytes).
pub trait AuditSealer: Send + Sync {
    /// Returns the HMAC-SHA-256 of `bytes`.
    fn seal(&self, bytes: &[u8]) -> Seal;
}

/// Shows nothing: the sealer holds a key.
impl fmt::Debug for dyn AuditSealer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}
