use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::strict_json::parse_object;
use crate::verification_key::{Algorithm, VerificationKey};

/// Why a token is refused: a fixed text, which has no part of the token.
pub(crate) type Refusal = &'static str;

/// A token in its compact form (RFC 7515, section 7.1), before its signature is checked: nothing in it is trusted.
///
/// Of its header only `alg`, `kid` and `crit` are read. Keys in it, and addresses of keys, have no effect.
pub(crate) struct SignedToken<'a> {
    /// What the signature is of.
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
    algorithm: Algorithm,
    key_id: Option<String>,
}

/// The longest token, in bytes.
const MAX_BYTES: usize = 16 << 10;

impl<'a> SignedToken<'a> {
    /// Takes `token` apart and reads its header.
    pub(crate) fn parse(token: &'a str) -> Result<Self, Refusal> {
        if token.len() > MAX_BYTES {
            return Err("it is longer than 16 KiB");
        }
        let (message, signature) = token.rsplit_once('.').ok_or("it does not have three parts")?;
        let (header, payload) = message.split_once('.').ok_or("it does not have three parts")?;
        if payload.contains('.') {
            return Err("it does not have three parts");
        }
        let header = decode_object(header).ok_or("its header is not a JSON object in base64url")?;
        if header.contains_key("crit") {
            return Err("its header requires an extension");
        }
        let algorithm = header.get("alg").and_then(Value::as_str).and_then(Algorithm::from_name);
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err("its key id is not a text"),
        };
        let algorithm = algorithm.ok_or("its algorithm is not accepted")?;
        Ok(Self { message, payload, signature, algorithm, key_id })
    }

    /// Returns the algorithm that the header names.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the key that the header names.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Returns the claims if the signature was made with `key`, which must be one of the token's algorithm.
    pub(crate) fn claims_signed_with(&self, key: &VerificationKey) -> Result<Map<String, Value>, Refusal> {
        let verifies = |signature: Vec<u8>| key.verifies(self.message.as_bytes(), &signature);
        if key.algorithm() != self.algorithm || !URL_SAFE_NO_PAD.decode(self.signature).is_ok_and(verifies) {
            return Err("its signature is wrong");
        }
        decode_object(self.payload).ok_or("its claims are not a JSON object in base64url")
    }
}

fn decode_object(part: &str) -> Option<Map<String, Value>> {
    parse_object(&URL_SAFE_NO_PAD.decode(part).ok()?)
}
