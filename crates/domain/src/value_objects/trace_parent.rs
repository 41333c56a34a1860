use std::fmt;

/// The position of a request in a distributed trace: the header `traceparent` of W3C Trace Context, version 00.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceParent(String);

impl TraceParent {
    /// Parses `00-<trace id: 32 hex>-<parent id: 16 hex>-<flags: 2 hex>`, in lower case, ids not all zero. None for
    /// anything else: the standard asks receivers to ignore what they cannot parse.
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let mut part = |digits: usize| {
            let part = parts.next()?;
            let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            (part.len() == digits && part.bytes().all(is_hex)).then_some(part)
        };
        let (version, trace, parent, _flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        let is_zero = |id: &str| id.bytes().all(|byte| byte == b'0');
        if version != "00" || is_zero(trace) || is_zero(parent) || parts.next().is_some() {
            return None;
        }
        Some(Self(header.to_owned()))
    }

    /// Returns the header's value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_form_of_the_standard_is_accepted() {
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(TraceParent::parse(header).as_ref().map(TraceParent::as_str), Some(header));
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-00",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b77-01",
        ] {
            assert_eq!(TraceParent::parse(bad), None, "{bad}");
        }
    }
}
