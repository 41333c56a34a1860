use std::fmt::Write;

use sha2::{Digest, Sha256};

/// Returns the SHA-256 of `content` in lower-case hexadecimal digits.
pub(crate) fn sha256(content: &[u8]) -> String {
    let mut digits = String::with_capacity(64);
    for byte in Sha256::digest(content) {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
