use std::sync::atomic::{AtomicU64, Ordering};

use application::ports::{KeySecrets, NewKey, SecretText, SentKey};
use domain::value_objects::{KeyId, SecretHash};

/// Makes keys in a sequence, whose hash is a simple function of their text.
#[derive(Debug, Default)]
pub struct PlainKeySecrets {
    issued: AtomicU64,
}

impl PlainKeySecrets {
    /// A new sequence.
    pub fn new() -> Self {
        Self::default()
    }

    /// A key of the form of real ones.
    pub fn key(number: u64) -> String {
        format!("ut_{number:012}_{number:049}")
    }
}

impl KeySecrets for PlainKeySecrets {
    fn generate(&self) -> NewKey {
        let key = Self::key(self.issued.fetch_add(1, Ordering::Relaxed) + 1);
        let SentKey { id, hash } = self.parse(&key).expect("a key");
        NewKey { id, secret: SecretText::new(key), hash }
    }

    fn parse(&self, sent: &str) -> Option<SentKey> {
        let (id, secret) = sent.strip_prefix("ut_")?.split_once('_')?;
        let id = KeyId::parse("key", id).ok().filter(|_| secret.len() == 49)?;
        let mut hash = [0_u8; 32];
        for (place, byte) in sent.bytes().enumerate() {
            hash[place % 32] = hash[place % 32].wrapping_mul(31).wrapping_add(byte);
        }
        Some(SentKey { id, hash: SecretHash::from_bytes(hash) })
    }

    fn matches(&self, sent: &SecretHash, stored: &SecretHash) -> bool {
        sent == stored
    }
}
