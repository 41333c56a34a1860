use serde::Deserialize;

use super::activation::Activation;
use super::bert::activation;
use super::bert_like::{BertLike, TensorNames};
use super::config_file::ConfigFile;
use super::sizes::Sizes;
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
    Ok(BertLike {
        sizes: Sizes {
            vocabulary: keys.vocab_size,
            hidden: keys.dim,
            layers: keys.n_layers,
            heads: keys.n_heads,
            intermediate: keys.hidden_dim,
            positions: keys.max_position_embeddings,
        },
        embedding: keys.dim,
        first_position: 0,
        types: 0,
        epsilon: LAYER_NORM_EPS,
        activation: activation(config, "activation", &keys.activation)?,
        head: Activation::Relu,
        names: NAMES,
    })
}
