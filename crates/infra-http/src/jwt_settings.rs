mod limits;
mod secret;

use std::net::IpAddr;

use domain::value_objects::Scope;
use reqwest::Url;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

pub use limits::TokenLimitSettings;
pub use secret::JwtSecret;

/// Which tokens (JWT) are accepted. The section `[auth.jwt]` of the configuration has this form. Without `secret` and
/// `jwks_url`, none are. The secret is redacted when it is serialized.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JwtSettings {
    /// The secret of tokens that are signed with HS256, at least 32 bytes. Not together with `auth.jwt.jwks_url`;
    /// without both, tokens are not accepted.
    #[schemars(extend("values" = "secret"))]
    pub secret: Option<JwtSecret>,
    /// Where the identity provider publishes the keys (JWKS) of tokens that are signed with RS256, ES256 or EdDSA: an
    /// `https` address, or an `http` address of this machine. Redirects are not followed.
    #[schemars(extend("values" = "URL"))]
    pub jwks_url: Option<String>,
    /// The `iss` of the accepted tokens; required where tokens are accepted.
    pub issuer: Option<String>,
    /// The `aud` of the accepted tokens, of which a token must have at least one; required where tokens are accepted.
    #[serde(deserialize_with = "one_or_many")]
    #[schemars(extend("values" = "text, list"))]
    pub audience: Vec<String>,
    /// How far the clocks of the identity provider and of this service may differ: a token is accepted this long before
    /// its `nbf` and after its `exp`.
    #[schemars(range(min = 0, max = 300), extend("values" = "seconds"))]
    pub leeway: u64,
    /// The claim that names the tenant: a name such as `tenant` or `https://example.com/tenant`, or, where there is no
    /// claim of that name, a path of names such as `app.tenant`.
    pub tenant_claim: String,
    /// The claim that has the scopes, as a text with spaces between them or as a list; found in the same way. Other
    /// names in it are ignored.
    pub scopes_claim: String,
    /// The scopes for the whole service that a token may grant: `models:write`, `metrics:read`, `audit:instance`. By
    /// default none; others are ignored in tokens.
    pub instance_scopes: Vec<String>,
    /// What each subject of a token may use.
    pub limits: TokenLimitSettings,
}

/// The fewest bytes of a secret: as many as HS256 has (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// The largest difference of clocks, in seconds.
const MAX_LEEWAY: u64 = 300;

impl Default for JwtSettings {
    fn default() -> Self {
        Self {
            secret: None,
            jwks_url: None,
            issuer: None,
            audience: Vec::new(),
            leeway: 30,
            tenant_claim: "tenant".to_owned(),
            scopes_claim: "scope".to_owned(),
            instance_scopes: Vec::new(),
            limits: TokenLimitSettings::default(),
        }
    }
}

impl JwtSettings {
    /// Returns whether tokens are accepted.
    pub fn is_enabled(&self) -> bool {
        self.secret.is_some() || self.jwks_url.is_some()
    }

    /// Checks the values that their types do not check.
    ///
    /// # Errors
    /// The first key whose value is invalid, and why.
    pub fn validate(&self) -> Result<(), String> {
        match (&self.secret, &self.jwks_url) {
            (Some(_), Some(_)) => {
                return Err("secret and auth.jwt.jwks_url must not both be set; remove one of them".into());
            }
            (Some(secret), None) if secret.expose().len() < MIN_SECRET_BYTES => {
                return Err(format!("secret must have at least {MIN_SECRET_BYTES} bytes"));
            }
            (None, Some(url)) => parse_jwks_url(url).map(drop)?,
            (Some(_) | None, None) => {}
        }
        if self.leeway > MAX_LEEWAY {
            return Err(format!("leeway must be at most {MAX_LEEWAY}, not {}", self.leeway));
        }
        if self.is_enabled() {
            if self.issuer.as_deref().is_none_or(str::is_empty) {
                return Err("issuer must be set where tokens are accepted".into());
            }
            if self.audience.is_empty() || self.audience.iter().any(String::is_empty) {
                return Err(
                    "audience must be set where tokens are accepted, to texts that are not empty".into()
                );
            }
        }
        for (key, name) in [("tenant_claim", &self.tenant_claim), ("scopes_claim", &self.scopes_claim)] {
            if name.is_empty() {
                return Err(format!("{key} must not be empty"));
            }
        }
        self.limits.limits()?;
        self.grantable().map(drop)
    }

    /// Returns the instance scopes that a token may grant.
    ///
    /// # Errors
    /// The first name that is not one of an instance scope.
    pub(crate) fn grantable(&self) -> Result<Vec<Scope>, String> {
        let instance = |name: &String| {
            Scope::from_name(name).filter(|scope| scope.is_instance()).ok_or_else(|| {
                let allowed: Vec<&str> =
                    Scope::ALL.into_iter().filter(|scope| scope.is_instance()).map(Scope::as_str).collect();
                format!(
                    "instance_scopes: {name:?} is not a scope of the instance; use {}",
                    allowed.join(", ")
                )
            })
        };
        self.instance_scopes.iter().map(instance).collect()
    }
}

