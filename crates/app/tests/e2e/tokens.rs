//! Tokens (JWT) as an identity provider issues them, and as an attacker makes them.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use testkit::RSA_KEYS;

pub(crate) const ISSUER: &str = "https://idp.example";
pub(crate) const AUDIENCE: &str = "undertone";

/// One of two RSA keys for tests.
pub(crate) struct RsaIssuer {
    index: usize,
    key_id: &'static str,
}

impl RsaIssuer {
    pub(crate) fn new(index: usize, key_id: &'static str) -> Self {
        Self { index, key_id }
    }

    fn key(&self) -> EncodingKey {
        EncodingKey::from_rsa_der(RSA_KEYS[self.index])
    }

    /// The public key as the provider publishes it.
    pub(crate) fn jwk(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key(), Algorithm::RS256).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = self.key_id.into();
        jwk["use"] = "sig".into();
        jwk
    }

    fn header(&self, algorithm: &str) -> Value {
        json!({"typ": "JWT", "alg": algorithm, "kid": self.key_id})
    }

    /// A token with these claims beside the usual ones; one of null is left out.
    pub(crate) fn token(&self, changes: &Value) -> String {
        let message = message(&self.header("RS256"), changes);
        let signature = crypto::sign(message.as_bytes(), &self.key(), Algorithm::RS256).unwrap();
        format!("{message}.{signature}")
    }

    /// A token without a signature, whose header says so.
    pub(crate) fn unsigned(&self) -> String {
        format!("{}.", message(&self.header("none"), &json!({})))
    }

    /// A token that is signed with the public key as if it were a shared secret.
    pub(crate) fn confused(&self) -> String {
        let message = message(&self.header("HS256"), &json!({}));
        let secret = self.jwk()["n"].as_str().unwrap().to_owned();
        let key = EncodingKey::from_secret(&URL_SAFE_NO_PAD.decode(secret).unwrap());
        format!("{message}.{}", crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap())
    }
}

fn message(header: &Value, changes: &Value) -> String {
    let mut claims = json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "user-1",
        "exp": now() + 3_600,
        "tenant": "default",
        "scope": "predictions:write predictions:read predictions:delete models:read keys:admin",
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}", encode(header), encode(&claims))
}

/// The current time in seconds.
pub(crate) fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "tokens have the time of the program under test")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap().as_secs()
}
