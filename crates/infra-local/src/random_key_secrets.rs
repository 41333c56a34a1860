use application::ports::{KeySecrets, NewKey, SecretText, SentKey};
use domain::value_objects::{KeyId, SecretHash};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::base62;

/// Makes keys from the system's source of random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomKeySecrets;

/// What every key begins with.
const PREFIX: &str = "ut_";
/// The characters of 256 bits.
const SECRET_CHARS: usize = 43;
/// The characters of a CRC-32.
const CHECKSUM_CHARS: usize = 6;
/// The characters of a key.
const CHARS: usize = PREFIX.len() + KeyId::CHARS + 1 + SECRET_CHARS + CHECKSUM_CHARS;

impl KeySecrets for RandomKeySecrets {
    fn generate(&self) -> NewKey {
        loop {
            let mut key = String::with_capacity(CHARS);
            key.push_str(PREFIX);
            push_random_id(&mut key);
            key.push('_');
            base62::push(&mut key, random::<32>(), SECRET_CHARS);
            let checksum = checksum(&key);
            key.push_str(&checksum);
            // What was made here always has the form of a key.
            if let Some(SentKey { id, hash }) = self.parse(&key) {
                return NewKey { id, secret: SecretText::new(key), hash };
            }
        }
    }

    fn parse(&self, sent: &str) -> Option<SentKey> {
        if sent.len() != CHARS || !sent.is_ascii() {
            return None;
        }
        let (id, secret) = sent.strip_prefix(PREFIX)?.split_at(KeyId::CHARS);
        let secret = secret.strip_prefix('_')?;
        let (checked, sum) = sent.split_at(CHARS - CHECKSUM_CHARS);
        if !secret.bytes().all(|byte| byte.is_ascii_alphanumeric()) || checksum(checked) != sum {
            return None;
        }
        let id = KeyId::parse("key", id).ok()?;
        Some(SentKey { id, hash: SecretHash::from_bytes(Sha256::digest(sent).into()) })
    }

    fn matches(&self, sent: &SecretHash, stored: &SecretHash) -> bool {
        sent.as_bytes().ct_eq(stored.as_bytes()).into()
    }
}

/// The CRC-32 of `text`, as a key ends with it.
fn checksum(text: &str) -> String {
    let mut sum = String::with_capacity(CHECKSUM_CHARS);
    base62::push(&mut sum, crc32fast::hash(text.as_bytes()).to_be_bytes(), CHECKSUM_CHARS);
    sum
}

/// Appends letters and digits, each equally likely.
fn push_random_id(text: &mut String) {
    /// The largest multiple of 62 that a byte can hold: the bytes from it on would favor the first digits.
    const FAIR: u8 = 248;
    let end = text.len() + KeyId::CHARS;
    while text.len() < end {
        let fair = random::<32>().into_iter().filter(|byte| *byte < FAIR);
        let digits = fair.map(|byte| char::from(base62::DIGITS[usize::from(byte % 62)]));
        text.extend(digits.take(end - text.len()));
    }
}

/// Returns random bytes.
///
/// # Panics
/// A system without random numbers: a key that can be guessed must not be issued.
fn random<const BYTES: usize>() -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    match getrandom::fill(&mut bytes) {
        Ok(()) => bytes,
        Err(error) => panic!("the system's source of random numbers failed: {error}"),
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test may panic")]
mod tests {
    use std::collections::{HashMap, HashSet};

    use proptest::prelude::*;

    use super::*;

    /// A key whose parts are known: its checksum is part of the public format.
    const KNOWN: &str = "ut_0123456789AB_0000000000000000000000000000000000000000000";

    #[test]
    fn a_key_is_parsed_as_it_was_made() {
        for _ in 0..1_000 {
            let made = RandomKeySecrets.generate();
            let text = made.secret.expose();
            assert_eq!((text.len(), &text[..3], &text[15..16]), (CHARS, PREFIX, "_"));
            let parsed = RandomKeySecrets.parse(text).expect("a key");
            assert_eq!((parsed.id, parsed.hash), (made.id, made.hash));
            assert_eq!(made.hash.as_bytes()[..], Sha256::digest(text)[..]);
        }
    }

    #[test]
    fn the_checksum_is_the_crc_32_of_what_is_before_it_in_base62() {
        let mut known = KNOWN.to_owned();
        base62::push(&mut known, crc32fast::hash(KNOWN.as_bytes()).to_be_bytes(), 6);
        assert_eq!(RandomKeySecrets.parse(&known).expect("a key").id.as_str(), "0123456789AB");
    }

    #[test]
    fn keys_are_unique_and_their_characters_equally_likely() {
        let keys: Vec<_> = (0..2_000).map(|_| RandomKeySecrets.generate()).collect();
        let ids: HashSet<_> = keys.iter().map(|key| key.id.as_str()).collect();
        let secrets: HashSet<_> = keys.iter().map(|key| &key.secret.expose()[16..]).collect();
        assert_eq!((ids.len(), secrets.len()), (keys.len(), keys.len()));
        let mut counts = HashMap::new();
        ids.iter().flat_map(|id| id.bytes()).for_each(|digit| *counts.entry(digit).or_insert(0) += 1);
        // 24,000 characters: 387 of each are expected, with a standard deviation of 20.
        let least = counts.values().min().copied();
        assert!(counts.len() == 62 && least > Some(250), "{counts:?}");
    }

    #[test]
    fn other_texts_are_refused() {
        let key = RandomKeySecrets.generate().secret.expose().to_owned();
        let (head, tail) = key.split_at(20);
        let bad = [
            String::new(),
            key.to_uppercase(),
            key[1..].to_owned(),
            format!("{key}0"),
            format!(" {key}"),
            key.replacen("ut_", "UT_", 1),
            format!("{head}_{}", &tail[1..]),
            format!("{head}\u{e9}{}", &tail[2..]),
            "\u{20ac}".repeat(CHARS / 3),
            "ut_".repeat(10_000_000),
        ];
        for bad in bad {
            assert!(RandomKeySecrets.parse(&bad).is_none(), "{bad:.100} was accepted");
        }
    }

    #[test]
    fn only_equal_hashes_match() {
        let [one, other] = [1, 2].map(|byte| SecretHash::from_bytes([byte; 32]));
        assert!(RandomKeySecrets.matches(&one, &one));
        assert!(!RandomKeySecrets.matches(&one, &other));
    }

    proptest! {
        #[test]
        fn a_mistyped_key_is_refused(place in 0..CHARS, typed in "[ -~]") {
            let key = RandomKeySecrets.generate().secret.expose().to_owned();
            let mistyped = format!("{}{typed}{}", &key[..place], &key[place + 1..]);
            prop_assert_eq!(RandomKeySecrets.parse(&mistyped).is_some(), mistyped == key);
        }

        #[test]
        fn any_text_is_parsed_without_a_panic(text in "(ut_)?.{0,70}") {
            prop_assert!(RandomKeySecrets.parse(&text).is_none());
        }
    }
}
