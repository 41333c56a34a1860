use serde::Deserialize;

use super::activation::Activation;
use super::bert;
use super::bert_like::{BertLike, TensorNames};
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

const NAMES: TensorNames =
    &[("base.", "electra."), ("head.dense", "classifier.dense"), ("head.output", "classifier.out_proj")];

/// Reads `ElectraForSequenceClassification`, whose embeddings may be narrower than its encoder, with a GELU in its
/// head.
pub(super) fn read(config: &ConfigFile) -> Result<BertLike, ConfigError> {
    let bert = bert::read(config)?;
    let ElectraKeys { embedding_size } = config.parse()?;
    config.check_sizes(&[("embedding_size", embedding_size)])?;
    Ok(BertLike { embedding: embedding_size, head: Activation::Gelu, names: NAMES, ..bert })
}
