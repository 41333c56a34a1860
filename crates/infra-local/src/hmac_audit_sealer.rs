use application::ports::AuditSealer;
use domain::value_objects::Seal;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Seals with HMAC-SHA-256 (RFC 2104) under a configured key.
#[derive(Clone)]
pub struct HmacAuditSealer {
    /// The state after the key.
    keyed: Hmac<Sha256>,
}

/// A key that is too short to be safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key has {actual} bytes, which must be at least {}", HmacAuditSealer::MIN_KEY_BYTES)]
pub struct ShortKey {
    /// Its number of bytes.
    actual: usize,
}

impl HmacAuditSealer {
    /// The least number of bytes of a key: as many as a seal has.
    pub const MIN_KEY_BYTES: usize = 32;

    /// Makes a sealer with `key`.
    ///
    /// # Errors
    /// A key of less than [`Self::MIN_KEY_BYTES`].
    pub fn new(key: &[u8]) -> Result<Self, ShortKey> {
        let short = ShortKey { actual: key.len() };
        if key.len() < Self::MIN_KEY_BYTES {
            return Err(short);
        }
        // HMAC accepts a key of any length.
        Hmac::new_from_slice(key).map(|keyed| Self { keyed }).map_err(|_| short)
    }
}

impl AuditSealer for HmacAuditSealer {
    fn seal(&self, bytes: &[u8]) -> Seal {
        self.keyed.clone().chain_update(bytes).finalize().into_bytes().into()
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_the_hmac_sha_256_of_the_bytes() {
        // Test case 6 of RFC 4231, section 4.7: a key of 131 bytes.
        let sealer = HmacAuditSealer::new(&[0xaa; 131]).expect("a long key");
        let seal = sealer.seal(b"Test Using Larger Than Block-Size Key - Hash Key First");
        let expected = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
        assert_eq!(seal.map(|byte| format!("{byte:02x}")).concat(), expected);
    }

    #[test]
    fn a_short_key_is_refused() {
        assert!(HmacAuditSealer::new(&[7; 32]).is_ok());
        let error = HmacAuditSealer::new(&[7; 31]).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("the key has 31 bytes, which must be at least 32"));
    }
}
