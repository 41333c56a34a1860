use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The arithmetic of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// On CUDA the first of `f16`, `bf16` and `f32` that works. On the CPU `int8` where that is faster and the model's
    /// `reference.json` or built-in texts show that it is accurate enough, else `f32`.
    #[default]
    Auto,
    /// 32 bits.
    F32,
    /// 8-bit integers for weights and activations, on the CPU only.
    Int8,
    /// 16 bits, on CUDA only.
    F16,
    /// 16 bits with the range of 32, on CUDA only.
    Bf16,
}

impl Precision {
    /// The name in the configuration and in `/api/v1/models`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::F32 => "f32",
            Self::Int8 => "int8",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::Auto, Self::F32, Self::Int8, Self::F16, Self::Bf16]
            .into_iter()
            .find(|precision| precision.as_str() == name)
            .ok_or_else(|| format!("there is no precision {name:?}; use auto, f32, int8, f16 or bf16"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_precision_is_parsed_from_its_name() {
        for precision in [Precision::Auto, Precision::F32, Precision::Int8, Precision::F16, Precision::Bf16] {
            assert_eq!(precision.to_string().parse(), Ok(precision));
            assert_eq!(serde_json::to_value(precision).unwrap(), precision.as_str());
        }
    }

    #[test]
    fn an_unknown_precision_is_refused_with_those_that_exist() {
        let error = "f64".parse::<Precision>().unwrap_err();
        assert!(error.contains("\"f64\"") && error.contains("bf16"), "{error}");
    }
}
