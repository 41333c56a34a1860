use std::time::Duration;

use application::ports::VerifiedToken;
use domain::value_objects::{Scope, Scopes, TenantId, Timestamp};
use serde_json::{Map, Value};

use crate::jwt_settings::JwtSettings;
use crate::signed_token::Refusal;

/// What the claims of a token must be, and what they mean.
pub(crate) struct ClaimRules {
    issuer: String,
    audience: Vec<String>,
    leeway: Duration,
    tenant_claim: String,
    scopes_claim: String,
    /// The instance scopes that a token may grant.
    grantable: Vec<Scope>,
}

/// The most characters of a subject (OpenID Connect Core 1.0, section 2).
const MAX_SUBJECT_CHARS: usize = 255;

/// The end of the year 9999, the last one that times on the wire can have.
const LAST_SECOND: f64 = 253_402_300_799.0;

impl ClaimRules {
    /// The rules of `settings`.
    ///
    /// # Errors
    /// The first key whose value is invalid.
    pub(crate) fn new(settings: &JwtSettings) -> Result<Self, String> {
        settings.validate()?;
        Ok(Self {
            issuer: settings.issuer.clone().ok_or("issuer must be set")?,
            audience: settings.audience.clone(),
            leeway: Duration::from_secs(settings.leeway),
            tenant_claim: settings.tenant_claim.clone(),
            scopes_claim: settings.scopes_claim.clone(),
            grantable: settings.grantable()?,
        })
    }

    /// Checks the claims of a token whose signature is right, at `now`.
    pub(crate) fn check(
        &self,
        claims: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<VerifiedToken, Refusal> {
        let expires_at = time(claims, "exp")?.ok_or("it has no exp")?;
        let accepted_until = expires_at.plus(self.leeway);
        if now >= accepted_until {
            return Err("it has expired");
        }
        if time(claims, "nbf")?.is_some_and(|begins_at| now.plus(self.leeway) < begins_at) {
            return Err("it is not valid yet");
        }
        if claims.get("iss").and_then(Value::as_str) != Some(self.issuer.as_str()) {
            return Err("its issuer is not accepted");
        }
        if !claims.get("aud").is_some_and(|audience| self.is_for_us(audience)) {
            return Err("its audience is another");
        }
        let tenant = find(claims, &self.tenant_claim).and_then(Value::as_str);
        let tenant = TenantId::parse(tenant.ok_or("its claim of the tenant is absent or not a text")?);
        Ok(VerifiedToken {
            tenant: tenant.map_err(|_| "its claim of the tenant is no name of a tenant")?,
            scopes: self.scopes(claims)?,
            issuer: Some(self.issuer.clone()),
            subject: subject(claims)?,
            expires_at,
            accepted_until,
        })
    }

    fn is_for_us(&self, audience: &Value) -> bool {
        let is_ours =
            |one: &Value| one.as_str().is_some_and(|one| self.audience.iter().any(|ours| ours == one));
        audience.as_array().map_or_else(|| is_ours(audience), |all| all.iter().any(is_ours))
    }

    /// The scopes that the token grants; none where it has no such claim.
    fn scopes(&self, claims: &Map<String, Value>) -> Result<Scopes, Refusal> {
        let names: Vec<&str> = match find(claims, &self.scopes_claim) {
            None => Vec::new(),
            Some(Value::String(names)) => names.split(' ').collect(),
            Some(Value::Array(names)) => {
                let names: Option<_> = names.iter().map(Value::as_str).collect();
                names.ok_or("its list of scopes has other values than texts")?
            }
            Some(_) => return Err("its claim of the scopes is neither a text nor a list"),
        };
        let may_grant = |scope: &Scope| !scope.is_instance() || self.grantable.contains(scope);
        Ok(names.into_iter().filter_map(Scope::from_name).filter(may_grant).collect())
    }
}

/// The claim `name`, or else the one at the path that has dots between its names.
fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    claims.get(name).or_else(|| {
        let mut names = name.split('.');
        let first = claims.get(names.next()?)?;
        names.try_fold(first, |value, name| value.get(name))
    })
}

/// The time of a claim: seconds since the epoch, fractions allowed (RFC 7519, section 2).
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, Refusal> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| (0.0..=LAST_SECOND).contains(seconds));
    let seconds = seconds.ok_or("one of its times is not a number of seconds since 1970")?;
    Ok(Some(Timestamp::from_micros((seconds * 1e6) as i64)))
}

/// The subject, which the audit stores.
fn subject(claims: &Map<String, Value>) -> Result<Option<String>, Refusal> {
    match claims.get("sub") {
        None => Ok(None),
        Some(Value::String(subject))
            if subject.chars().count() <= MAX_SUBJECT_CHARS && !subject.chars().any(char::is_control) =>
        {
            Ok(Some(subject.clone()))
        }
        Some(_) => Err("its subject is not a text of at most 255 characters without control characters"),
    }
}
