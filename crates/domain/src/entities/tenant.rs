use crate::errors::{DomainError, Rule};
use crate::value_objects::{Limits, TenantId, Timestamp};

/// An owner of rows and keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its name.
    pub id: TenantId,
    /// Whether its callers are accepted.
    pub status: TenantStatus,
    /// What its callers may use together.
    pub limits: Limits,
    /// When it was added.
    pub created_at: Timestamp,
}

/// The state of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantStatus {
    /// Its callers are accepted.
    Active,
    /// Its callers are refused until it is enabled.
    Disabled,
    /// Its rows are being removed.
    Erasing,
    /// Its rows were removed. The name is not given again, since lines of the audit bear it.
    Erased,
}

impl TenantStatus {
    const ALL: [Self; 4] = [Self::Active, Self::Disabled, Self::Erasing, Self::Erased];

    /// Returns the stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Erasing => "erasing",
            Self::Erased => "erased",
        }
    }

    /// Returns the status of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Returns the status of a disabled tenant.
    ///
    /// # Errors
    /// [`Rule::WrongState`] for the field `tenant` unless it is active.
    pub fn disable(self) -> Result<Self, DomainError> {
        self.change(&[Self::Active], Self::Disabled, "active")
    }

    /// Returns the status of an enabled tenant.
    ///
    /// # Errors
    /// [`Rule::WrongState`] for the field `tenant` unless it is disabled.
    pub fn enable(self) -> Result<Self, DomainError> {
        self.change(&[Self::Disabled], Self::Active, "disabled")
    }

    /// Returns the status of a tenant whose rows are to be removed. An erasure may begin again after it ended, to
    /// remove what requests in progress have stored since.
    pub fn erase(self) -> Self {
        Self::Erasing
    }

    /// Checks that keys may be issued for the tenant.
    ///
    /// # Errors
    /// [`Rule::WrongState`] for the field `tenant` if it is being or was erased.
    pub fn allow_keys(self) -> Result<(), DomainError> {
        self.change(&[Self::Active, Self::Disabled], self, "active or disabled").map(drop)
    }

    fn change(self, from: &[Self], to: Self, required: &'static str) -> Result<Self, DomainError> {
        if from.contains(&self) {
            return Ok(to);
        }
        Err(DomainError::violation("tenant", Rule::WrongState { required, actual: self.as_str() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_changes_only_from_the_states_that_allow_it() {
        use TenantStatus::{Active, Disabled, Erased, Erasing};
        let changed = |change: fn(TenantStatus) -> Result<TenantStatus, DomainError>| {
            TenantStatus::ALL.map(|status| change(status).ok())
        };
        assert_eq!(changed(TenantStatus::disable), [Some(Disabled), None, None, None]);
        assert_eq!(changed(TenantStatus::enable), [None, Some(Active), None, None]);
        assert_eq!([Active, Disabled, Erasing, Erased].map(TenantStatus::erase), [Erasing; 4]);
        assert_eq!(TenantStatus::ALL.map(|status| status.allow_keys().is_ok()), [true, true, false, false]);
        assert!(
            TenantStatus::ALL
                .into_iter()
                .all(|status| TenantStatus::from_name(status.as_str()) == Some(status))
        );
    }
}
