use std::fmt;

use crate::errors::{DomainError, Rule};

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Classify texts, which stores predictions.
    PredictionsWrite,
    /// Read the tenant's predictions.
    PredictionsRead,
    /// Delete the tenant's predictions.
    PredictionsDelete,
    /// List the served models.
    ModelsRead,
    /// Issue, list and revoke the tenant's keys, and read its audit.
    KeysAdmin,
    /// Load and unload models, for every tenant.
    ModelsWrite,
    /// Read the metrics of the whole service.
    MetricsRead,
    /// Read the audit of every tenant and of the service.
    AuditInstance,
}

impl Scope {
    /// Every scope, those of a tenant first.
    pub const ALL: [Self; 8] = [
        Self::PredictionsWrite,
        Self::PredictionsRead,
        Self::PredictionsDelete,
        Self::ModelsRead,
        Self::KeysAdmin,
        Self::ModelsWrite,
        Self::MetricsRead,
        Self::AuditInstance,
    ];

    /// Returns the name on the wire, such as `predictions:write`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PredictionsWrite => "predictions:write",
            Self::PredictionsRead => "predictions:read",
            Self::PredictionsDelete => "predictions:delete",
            Self::ModelsRead => "models:read",
            Self::KeysAdmin => "keys:admin",
            Self::ModelsWrite => "models:write",
            Self::MetricsRead => "metrics:read",
            Self::AuditInstance => "audit:instance",
        }
    }

    /// Returns the scope of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    /// Returns whether the scope concerns the whole service and not one tenant.
    pub fn is_instance(self) -> bool {
        matches!(self, Self::ModelsWrite | Self::MetricsRead | Self::AuditInstance)
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

impl Scopes {
    /// Returns all scopes of a tenant, without those of the instance.
    pub fn of_tenant() -> Self {
        Scope::ALL.into_iter().filter(|scope| !scope.is_instance()).collect()
    }

    /// Parses at least one name of a scope each.
    ///
    /// # Errors
    /// [`Rule::Blank`] where there is none, [`Rule::NotOneOf`] for another name, both for the field `scopes`.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, DomainError> {
        let mut scopes = Self::default();
        for name in names {
            let allowed = || Scope::ALL.map(Scope::as_str).join(", ");
            let unknown = || DomainError::violation("scopes", Rule::NotOneOf { allowed: allowed().into() });
            scopes.insert(Scope::from_name(name).ok_or_else(unknown)?);
        }
        if scopes.is_empty() {
            return Err(DomainError::violation("scopes", Rule::Blank));
        }
        Ok(scopes)
    }

    /// Adds `scope`.
    pub fn insert(&mut self, scope: Scope) {
        self.0 |= scope.bit();
    }

    /// Returns whether `scope` is in the set.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Returns whether the set has no scope.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the scopes that `others` does not have.
    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Returns the scopes, those of a tenant first.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let mut set = Self::default();
        scopes.into_iter().for_each(|scope| set.insert(scope));
        set
    }
}

/// The names, separated by spaces, as in the `scope` claim of OAuth 2.0 (RFC 6749, section 3.3).
impl fmt::Display for Scopes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Scope::as_str).collect();
        out.write_str(&names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_parsed_from_their_names() {
        let all = Scopes::parse(Scope::ALL.map(Scope::as_str)).unwrap_or_default();
        assert!(Scope::ALL.into_iter().all(|scope| all.contains(scope)));
        assert_eq!(
            Scopes::parse(["keys:admin", "models:read"]).map(|s| s.to_string()),
            Ok("models:read keys:admin".into())
        );
        for bad in [&[][..], &[""], &["predictions"], &["models:read", "MODELS:WRITE"]] {
            assert!(Scopes::parse(bad.iter().copied()).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn the_scopes_of_a_tenant_reach_no_further_than_the_tenant() {
        let tenant = Scopes::of_tenant();
        assert!(Scope::ALL.into_iter().all(|scope| tenant.contains(scope) != scope.is_instance()));
        let some: Scopes = [Scope::KeysAdmin, Scope::ModelsWrite].into_iter().collect();
        assert_eq!(some.without(tenant).iter().collect::<Vec<_>>(), [Scope::ModelsWrite]);
    }
}
