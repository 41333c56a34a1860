use std::path::PathBuf;

/// A `config.json` that is of no served model.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The architecture is not served.
    #[error(
        "{} names the architecture {found}, which is not served; the folder must hold a classifier, one of {supported}",
        path.display()
    )]
    Architecture {
        /// The file.
        path: PathBuf,
        /// The architectures that it names.
        found: String,
        /// Those that are served.
        supported: String,
    },
    /// A key that the architecture needs is missing or of another type.
    #[error("{} does not have the keys of its architecture; fetch the file again", path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// Which key, and why.
        #[source]
        source: serde_json::Error,
    },
    /// A value is not supported or makes no sense.
    #[error("{} has {key} = {value}; {expected}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is expected.
        expected: String,
    },
}
