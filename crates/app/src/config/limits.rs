use serde::{Deserialize, Serialize};

/// How much a request may bring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "users write limits.max_chars")]
pub(crate) struct LimitsSettings {
    pub(crate) max_chars: usize,
    pub(crate) max_body_bytes: usize,
    pub(crate) max_batch_body_bytes: usize,
}

/// The longest text that can be allowed: the terms of a longer one may not fit a PostgreSQL `tsvector` (1 MiB).
const MOST_CHARS: usize = 200_000;

impl Default for LimitsSettings {
    fn default() -> Self {
        Self { max_chars: 10_000, max_body_bytes: 1 << 20, max_batch_body_bytes: 8 << 20 }
    }
}

impl LimitsSettings {
    pub(super) fn validate(&self, max_body_memory: usize) -> Result<(), String> {
        if !(1..=MOST_CHARS).contains(&self.max_chars) {
            return Err(format!("limits.max_chars must be from 1 to {MOST_CHARS}, not {}", self.max_chars));
        }
        for (key, value) in [
            ("limits.max_body_bytes", self.max_body_bytes),
            ("limits.max_batch_body_bytes", self.max_batch_body_bytes),
        ] {
            if !(1_024..=1 << 30).contains(&value) {
                return Err(format!("{key} must be from 1024 to 1073741824, not {value}"));
            }
            if value > max_body_memory {
                return Err(format!(
                    "server.max_body_memory must be at least {key}, which is {value}, not {max_body_memory}"
                ));
            }
        }
        Ok(())
    }
}
