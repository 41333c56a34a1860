use std::net::IpAddr;

use domain::value_objects::{
    AuditAction, AuditEntry, KeyId, KeyName, Limits, Scope, Scopes, TenantId, Timestamp,
};

use crate::errors::ApplicationError;
use crate::ports::{OwnLimits, Principal};

/// Who sent a request, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The tenant that the caller acts for.
    pub tenant: TenantId,
    /// What the caller may do.
    pub scopes: Scopes,
    /// What all callers of the tenant may use together.
    pub tenant_limits: Limits,
    /// What the caller may use, beside the limits of the tenant.
    pub limits: Limits,
    /// How the caller was authenticated.
    pub identity: Identity,
}

/// How a caller was authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// Not at all: the configuration does not require it.
    Anonymous,
    /// By an API key.
    Key {
        /// Its id.
        id: KeyId,
        /// Its name.
        name: Option<KeyName>,
        /// When it ends.
        expires_at: Option<Timestamp>,
    },
    /// By a token of the identity provider.
    Token {
        /// Which identity provider.
        issuer: Option<String>,
        /// Who the caller is there.
        subject: Option<String>,
        /// When it ends.
        expires_at: Timestamp,
        /// Until when it is accepted.
        accepted_until: Timestamp,
    },
}

impl Caller {
    /// The caller of a service that requires no authentication: the tenant `default` with all scopes of a tenant.
    pub fn anonymous() -> Self {
        Self {
            tenant: TenantId::default(),
            scopes: Scopes::of_tenant(),
            tenant_limits: Limits::default(),
            limits: Limits::default(),
            identity: Identity::Anonymous,
        }
    }

    /// Whether the caller was not authenticated.
    pub fn is_anonymous(&self) -> bool {
        self.identity == Identity::Anonymous
    }

    /// Returns whose use is counted for the caller.
    pub fn principal(&self) -> Principal {
        let id = match &self.identity {
            Identity::Anonymous => None,
            Identity::Key { id, .. } => Some(format!("key:{id}")),
            Identity::Token { issuer, subject, .. } => {
                let (issuer, subject) = (issuer.as_deref(), subject.as_deref());
                Some(format!("token:{} {}", issuer.unwrap_or_default(), subject.unwrap_or_default()))
            }
        };
        let own = id.filter(|_| !self.limits.is_unlimited()).map(|id| OwnLimits { id, limits: self.limits });
        Principal { tenant: self.tenant.clone(), limits: self.tenant_limits, own }
    }

    /// Checks that the caller has one of the scopes `any_of`; where there are none, every caller passes. A service that
    /// requires no authentication limits what needs a scope of the instance by other settings, such as
    /// `server.model_changes`.
    ///
    /// # Errors
    /// `Forbidden` with the first of the scopes.
    pub fn require(&self, any_of: &[Scope]) -> Result<(), ApplicationError> {
        match any_of.first() {
            Some(first)
                if !self.is_anonymous() && !any_of.iter().any(|scope| self.scopes.contains(*scope)) =>
            {
                Err(ApplicationError::Forbidden { scope: *first })
            }
            _ => Ok(()),
        }
    }
}

/// Who makes a change, for the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    name: String,
    key_id: Option<KeyId>,
    address: Option<IpAddr>,
    request_id: Option<String>,
}

impl Actor {
    /// The caller of a request.
    pub fn of_request(caller: &Caller, address: Option<IpAddr>, request_id: &str) -> Self {
        let (name, key_id) = match &caller.identity {
            Identity::Anonymous => ("anonymous".to_owned(), None),
            Identity::Key { id, .. } => (format!("key:{id}"), Some(id.clone())),
            Identity::Token { subject, .. } => {
                (format!("token:{}", subject.as_deref().unwrap_or_default()), None)
            }
        };
        Self { name, key_id, address, request_id: Some(request_id.to_owned()) }
    }

    /// A user of the machine who runs the command line.
    pub fn command_line(user: &str) -> Self {
        Self { name: format!("command-line:{user}"), key_id: None, address: None, request_id: None }
    }

    /// The entry that this actor did `action` to `target` at `at`; without a tenant it concerns the whole service.
    pub fn entry(
        &self,
        at: Timestamp,
        tenant: Option<&TenantId>,
        action: AuditAction,
        target: impl Into<String>,
    ) -> AuditEntry {
        AuditEntry {
            at,
            tenant: tenant.cloned(),
            actor: self.name.clone(),
            key_id: self.key_id.as_ref().map(KeyId::to_string),
            address: self.address.map(|address| address.to_string()),
            request_id: self.request_id.clone(),
            action: action.as_str().to_owned(),
            target: target.into(),
            detail: None,
        }
    }
}
