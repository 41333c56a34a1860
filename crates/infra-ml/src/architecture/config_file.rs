use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::activation::Activation;
use crate::load_error::ConfigError;

/// A `config.json`: the keys depend on the architecture.
pub(crate) struct ConfigFile {
    path: PathBuf,
    json: Value,
}

impl ConfigFile {
    pub(crate) fn new(path: PathBuf, keys: Map<String, Value>) -> Self {
        Self { path, json: Value::Object(keys) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The names under `architectures`.
    pub(crate) fn architectures(&self) -> Vec<String> {
        let names = self.json.get("architectures").and_then(Value::as_array).into_iter().flatten();
        names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
    }

    /// Deserializes the keys of `T`.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        T::deserialize(&self.json).map_err(|source| ConfigError::Keys { path: self.path.clone(), source })
    }

    /// Returns the error for a `value` of `key` that does not meet `expected`, the rule in words.
    pub(crate) fn refuse(
        &self,
        key: &'static str,
        value: &dyn ToString,
        expected: impl Into<String>,
    ) -> ConfigError {
        let (path, value, expected) = (self.path.clone(), value.to_string(), expected.into());
        ConfigError::Value { path, key, value, expected }
    }

    /// Checks that none of `sizes`, by key, is 0.
    pub(crate) fn check_sizes(&self, sizes: &[(&'static str, usize)]) -> Result<(), ConfigError> {
        match sizes.iter().find(|(_, size)| *size == 0) {
            Some((key, size)) => Err(self.refuse(key, size, "it must be at least 1")),
            None => Ok(()),
        }
    }

    /// Checks `max_position_embeddings` where no tensor has that many rows, so that no shape limits it.
    pub(crate) fn check_positions(&self, positions: usize, max: usize) -> Result<(), ConfigError> {
        if positions <= max {
            return Ok(());
        }
        Err(self.refuse("max_position_embeddings", &positions, format!("at most {max} are supported here")))
    }

    /// Checks that `heads`, the value of `key`, divide the hidden size.
    pub(crate) fn check_heads(
        &self,
        key: &'static str,
        heads: usize,
        hidden: usize,
    ) -> Result<(), ConfigError> {
        if hidden.is_multiple_of(heads) {
            Ok(())
        } else {
            Err(self.refuse(key, &heads, format!("it must divide the hidden size of {hidden}")))
        }
    }

    /// Parses the activation `name`, the value of `key`.
    pub(crate) fn activation(&self, key: &'static str, name: &str) -> Result<Activation, ConfigError> {
        let expected = "gelu, gelu_new, relu and tanh are supported";
        Activation::parse(name).ok_or_else(|| self.refuse(key, &name, expected))
    }

    /// Checks that the epsilon of a layer norm, the value of `key`, is above 0.
    pub(crate) fn check_epsilon(&self, key: &'static str, epsilon: f64) -> Result<(), ConfigError> {
        if epsilon > 0.0 && epsilon.is_finite() {
            Ok(())
        } else {
            Err(self.refuse(key, &epsilon, "it must be above 0"))
        }
    }
}
