use crate::value_objects::{TenantId, Timestamp};

/// HMAC-SHA-256 of a line of the audit and of the seal before it.
pub type Seal = [u8; 32];

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditAction {
    /// A tenant was added.
    TenantAdded,
    /// A tenant was disabled.
    TenantDisabled,
    /// A tenant was enabled again.
    TenantEnabled,
    /// The erasure of a tenant began.
    TenantErasureBegun,
    /// A tenant was erased.
    TenantErased,
    /// The limits of a tenant were set.
    TenantLimited,
    /// An API key was issued.
    KeyIssued,
    /// An API key got an end, because another replaces it.
    KeyReplaced,
    /// An API key was revoked.
    KeyRevoked,
    /// A model was to be loaded; it was, unless a line about the failure follows.
    ModelLoad,
    /// The loading of a model failed.
    ModelLoadFailed,
    /// A model was to be unloaded; it was, unless a line about the failure follows.
    ModelUnload,
    /// The unloading of a model failed.
    ModelUnloadFailed,
    /// A prediction was deleted.
    PredictionDeleted,
}

impl AuditAction {
    /// Returns the stable name, such as `key.issued`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TenantAdded => "tenant.added",
            Self::TenantDisabled => "tenant.disabled",
            Self::TenantEnabled => "tenant.enabled",
            Self::TenantErasureBegun => "tenant.erasure_begun",
            Self::TenantErased => "tenant.erased",
            Self::TenantLimited => "tenant.limited",
            Self::KeyIssued => "key.issued",
            Self::KeyReplaced => "key.replaced",
            Self::KeyRevoked => "key.revoked",
            Self::ModelLoad => "model.load",
            Self::ModelLoadFailed => "model.load_failed",
            Self::ModelUnload => "model.unload",
            Self::ModelUnloadFailed => "model.unload_failed",
            Self::PredictionDeleted => "prediction.deleted",
        }
    }
}

/// Who changed what, as it is stored: texts, so that a line can be checked exactly as it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// The tenant that the change concerns; none for a change of the whole service.
    pub tenant: Option<TenantId>,
    /// Who: `key:ID`, `token:SUBJECT`, `command-line:USER` or `anonymous`.
    pub actor: String,
    /// The id of the actor's key, if it has one.
    pub key_id: Option<String>,
    /// The client's IP address; none on the command line.
    pub address: Option<String>,
    /// The id of the request; none on the command line.
    pub request_id: Option<String>,
    /// The name of the [`AuditAction`].
    pub action: String,
    /// What was changed, such as the id of a key or the name of a model.
    pub target: String,
    /// Further facts, such as the scopes of a key.
    pub detail: Option<String>,
}

/// A stored line of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// Its number: the first line has 1, and each has one more than the line before.
    pub seq: i64,
    /// Its content.
    pub entry: AuditEntry,
    /// Its seal; none where it was written without `audit.key`.
    pub seal: Option<Seal>,
}

impl AuditEntry {
    /// Returns the bytes that the seal of this entry, as line `seq`, covers: a version byte, the seal before it (zeros
    /// for the first), `seq`, the microseconds of `at` (both as 8 bytes, big-endian), then each text as its length in
    /// bytes (8 bytes, big-endian; all ones where there is none) and its UTF-8.
    pub fn sealed_bytes(&self, seq: i64, previous: &Seal) -> Vec<u8> {
        let mut bytes = vec![1];
        bytes.extend_from_slice(previous);
        bytes.extend_from_slice(&seq.to_be_bytes());
        bytes.extend_from_slice(&self.at.as_micros().to_be_bytes());
        let texts = [
            self.tenant.as_ref().map(TenantId::as_str),
            Some(self.actor.as_str()),
            self.key_id.as_deref(),
            self.address.as_deref(),
            self.request_id.as_deref(),
            Some(self.action.as_str()),
            Some(self.target.as_str()),
            self.detail.as_deref(),
        ];
        for text in texts {
            let length = text.map_or(u64::MAX, |text| text.len() as u64);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(text.unwrap_or_default().as_bytes());
        }
        bytes
    }
}
