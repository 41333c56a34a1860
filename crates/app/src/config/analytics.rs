use domain::value_objects::Dimensions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What predictions are counted by.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AnalyticsSettings {
    /// Up to two metadata keys by whose values predictions are counted, such as `["channel", "product"]`: the same on
    /// every replica. Of each key 200 values a day are counted apart, and further ones together. After a change,
    /// `undertone analytics rebuild --all` counts the stored predictions by the new keys.
    #[schemars(length(max = 2))]
    pub(crate) dimensions: Vec<String>,
}

impl AnalyticsSettings {
    /// Checks what the types do not check.
    ///
    /// # Errors
    /// More than two keys, one twice, or one that metadata cannot have.
    pub(super) fn validate(&self) -> Result<(), String> {
        Dimensions::try_new(self.dimensions.clone()).map(drop).map_err(|error| error.to_string())
    }

    /// Returns the keys; none where they are not valid, which is refused with the settings.
    pub(crate) fn dimensions(&self) -> Dimensions {
        Dimensions::try_new(self.dimensions.clone()).unwrap_or_default()
    }
}
