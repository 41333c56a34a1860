use candle_transformers::models::bert::{Config, PositionEmbeddingType};
use serde::Deserialize;

use super::activation::Activation;
use super::bert::activation;
use super::bert_like::{BertLike, TensorNames};
use super::config_file::ConfigFile;
use crate::load_error::ConfigError;

/// DistilBERT's names of BERT's keys.
#[derive(Deserialize)]
struct DistilBertKeys {
    vocab_size: usize,
    dim: usize,
    n_layers: usize,
    n_heads: usize,
    hidden_dim: usize,
    max_position_embeddings: usize,
    #[serde(default = "gelu")]
    activation: String,
}

fn gelu() -> String {
    "gelu".to_owned()
}

/// Fixed in transformers' DistilBERT: no key sets it.
const LAYER_NORM_EPS: f64 = 1e-12;

const NAMES: TensorNames = &[
    ("base.encoder", "distilbert.transformer"),
    ("base.", "distilbert."),
    (".attention.self.query", ".attention.q_lin"),
    (".attention.self.key", ".attention.k_lin"),
    (".attention.self.value", ".attention.v_lin"),
    (".attention.output.dense", ".attention.out_lin"),
    (".attention.output.LayerNorm", ".sa_layer_norm"),
    (".intermediate.dense", ".ffn.lin1"),
    (".output.dense", ".ffn.lin2"),
    (".output.LayerNorm", ".output_layer_norm"),
    ("head.dense", "pre_classifier"),
    ("head.output", "classifier"),
];

/// Reads `DistilBertForSequenceClassification`, which has no token types and a ReLU in its head.
pub(super) fn read(config: &ConfigFile) -> Result<BertLike, ConfigError> {
    let keys: DistilBertKeys = config.parse()?;
    config.check_sizes(&[
        ("vocab_size", keys.vocab_size),
        ("dim", keys.dim),
        ("n_layers", keys.n_layers),
        ("n_heads", keys.n_heads),
        ("hidden_dim", keys.hidden_dim),
        ("max_position_embeddings", keys.max_position_embeddings),
    ])?;
    config.check_heads("n_heads", keys.n_heads, keys.dim)?;
    let encoder = Config {
        vocab_size: keys.vocab_size,
        hidden_size: keys.dim,
        num_hidden_layers: keys.n_layers,
        num_attention_heads: keys.n_heads,
        intermediate_size: keys.hidden_dim,
        hidden_act: activation(config, "activation", &keys.activation)?,
        max_position_embeddings: keys.max_position_embeddings,
        layer_norm_eps: LAYER_NORM_EPS,
        position_embedding_type: PositionEmbeddingType::Absolute,
        ..Config::default()
    };
    Ok(BertLike {
        embedding: keys.dim,
        encoder,
        first_position: 0,
        has_types: false,
        head: Activation::Relu,
        names: NAMES,
    })
}
