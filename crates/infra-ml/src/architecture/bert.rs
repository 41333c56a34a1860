use candle_transformers::models::bert::{Config, HiddenAct, PositionEmbeddingType};
use serde::Deserialize;

use super::activation::Activation;
use super::bert_like::{BertLike, TensorNames};
use super::config_file::ConfigFile;
use super::sizes::Sizes;
use crate::load_error::ConfigError;

/// The keys of BERT's `config.json` besides the sizes, shared by RoBERTa and ELECTRA, with the defaults of
/// transformers.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct BertKeys {
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

impl BertKeys {
    /// Reads the encoder's configuration as Candle's `Config`.
    pub(super) fn read(config: &ConfigFile) -> Result<Config, ConfigError> {
        let keys: Self = config.parse()?;
        let sizes = Sizes::read(config)?;
        config.check_sizes(&[("type_vocab_size", keys.type_vocab_size)])?;
        config.check_epsilon("layer_norm_eps", keys.layer_norm_eps)?;
        if let Some(other) = keys.position_embedding_type.as_deref().filter(|kind| *kind != "absolute") {
            return Err(config.refuse("position_embedding_type", &other, "only absolute is supported"));
        }
        Ok(Config {
            vocab_size: sizes.vocabulary,
            hidden_size: sizes.hidden,
            num_hidden_layers: sizes.layers,
            num_attention_heads: sizes.heads,
            intermediate_size: sizes.intermediate,
            hidden_act: activation(config, "hidden_act", &keys.hidden_act)?,
            max_position_embeddings: sizes.positions,
            type_vocab_size: keys.type_vocab_size,
            layer_norm_eps: keys.layer_norm_eps,
            position_embedding_type: PositionEmbeddingType::Absolute,
            ..Config::default()
        })
    }
}

/// Parses the activation of the feed-forward network as Candle's `HiddenAct`, which has no hyperbolic tangent.
pub(super) fn activation(
    config: &ConfigFile,
    key: &'static str,
    name: &str,
) -> Result<HiddenAct, ConfigError> {
    match config.activation(key, name)? {
        Activation::Gelu => Ok(HiddenAct::Gelu),
        Activation::GeluTanh => Ok(HiddenAct::GeluApproximate),
        Activation::Relu => Ok(HiddenAct::Relu),
        Activation::Tanh => Err(config.refuse(key, &name, "gelu, gelu_new and relu are supported here")),
    }
}

const NAMES: TensorNames =
    &[("base.", "bert."), ("head.dense", "bert.pooler.dense"), ("head.output", "classifier")];

/// Reads `BertForSequenceClassification`, whose pooler is the first layer of the head.
pub(super) fn read(config: &ConfigFile) -> Result<BertLike, ConfigError> {
    let encoder = BertKeys::read(config)?;
    Ok(BertLike {
        embedding: encoder.hidden_size,
        encoder,
        first_position: 0,
        has_types: true,
        head: Activation::Tanh,
        names: NAMES,
    })
}
