use serde::Deserialize;

use super::config_file::ConfigFile;
use crate::load_error::ConfigError;

/// The sizes, under the keys that all architectures but DistilBERT share.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Sizes {
    #[serde(rename = "vocab_size")]
    pub(crate) vocabulary: usize,
    #[serde(rename = "hidden_size")]
    pub(crate) hidden: usize,
    #[serde(rename = "num_hidden_layers")]
    pub(crate) layers: usize,
    #[serde(rename = "num_attention_heads")]
    pub(crate) heads: usize,
    #[serde(rename = "intermediate_size")]
    pub(crate) intermediate: usize,
    #[serde(rename = "max_position_embeddings")]
    pub(crate) positions: usize,
}

impl Sizes {
    pub(super) fn read(config: &ConfigFile) -> Result<Self, ConfigError> {
        let sizes: Self = config.parse()?;
        config.check_sizes(&[
            ("vocab_size", sizes.vocabulary),
            ("hidden_size", sizes.hidden),
            ("num_hidden_layers", sizes.layers),
            ("num_attention_heads", sizes.heads),
            ("intermediate_size", sizes.intermediate),
            ("max_position_embeddings", sizes.positions),
        ])?;
        config.check_heads("num_attention_heads", sizes.heads, sizes.hidden)?;
        Ok(sizes)
    }

    /// The width of an attention head.
    pub(crate) fn head_dim(&self) -> usize {
        self.hidden / self.heads
    }
}
