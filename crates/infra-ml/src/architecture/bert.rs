use serde::Deserialize;

use super::activation::Activation;
use super::bert_like::{BertLike, TensorNames};
use super::config_file::ConfigFile;
use super::sizes::Sizes;
use crate::load_error::ConfigError;

/// The keys of BERT's `config.json` besides the sizes, with the defaults of transformers.
#[derive(Deserialize)]
struct Keys {
    #[serde(default = "two")]
    type_vocab_size: usize,
    #[serde(default = "gelu")]
    hidden_act: String,
    #[serde(default = "layer_norm_eps")]
    layer_norm_eps: f64,
    position_embedding_type: Option<String>,
}

fn two() -> usize {
    2
}

fn gelu() -> String {
    "gelu".to_owned()
}

fn layer_norm_eps() -> f64 {
    1e-12
}

const NAMES: TensorNames =
    &[("base.", "bert."), ("head.dense", "bert.pooler.dense"), ("head.output", "classifier")];

/// Reads `BertForSequenceClassification`, whose pooler is the first layer of the head. RoBERTa and ELECTRA have the
/// same keys.
pub(super) fn read(config: &ConfigFile) -> Result<BertLike, ConfigError> {
    let keys: Keys = config.parse()?;
    let sizes = Sizes::read(config)?;
    config.check_sizes(&[("type_vocab_size", keys.type_vocab_size)])?;
    config.check_epsilon("layer_norm_eps", keys.layer_norm_eps)?;
    if let Some(other) = keys.position_embedding_type.as_deref().filter(|kind| *kind != "absolute") {
        return Err(config.refuse("position_embedding_type", &other, "only absolute is supported"));
    }
    Ok(BertLike {
        sizes,
        embedding: sizes.hidden,
        first_position: 0,
        types: keys.type_vocab_size,
        epsilon: keys.layer_norm_eps,
        activation: activation(config, "hidden_act", &keys.hidden_act)?,
        head: Activation::Tanh,
        names: NAMES,
    })
}

/// Parses the activation of the feed-forward network, `name`, the value of `key`.
pub(super) fn activation(
    config: &ConfigFile,
    key: &'static str,
    name: &str,
) -> Result<Activation, ConfigError> {
    match config.activation(key, name)? {
        Activation::Tanh => Err(config.refuse(key, &name, "gelu, gelu_new and relu are supported here")),
        activation => Ok(activation),
    }
}
