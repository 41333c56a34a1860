//! The seals of the audit: a sealer for tests, and a check of a chain that is independent of the program's own.

use application::ports::AuditSealer;
use domain::value_objects::{AuditLine, Seal};

/// Seals with a hash instead of an HMAC: four times FNV-1a of 64 bits, each from another start.
#[derive(Debug, Clone, Copy, Default)]
pub struct TestSealer;

impl AuditSealer for TestSealer {
    fn seal(&self, bytes: &[u8]) -> Seal {
        let mut seal = [0; 32];
        for (lane, part) in (1_u64..).zip(seal.chunks_exact_mut(8)) {
            let start = 0xcbf2_9ce4_8422_2325_u64.wrapping_mul(2 * lane + 1);
            let hash = bytes
                .iter()
                .fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
            part.copy_from_slice(&hash.to_be_bytes());
        }
        seal
    }
}

/// Checks that `lines`, oldest first, are numbered from 1 without gaps, and that each that is sealed has the seal that
/// [`TestSealer`] gives it.
///
/// # Errors
/// The number of the first line that is wrong.
pub fn check_chain(lines: &[AuditLine]) -> Result<(), i64> {
    let mut previous = Seal::default();
    for (number, line) in (1..).zip(lines) {
        let expected = TestSealer.seal(&line.entry.sealed_bytes(number, &previous));
        if line.seq != number || line.seal.is_some_and(|seal| seal != expected) {
            return Err(line.seq);
        }
        previous = line.seal.unwrap_or_default();
    }
    Ok(())
}

/// Ways to forge the lines 1 to 6, as SQL that both stores understand, and the number of the first line whose seal or
/// number is wrong afterwards.
pub const FORGERIES: [(&str, i64); 8] = [
    ("UPDATE audit SET actor = 'forged' WHERE seq = 3", 3),
    ("UPDATE audit SET tenant = NULL WHERE seq = 2", 2),
    ("UPDATE audit SET detail = '' WHERE seq = 4", 4),
    ("UPDATE audit SET seal = (SELECT seal FROM audit WHERE seq = 4) WHERE seq = 5", 5),
    ("DELETE FROM audit WHERE seq = 3", 4),
    ("DELETE FROM audit WHERE seq = 1", 2),
    // Lines 3 and 4 change their places.
    (
        "UPDATE audit SET seq = 9 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; \
      UPDATE audit SET seq = 4 WHERE seq = 9",
        3,
    ),
    // Line 3 is removed, and those after it move up.
    (
        "DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; \
      UPDATE audit SET seq = 4 WHERE seq = 5; UPDATE audit SET seq = 5 WHERE seq = 6",
        3,
    ),
];
