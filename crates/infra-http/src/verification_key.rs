use ring::hmac;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};

/// An accepted algorithm (RFC 7518, section 3.1; RFC 8037, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// HMAC with SHA-256 and a shared secret.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, keys of 2048 to 8192 bits.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// EdDSA on Ed25519.
    EdDsa,
}

/// A key for the one algorithm that it determines.
#[derive(Clone)]
pub(crate) struct VerificationKey(Key);

#[derive(Clone)]
enum Key {
    Hs256(hmac::Key),
    Rs256(RsaPublicKeyComponents<Vec<u8>>),
    Es256(UnparsedPublicKey<Vec<u8>>),
    EdDsa(UnparsedPublicKey<[u8; COORDINATE_BYTES]>),
}

/// The bytes of a coordinate on P-256 and on Ed25519.
pub(crate) const COORDINATE_BYTES: usize = 32;

/// The fewest bits of the modulus of an RSA key (RFC 7518, section 3.3).
const MIN_RSA_BITS: usize = 2_048;

impl Algorithm {
    /// Returns the algorithm of this name, if it is accepted.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Hs256, Self::Rs256, Self::Es256, Self::EdDsa]
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }

    /// Returns its name in a token and in a key set.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl VerificationKey {
    /// A shared secret.
    pub(crate) fn of_secret(secret: &[u8]) -> Self {
        Self(Key::Hs256(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// An RSA key of this modulus and exponent, in big-endian order; `None` if it has less than 2048 bits.
    pub(crate) fn of_rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let n = without_leading_zeros(modulus);
        let bits = n.len() * 8 - n.first()?.leading_zeros() as usize;
        let e = without_leading_zeros(exponent).to_vec();
        (bits >= MIN_RSA_BITS).then(|| Self(Key::Rs256(RsaPublicKeyComponents { n: n.to_vec(), e })))
    }

    /// A point on P-256.
    pub(crate) fn of_p256(x: [u8; COORDINATE_BYTES], y: [u8; COORDINATE_BYTES]) -> Self {
        // Uncompressed (SEC 1, section 2.3.3).
        let point = [&[4], x.as_slice(), &y].concat();
        Self(Key::Es256(UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point)))
    }

    /// An encoded point on Ed25519.
    pub(crate) fn of_ed25519(x: [u8; COORDINATE_BYTES]) -> Self {
        Self(Key::EdDsa(UnparsedPublicKey::new(&signature::ED25519, x)))
    }

    /// Returns the only algorithm that it verifies with.
    pub(crate) fn algorithm(&self) -> Algorithm {
        match self.0 {
            Key::Hs256(_) => Algorithm::Hs256,
            Key::Rs256(_) => Algorithm::Rs256,
            Key::Es256(_) => Algorithm::Es256,
            Key::EdDsa(_) => Algorithm::EdDsa,
        }
    }

    /// Whether `signature` was made of `message` with this key or its private half.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.0 {
            Key::Hs256(secret) => hmac::verify(secret, message, signature),
            Key::Rs256(key) => key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature),
            Key::Es256(key) => key.verify(message, signature),
            Key::EdDsa(key) => key.verify(message, signature),
        };
        verified.is_ok()
    }
}

fn without_leading_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}
