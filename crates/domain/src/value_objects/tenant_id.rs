use std::fmt;

use crate::errors::{DomainError, Rule};

/// The name of a tenant, the owner of rows. Callers that are not authenticated act for `default`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(String);

impl TenantId {
    /// The largest number of characters.
    pub const MAX_CHARS: usize = 64;

    /// Parses 1 to 64 of the characters `a-z`, `0-9`, `_` and `-`.
    ///
    /// # Errors
    /// [`Rule::Malformed`] for the field `tenant` otherwise.
    pub fn parse(name: impl Into<String>) -> Result<Self, DomainError> {
        let name = name.into();
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if name.is_empty() || name.len() > Self::MAX_CHARS || !name.chars().all(allowed) {
            let expected = "1 to 64 lower-case letters, digits, hyphens and underscores";
            return Err(DomainError::violation("tenant", Rule::Malformed { expected }));
        }
        Ok(Self(name))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TenantId {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_names_than_the_documented_are_refused() {
        assert!(TenantId::parse("acme-2_x").is_ok());
        for bad in ["", "Acme", "a b", "ä", &"x".repeat(65)] {
            assert!(TenantId::parse(bad).is_err(), "{bad} was accepted");
        }
    }
}
