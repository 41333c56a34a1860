use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Activation;
use crate::load_error::ConfigError;

/// A `config.json`, whose keys mean what its architecture says.
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

    /// The keys that `T` asks for.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        T::deserialize(&self.json).map_err(|source| ConfigError::Keys { path: self.path.clone(), source })
    }

    /// The error that `key` has a `value` where `expected`.
    pub(crate) fn refuse(
        &self,
        key: &'static str,
        value: &dyn ToString,
        expected: impl Into<String>,
    ) -> ConfigError {
        let (path, value, expected) = (self.path.clone(), value.to_string(), expected.into());
        ConfigError::Value { path, key, value, expected }
    }

    /// Refuses the first of `sizes` that is 0.
    pub(crate) fn check_sizes(&self, sizes: &[(&'static str, usize)]) -> Result<(), ConfigError> {
        match sizes.iter().find(|(_, size)| *size == 0) {
            Some((key, size)) => Err(self.refuse(key, size, "it must be at least 1")),
            None => Ok(()),
        }
    }

    /// Refuses more positions than `most` where no tensor would tell that they are too many.
    pub(crate) fn check_positions(&self, positions: usize, most: usize) -> Result<(), ConfigError> {
        if positions <= most {
            return Ok(());
        }
        Err(self.refuse("max_position_embeddings", &positions, format!("at most {most} are supported here")))
    }

    /// Refuses `heads`, the value of `key`, where they do not divide `hidden`, the value of another.
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

    /// The activation that `key` has the `name` of.
    pub(crate) fn activation(&self, key: &'static str, name: &str) -> Result<Activation, ConfigError> {
        let expected = "gelu, gelu_new, relu and tanh are supported";
        Activation::parse(name).ok_or_else(|| self.refuse(key, &name, expected))
    }

    /// Refuses an epsilon of a layer norm that is not above 0.
    pub(crate) fn check_epsilon(&self, key: &'static str, epsilon: f64) -> Result<(), ConfigError> {
        if epsilon > 0.0 && epsilon.is_finite() {
            Ok(())
        } else {
            Err(self.refuse(key, &epsilon, "it must be above 0"))
        }
    }
}
