use std::fmt;

use infra_local::HmacAuditSealer;
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// The list of who changed what.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AuditSettings {
    /// Seals the lines of the audit, so that `undertone audit verify` detects lines that were changed or removed in the
    /// database: at least 32 bytes, the same on every replica and for the commands. Without it lines have no seal.
    #[schemars(with = "Option<String>", extend("values" = "secret"))]
    pub(crate) key: Option<AuditKey>,
}

impl AuditSettings {
    /// Checks what the types do not check.
    ///
    /// # Errors
    /// A key that is too short.
    pub(super) fn validate(&self) -> Result<(), String> {
        let least = HmacAuditSealer::MIN_KEY_BYTES;
        match self.key.as_ref().map(|key| key.expose().len()) {
            Some(bytes) if bytes < least => Err(format!("key must have at least {least} bytes, not {bytes}")),
            _ => Ok(()),
        }
    }
}

/// The key of the audit's seals: `***` in `Debug` and when it is serialized.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AuditKey(String);

impl AuditKey {
    /// Returns the bytes, for the sealer only.
    pub(crate) fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

const REDACTED: &str = "***";

impl fmt::Debug for AuditKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(REDACTED)
    }
}

impl Serialize for AuditKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

/// A key that the configuration reads as a number is refused without being in the message.
impl<'de> Deserialize<'de> for AuditKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer) {
            Ok(Value::String(key)) => Ok(Self(key)),
            Ok(_) | Err(_) => Err(D::Error::custom("must be a text; write it in quotation marks")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_redacted_in_debug_when_serialized_and_in_errors() {
        let key: AuditKey = serde_json::from_str("\"s3cret\"").unwrap();
        assert_eq!((key.expose(), format!("{key:?}")), (&b"s3cret"[..], "***".to_owned()));
        assert_eq!(serde_json::to_string(&key).unwrap(), "\"***\"");
        for number in ["123456", "-123456", "123456.5", "123456123456123456123456123456", "[123456]"] {
            let error = serde_json::from_str::<AuditKey>(number).unwrap_err().to_string();
            assert!(error.contains("quotation marks") && !error.contains("123456"), "{error}");
        }
    }
}
