use std::fmt;

use domain::errors::{DomainError, Rule};
use domain::value_objects::PredictionId;

use crate::ports::PredictionFilter;

/// Where a page ended, bound to the filter of the list. Opaque to clients: 48 hexadecimal digits, of which 32 are the
/// id of the page's last row and 16 a fingerprint of the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    after: PredictionId,
    fingerprint: u64,
}

impl Cursor {
    /// The cursor after the row `last` of a page made with `filter`.
    pub fn after_row(last: PredictionId, filter: &PredictionFilter) -> Self {
        Self { after: last, fingerprint: fingerprint(filter) }
    }

    /// Parses a cursor and checks that it belongs to `filter`.
    ///
    /// # Errors
    /// [`Rule::Malformed`] for the field `cursor` if it is no cursor, or was made with another filter.
    pub fn parse(text: &str, filter: &PredictionFilter) -> Result<Self, DomainError> {
        let refuse = |expected| DomainError::violation("cursor", Rule::Malformed { expected });
        let digits = text.len() == 48 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let parts = digits.then(|| text.split_at(32));
        let (after, print) = parts
            .and_then(|(id, print)| {
                Some((u128::from_str_radix(id, 16).ok()?, u64::from_str_radix(print, 16).ok()?))
            })
            .ok_or_else(|| refuse("the next_cursor of a previous page"))?;
        if print != fingerprint(filter) {
            return Err(refuse("used with the filters of the page that returned it"));
        }
        Ok(Self { after: PredictionId::from_u128(after), fingerprint: print })
    }

    /// The last row of the previous page.
    pub fn after(self) -> PredictionId {
        self.after
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:032x}{:016x}", self.after.as_u128(), self.fingerprint)
    }
}

/// FNV-1a (64 bits) over the filter's conditions, each under its name.
fn fingerprint(filter: &PredictionFilter) -> u64 {
    let PredictionFilter { sentiment, model, reference, from, to, min_confidence, max_confidence, terms } =
        filter;
    let mut print = Fingerprint(0xcbf2_9ce4_8422_2325);
    print.add("sentiment", sentiment.map(|value| value.as_str().to_owned()));
    print.add("model", model.clone());
    print.add("ref", reference.as_ref().map(|value| value.as_str().to_owned()));
    print.add("from", from.map(|value| value.as_micros().to_string()));
    print.add("to", to.map(|value| value.as_micros().to_string()));
    print.add("min_confidence", min_confidence.map(|value| value.value().to_bits().to_string()));
    print.add("max_confidence", max_confidence.map(|value| value.value().to_bits().to_string()));
    for term in terms {
        print.add("q", Some(term.clone()));
    }
    print.0
}

struct Fingerprint(u64);

impl Fingerprint {
    fn add(&mut self, name: &str, value: Option<String>) {
        let Some(value) = value else { return };
        for byte in name.bytes().chain([0]).chain(value.bytes()).chain([0]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_only_valid_with_its_own_filter() {
        let filter = PredictionFilter { model: Some("m".into()), ..PredictionFilter::default() };
        let cursor = Cursor::after_row(PredictionId::from_u128(7), &filter);
        assert_eq!(Cursor::parse(&cursor.to_string(), &filter), Ok(cursor));
        assert!(Cursor::parse(&cursor.to_string(), &PredictionFilter::default()).is_err());
    }

    #[test]
    fn malformed_cursors_are_refused() {
        for bad in ["", "x", "+", &"0".repeat(47), &"g".repeat(48), &"é".repeat(24)] {
            assert!(Cursor::parse(bad, &PredictionFilter::default()).is_err(), "{bad} was accepted");
        }
    }
}
