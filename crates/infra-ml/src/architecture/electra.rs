use serde::Deserialize;

use super::Activation;
use super::bert::BertKeys;
use super::bert_like::{BertLike, Names};
use super::config_file::ConfigFile;
use crate::load_error::ConfigError;

#[derive(Deserialize)]
struct ElectraKeys {
    #[serde(default = "embedding_size")]
    embedding_size: usize,
}

fn embedding_size() -> usize {
    128
}

const NAMES: Names =
    &[("base.", "electra."), ("head.dense", "classifier.dense"), ("head.output", "classifier.out_proj")];

/// `ElectraForSequenceClassification`: its embeddings may be narrower than its encoder, and its head has a GELU.
pub(super) fn read(config: &ConfigFile) -> Result<BertLike, ConfigError> {
    let encoder = BertKeys::read(config)?;
    let ElectraKeys { embedding_size } = config.parse()?;
    config.check_sizes(&[("embedding_size", embedding_size)])?;
    Ok(BertLike {
        embedding: embedding_size,
        encoder,
        first_position: 0,
        has_types: true,
        head: Activation::Gelu,
        names: NAMES,
    })
}
