use application::errors::BoxError;
use tokenizers::normalizers::Precompiled;

/// No character or cluster becomes a longer text than this, in bytes; that of the published models is 33.
const MOST_REPLACEMENT: usize = 1_024;

/// Parses a normalization table of SentencePiece: the length of a double array in bytes, the double array (of u32,
/// little-endian), and texts that end in NUL.
///
/// # Errors
/// If a lookup could leave the double array or the texts, which the library does not check.
pub(super) fn parse(bytes: &[u8]) -> Result<Precompiled, BoxError> {
    let (size, rest) = bytes.split_first_chunk().ok_or("the normalization table is too short")?;
    let size = u32::from_le_bytes(*size) as usize / 4 * 4;
    let (trie, texts) = rest.split_at_checked(size).ok_or("the normalization table is too short")?;
    let units = trie.as_chunks().0.iter().map(|unit| u32::from_le_bytes(*unit)).collect();
    let texts = std::str::from_utf8(texts)?;
    Trie { units, texts }.check()?;
    Precompiled::from(bytes).map_err(Into::into)
}

struct Trie<'a> {
    units: Vec<u32>,
    texts: &'a str,
}

impl Trie<'_> {
    /// Checks the units that a lookup can use: the children of each, one for each byte, and its replacement exist.
    fn check(&self) -> Result<(), BoxError> {
        if self.units.is_empty() {
            return Err("the normalization table is empty".into());
        }
        for (place, unit) in self.units.iter().enumerate().filter(|(_, unit)| *unit & IS_VALUE == 0) {
            let children = place ^ offset(*unit);
            if children | 0xFF >= self.units.len() {
                return Err("the normalization table leads outside itself".into());
            }
            if unit & HAS_VALUE != 0 {
                self.check_replacement((self.units[children] & !IS_VALUE) as usize)?;
            }
        }
        Ok(())
    }

    /// Checks that a text begins at `start`.
    fn check_replacement(&self, start: usize) -> Result<(), BoxError> {
        let text = self.texts.get(start..).ok_or("a replacement is outside the texts")?;
        match text.bytes().take(MOST_REPLACEMENT + 1).position(|byte| byte == 0).unwrap_or(text.len()) {
            0..=MOST_REPLACEMENT => Ok(()),
            _ => Err("a replacement is too long".into()),
        }
    }
}

/// Marks a unit that is a value; no byte leads to it.
const IS_VALUE: u32 = 1 << 31;
/// Marks a unit whose first child is a value.
const HAS_VALUE: u32 = 1 << 8;

/// Where a unit's children are, relative to its place.
fn offset(unit: u32) -> usize {
    ((unit >> 10) as usize) << ((unit & 1 << 9) >> 6)
}
