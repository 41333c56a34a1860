use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use testkit::{ED25519_KEYS, P256_KEYS, RSA_KEYS};

use super::*;

/// Signs tokens with one key.
pub(super) struct Issuer {
    algorithm: Algorithm,
    key: EncodingKey,
    key_id: Option<&'static str>,
}

/// Claims that are accepted.
pub(super) fn claims() -> Value {
    json!({
        "iss": "https://idp.example",
        "aud": "undertone",
        "sub": "user-1",
        "exp": now() + 60,
        "tenant": "acme",
        "scope": "predictions:write models:read openid models:write",
    })
}

impl Issuer {
    pub(super) fn of_secret(secret: &[u8]) -> Self {
        Self { algorithm: Algorithm::HS256, key: EncodingKey::from_secret(secret), key_id: None }
    }

    pub(super) fn rsa(index: usize, key_id: &'static str) -> Self {
        let key = EncodingKey::from_rsa_der(RSA_KEYS[index]);
        Self { algorithm: Algorithm::RS256, key, key_id: Some(key_id) }
    }

    pub(super) fn p256(index: usize, key_id: &'static str) -> Self {
        let key = EncodingKey::from_ec_der(P256_KEYS[index]);
        Self { algorithm: Algorithm::ES256, key, key_id: Some(key_id) }
    }

    pub(super) fn ed25519(index: usize, key_id: &'static str) -> Self {
        let key = EncodingKey::from_ed_der(ED25519_KEYS[index]);
        Self { algorithm: Algorithm::EdDSA, key, key_id: Some(key_id) }
    }

    /// The same key under no id.
    pub(super) fn without_key_id(self) -> Self {
        Self { key_id: None, ..self }
    }

    /// The public key as it is published.
    pub(super) fn jwk(&self) -> Value {
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap();
        if let Some(key_id) = self.key_id {
            jwk["kid"] = key_id.into();
        }
        jwk["use"] = "sig".into();
        jwk
    }

    /// The public key with other members.
    pub(super) fn jwk_with(&self, changes: &Value) -> Value {
        let mut jwk = self.jwk();
        set(&mut jwk, changes);
        jwk
    }

    /// An accepted token, if its key is.
    pub(super) fn token(&self) -> String {
        self.sign(&self.header(), &claims())
    }

    /// A token with other claims; a claim of `null` is absent.
    pub(super) fn token_with(&self, changes: &Value) -> String {
        let mut claims = claims();
        set(&mut claims, changes);
        self.sign(&self.header(), &claims)
    }

    /// A token with other members of its header.
    pub(super) fn token_with_header(&self, changes: &Value) -> String {
        let mut header = self.header();
        set(&mut header, changes);
        self.sign(&header, &claims())
    }

    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_texts(&header.to_string(), &claims.to_string())
    }

    pub(super) fn sign_texts(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    pub(super) fn header(&self) -> Value {
        let mut header = json!({ "typ": "JWT", "alg": format!("{:?}", self.algorithm) });
        if let Some(key_id) = self.key_id {
            header["kid"] = key_id.into();
        }
        header
    }
}

fn set(object: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(name);
        } else {
            object[name] = value.clone();
        }
    }
}
