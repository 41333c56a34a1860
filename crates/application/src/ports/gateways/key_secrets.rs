use domain::value_objects::{KeyId, SecretHash};

/// Makes API keys and checks those that callers send.
///
/// A key is `ut_<id>_<secret>`. The id has 12 letters and digits. Of the 49 of the secret the first 43 encode 256
/// random bits in base62, and the last 6 the CRC-32 of everything before them, by which a mistyped key is refused
/// without a look-up and leaked keys are found by scanners.
pub trait KeySecrets: Send + Sync {
    /// Makes a key of a new id and a new secret from the system's source of random numbers.
    fn generate(&self) -> NewKey;

    /// Returns the parts of a key as it was sent; none where its form or checksum is wrong.
    fn parse(&self, sent: &str) -> Option<SentKey>;

    /// Returns whether the hashes are equal, in constant time.
    fn matches(&self, sent: &SecretHash, stored: &SecretHash) -> bool;
}

/// A key at the only moment at which its secret is known.
pub struct NewKey {
    /// The public part.
    pub id: KeyId,
    /// The whole key, to be shown once.
    pub secret: SecretText,
    /// Its hash, to be stored.
    pub hash: SecretHash,
}

/// A key that a caller sent.
pub struct SentKey {
    /// The public part.
    pub id: KeyId,
    /// The hash of the whole key.
    pub hash: SecretHash,
}

/// A secret that `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// Returns the secret, to verify it or to show it to the person who asked for it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("***")
    }
}
