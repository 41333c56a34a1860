use crate::value_objects::{KeyId, KeyName, Limits, Scopes, SecretHash, TenantId, Timestamp};

/// An API key of a tenant, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its public part.
    pub id: KeyId,
    /// The tenant that its caller acts for.
    pub tenant: TenantId,
    /// Its display name.
    pub name: Option<KeyName>,
    /// What its caller may do.
    pub scopes: Scopes,
    /// What its callers may use, beside the limits of the tenant.
    pub limits: Limits,
    /// The hash of the whole key.
    pub secret: SecretHash,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it ends by itself; none for a key without an end.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to about a minute.
    pub last_used_at: Option<Timestamp>,
}

/// The state of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It is accepted.
    Active,
    /// Its end has passed.
    Expired,
    /// It was revoked.
    Revoked,
}

impl KeyState {
    /// Returns the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl ApiKey {
    /// Returns the state at `now`.
    pub fn state(&self, now: Timestamp) -> KeyState {
        if self.revoked_at.is_some() {
            KeyState::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            KeyState::Expired
        } else {
            KeyState::Active
        }
    }
}
