use infra_http::JwtSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may call the API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AuthSettings {
    /// Whether callers must authenticate by an API key or a token. `none`: no, on loopback addresses only; `required`:
    /// yes; `disabled`: no, on any address. Without authentication every client that reaches the address acts as the
    /// tenant `default`.
    pub(crate) mode: AuthMode,
    /// How many failed authentications an address may have in a minute; beyond it 429, unless it sends a key that was
    /// accepted within the last hour, or a valid token.
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) failures_per_minute: u32,
    /// Whether `/metrics` needs the scope `metrics:read` where authentication is required.
    pub(crate) protect_metrics: bool,
    /// Which tokens are accepted.
    pub(crate) jwt: JwtSettings,
}

/// Whether callers must authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AuthMode {
    /// No, on loopback addresses only.
    None,
    /// Yes.
    Required,
    /// No, on any address.
    Disabled,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            mode: AuthMode::None,
            failures_per_minute: 10,
            protect_metrics: false,
            jwt: JwtSettings::default(),
        }
    }
}

impl AuthSettings {
    /// Whether callers must authenticate.
    pub(crate) fn is_required(&self) -> bool {
        self.mode == AuthMode::Required
    }
}
