use figment::providers::Format;
use serde::de::DeserializeOwned;

/// TOML 1.1, by the current release of its library. Figment's own format uses an older one, which also compiles
/// `toml_edit`.
pub(super) struct Toml;

impl Format for Toml {
    type Error = toml::de::Error;

    const NAME: &'static str = "TOML";

    fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, toml::de::Error> {
        toml::from_str(text)
    }
}
