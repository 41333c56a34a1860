use std::fmt;

use schemars::JsonSchema;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The secret of tokens: `***` in `Debug` and when it is serialized.
#[derive(Clone, PartialEq, Eq, JsonSchema)]
pub struct JwtSecret(String);

impl JwtSecret {
    /// The secret of these bytes.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

const REDACTED: &str = "***";

impl fmt::Debug for JwtSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(REDACTED)
    }
}

impl Serialize for JwtSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

/// A secret that the configuration reads as a number is refused without being in the message.
impl<'de> Deserialize<'de> for JwtSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = JwtSecret;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<JwtSecret, E> {
        Ok(JwtSecret::new(text))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<JwtSecret, E> {
        Err(not_a_text())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<JwtSecret, E> {
        Err(not_a_text())
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<JwtSecret, E> {
        Err(not_a_text())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<JwtSecret, E> {
        Err(not_a_text())
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<JwtSecret, E> {
        Err(not_a_text())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<JwtSecret, E> {
        Err(not_a_text())
    }
}

fn not_a_text<E: Error>() -> E {
    E::custom("must be a text; write it in quotation marks")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_redacted_in_debug_when_serialized_and_in_errors() {
        let secret = JwtSecret::new("s3cret");
        assert_eq!(format!("{:?}", Some(&secret)), "Some(***)");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"***\"");
        assert_eq!(serde_json::from_str::<JwtSecret>("\"s3cret\"").unwrap(), secret);
        for number in ["123456", "-123456", "123456.5", "123456123456123456123456"] {
            let error = serde_json::from_str::<JwtSecret>(number).unwrap_err().to_string();
            assert!(error.contains("quotation marks") && !error.contains("123456"), "{error}");
        }
    }
}
