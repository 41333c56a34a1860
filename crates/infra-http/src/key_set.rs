use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use crate::signed_token::{Refusal, SignedToken};
use crate::verification_key::{COORDINATE_BYTES, VerificationKey};

/// The usable keys of an identity provider.
pub(crate) struct KeySet(Vec<PublicKey>);

struct PublicKey {
    id: Option<String>,
    key: VerificationKey,
}

/// Why no key is taken for a token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// The set has none, but a later one may.
    Unknown,
    /// The token does not fit the keys that it names.
    Refused(Refusal),
}

/// A key set (RFC 7517, section 5).
#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Value>,
}

/// The members of a key that are read (RFC 7517, section 4; RFC 7518, section 6; RFC 8037, section 2).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a key set. Keys that cannot be used are ignored: those for other purposes or of other kinds, symmetric
    /// ones, RSA keys of less than 2048 bits.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        let set: JwkSet = serde_json::from_slice(json)?;
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
        Ok(Self(keys.filter_map(usable).collect()))
    }

    /// Returns how many keys it has.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the key of `token`: the one that it names, or, where it names none, the only one of its algorithm.
    pub(crate) fn find(&self, token: &SignedToken<'_>) -> Result<VerificationKey, NoKey> {
        let is_named = |key: &&PublicKey| token.key_id().is_none() || token.key_id() == key.id.as_deref();
        let named: Vec<&PublicKey> = self.0.iter().filter(is_named).collect();
        let fitting: Vec<_> =
            named.iter().filter(|public| public.key.algorithm() == token.algorithm()).collect();
        match (fitting.as_slice(), token.key_id()) {
            ([public], _) => Ok(public.key.clone()),
            ([], Some(_)) if !named.is_empty() => Err(NoKey::Refused("its algorithm is not that of its key")),
            ([], _) => Err(NoKey::Unknown),
            (_, Some(_)) => Err(NoKey::Refused("several keys have its key id")),
            (_, None) => Err(NoKey::Refused("it names no key, and several keys have its algorithm")),
        }
    }
}

fn usable(jwk: Jwk) -> Option<PublicKey> {
    let is_for_signatures = jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
    let verifies = jwk.key_ops.as_ref().is_none_or(|all| all.iter().any(|operation| operation == "verify"));
    let key = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", None) => VerificationKey::of_rsa(&decode(jwk.n.as_ref())?, &decode(jwk.e.as_ref())?)?,
        ("EC", Some("P-256")) => {
            VerificationKey::of_p256(coordinate(jwk.x.as_ref())?, coordinate(jwk.y.as_ref())?)
        }
        ("OKP", Some("Ed25519")) => VerificationKey::of_ed25519(coordinate(jwk.x.as_ref())?),
        _ => return None,
    };
    let is_of_algorithm = jwk.alg.as_deref().is_none_or(|pinned| pinned == key.algorithm().name());
    (is_for_signatures && verifies && is_of_algorithm).then_some(PublicKey { id: jwk.kid, key })
}

fn coordinate(text: Option<&String>) -> Option<[u8; COORDINATE_BYTES]> {
    decode(text)?.try_into().ok()
}

fn decode(text: Option<&String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?).ok()
}