/// Parses the address of a key set.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse_jwks_url(text: &str) -> Result<Url, String> {
    // The address itself is not in the message, because it may have a password.
    let url = Url::parse(text).map_err(|error| format!("jwks_url is not a URL: {error}"))?;
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match url.scheme() {
        "https" if !host.is_empty() => {}
        "http" if host == "localhost" || address.is_ok_and(|address| address.is_loopback()) => {}
        "http" => {
            return Err(format!(
                "jwks_url must begin with https://; http:// is for localhost and loopback addresses, not for {host}"
            ));
        }
        other => return Err(format!("jwks_url must begin with https://, not with {other}:")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("jwks_url must have no user and no password".into());
    }
    Ok(url)
}

fn one_or_many<'de, D: Deserializer<'de>>(texts: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(texts)? {
        OneOrMany::One(text) => vec![text],
        OneOrMany::Many(texts) => texts,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(settings: serde_json::Value) -> Result<JwtSettings, String> {
        let settings: JwtSettings = serde_json::from_value(settings).map_err(|error| error.to_string())?;
        settings.validate().map(|()| settings)
    }

    fn with(changes: &serde_json::Value) -> Result<JwtSettings, String> {
        let mut settings =
            json!({ "secret": "x".repeat(32), "issuer": "https://idp.example", "audience": "undertone" });
        for (key, value) in changes.as_object().unwrap() {
            settings[key] = value.clone();
        }
        parse(settings)
    }

    #[test]
    fn tokens_are_not_accepted_by_default() {
        let settings = parse(json!({})).unwrap();
        assert_eq!(settings, JwtSettings::default());
        assert!(!settings.is_enabled());
    }

    #[test]
    fn an_audience_is_a_text_or_a_list() {
        assert_eq!(with(&json!({})).unwrap().audience, ["undertone"]);
        assert_eq!(with(&json!({ "audience": ["a", "b"] })).unwrap().audience, ["a", "b"]);
    }

    #[test]
    fn limits_have_the_default_bursts() {
        let limits = json!({ "requests_per_second": 5, "texts_per_second": 10, "concurrent": 2 });
        let limits = with(&json!({ "limits": limits })).unwrap().limits.limits().unwrap();
        assert_eq!(limits.to_string(), "requests 5/s, texts 10/s:1000, concurrent 2");
        assert!(parse(json!({})).unwrap().limits.limits().unwrap().is_unlimited());
    }

    #[test]
    fn an_invalid_value_is_refused_with_its_key() {
        for (changes, key) in [
            (json!({ "secret": "x".repeat(31) }), "secret must have at least 32 bytes"),
            (json!({ "jwks_url": "https://idp.example/keys" }), "secret and auth.jwt.jwks_url"),
            (json!({ "issuer": null }), "issuer"),
            (json!({ "issuer": "" }), "issuer"),
            (json!({ "audience": [] }), "audience"),
            (json!({ "audience": ["a", ""] }), "audience"),
            (json!({ "leeway": 301 }), "leeway must be at most 300, not 301"),
            (json!({ "tenant_claim": "" }), "tenant_claim"),
            (json!({ "scopes_claim": "" }), "scopes_claim"),
            (json!({ "instance_scopes": ["predictions:read"] }), "instance_scopes"),
            (json!({ "instance_scopes": ["models"] }), "models:write, metrics:read, audit:instance"),
            (json!({ "isuer": "x" }), "isuer"),
            (json!({ "limits": { "requests_burst": 3 } }), "limits.requests_per_second must be set"),
            (json!({ "limits": { "texts_per_second": 0 } }), "limits.texts_per_second must be between 1 and"),
            (json!({ "limits": { "concurrent": 0 } }), "limits.concurrent must be at least 1"),
            (json!({ "limits": { "texts_per_day": 0 } }), "limits.texts_per_day must be at least 1"),
            (json!({ "limits": { "requests": 1 } }), "requests"),
        ] {
            let error = with(&changes).unwrap_err();
            assert!(error.contains(key), "{changes}: {error}");
        }
    }

    #[test]
    fn keys_come_over_tls_or_from_this_machine() {
        let check = |url: &str| with(&json!({ "secret": null, "jwks_url": url }));
        for url in [
            "https://idp.example/keys",
            "https://10.0.0.1:8443/keys?tenant=a",
            "http://localhost:8080/keys",
            "http://127.0.0.1/keys",
            "http://127.9.9.9:1/keys",
            "http://[::1]:8080/keys",
        ] {
            assert!(check(url).is_ok(), "{url}: {:?}", check(url));
        }
        for url in [
            "http://idp.example/keys",
            "http://10.0.0.1/keys",
            "http://localhost.example/keys",
            "http://127.0.0.1.example/keys",
            "http://[::2]/keys",
            "https://me:s3cret@idp.example/keys",
            "https://me@idp.example/keys",
            "file:///etc/keys.json",
            "idp.example/keys",
            "https://",
            "",
        ] {
            let error = check(url).unwrap_err();
            assert!(error.starts_with("jwks_url ") && !error.contains("s3cret"), "{url}: {error}");
        }
    }
}
