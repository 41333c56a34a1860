use serde::Deserialize;

use super::activation::Activation;
use super::config_file::ConfigFile;
use super::sizes::Sizes;
use super::tensor_spec::TensorSpec;
use crate::load_error::ConfigError;

/// `ModernBertForSequenceClassification`: rotary position embeddings, global and local attention, gated linear units.
#[derive(Debug, Clone)]
pub(crate) struct ModernBert {
    pub(crate) sizes: Sizes,
    pub(crate) epsilon: f64,
    pub(crate) activation: Activation,
    /// The attention of each layer.
    pub(crate) layers: Vec<Attention>,
    /// The base of the rotary embeddings of global and of local layers.
    pub(crate) rope_thetas: [f64; 2],
    /// The neighbors on each side that a token attends to in local layers.
    pub(crate) local_reach: usize,
    pub(crate) biases: Biases,
    pub(crate) head_activation: Activation,
    pub(crate) pooling: Pooling,
}

/// The attention of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attention {
    /// Every token attends to every other.
    Global,
    /// Every token attends to its neighbors.
    Local,
}

/// The input of the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// The first token.
    Cls,
    /// The mean of all tokens.
    Mean,
}

/// Which layers have a bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent keys of the file")]
pub(crate) struct Biases {
    #[serde(default, rename = "norm_bias")]
    pub(crate) norm: bool,
    #[serde(default, rename = "attention_bias")]
    pub(crate) attention: bool,
    #[serde(default, rename = "mlp_bias")]
    pub(crate) mlp: bool,
    #[serde(default, rename = "classifier_bias")]
    pub(crate) head: bool,
}

/// Eight times that of the published checkpoints.
const MAX_POSITIONS: usize = 65_536;

/// The keys of `config.json`, with the defaults of transformers. Version 5 writes `layer_types` and `rope_parameters`;
/// older versions write the numbers that these are derived from.
#[derive(Deserialize)]
struct Keys {
    #[serde(default = "norm_eps")]
    norm_eps: f64,
    #[serde(default = "gelu")]
    hidden_activation: String,
    #[serde(default = "gelu")]
    classifier_activation: String,
    #[serde(default = "cls")]
    classifier_pooling: String,
    #[serde(default = "local_attention")]
    local_attention: usize,
    #[serde(default = "global_attn_every_n_layers")]
    global_attn_every_n_layers: usize,
    global_rope_theta: Option<f64>,
    local_rope_theta: Option<f64>,
    layer_types: Option<Vec<String>>,
    rope_parameters: Option<RopeParameters>,
    rope_scaling: Option<Rope>,
    #[serde(flatten)]
    biases: Biases,
}

/// Unknown keys are errors: the flat form, without attention types, means other thetas.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RopeParameters {
    full_attention: Option<Rope>,
    sliding_attention: Option<Rope>,
}

#[derive(Deserialize)]
struct Rope {
    rope_theta: Option<f64>,
    #[serde(default = "default_rope", alias = "type")]
    rope_type: String,
}

fn norm_eps() -> f64 {
    1e-5
}

fn gelu() -> String {
    "gelu".to_owned()
}

fn cls() -> String {
    "cls".to_owned()
}

fn local_attention() -> usize {
    128
}

fn global_attn_every_n_layers() -> usize {
    3
}

fn default_rope() -> String {
    "default".to_owned()
}

pub(super) fn read(config: &ConfigFile) -> Result<ModernBert, ConfigError> {
    let keys: Keys = config.parse()?;
    let sizes = Sizes::read(config)?;
    config.check_sizes(&[("global_attn_every_n_layers", keys.global_attn_every_n_layers)])?;
    config.check_epsilon("norm_eps", keys.norm_eps)?;
    config.check_positions(sizes.positions, MAX_POSITIONS)?;
    if sizes.head_dim() % 2 == 1 {
        return Err(config.refuse("num_attention_heads", &sizes.heads, "the width of a head must be even"));
    }
    let rope_thetas = rope_thetas(config, &keys)?;
    Ok(ModernBert {
        sizes,
        epsilon: keys.norm_eps,
        activation: config.activation("hidden_activation", &keys.hidden_activation)?,
        rope_thetas,
        local_reach: keys.local_attention / 2,
        biases: keys.biases,
        head_activation: config.activation("classifier_activation", &keys.classifier_activation)?,
        pooling: match keys.classifier_pooling.as_str() {
            "cls" => Pooling::Cls,
            "mean" => Pooling::Mean,
            other => return Err(config.refuse("classifier_pooling", &other, "cls and mean are supported")),
        },
        layers: layers(config, sizes.layers, keys)?,
    })
}

fn layers(config: &ConfigFile, count: usize, keys: Keys) -> Result<Vec<Attention>, ConfigError> {
    let every = keys.global_attn_every_n_layers;
    match keys.layer_types {
        Some(types) if types.len() == count => types.iter().map(|name| attention(config, name)).collect(),
        Some(types) => {
            Err(config.refuse("layer_types", &types.len(), format!("{count} layers must have a type each")))
        }
        // A count above the limit is reported by the first layer that is missing.
        None => Ok((0..count.min(MAX_LAYERS))
            .map(|number| if number.is_multiple_of(every) { Attention::Global } else { Attention::Local })
            .collect()),
    }
}

fn attention(config: &ConfigFile, name: &str) -> Result<Attention, ConfigError> {
    match name {
        "full_attention" => Ok(Attention::Global),
        "sliding_attention" => Ok(Attention::Local),
        other => {
            Err(config.refuse("layer_types", &other, "full_attention and sliding_attention are supported"))
        }
    }
}

/// More than any model has.
const MAX_LAYERS: usize = 10_000;

fn rope_thetas(config: &ConfigFile, keys: &Keys) -> Result<[f64; 2], ConfigError> {
    let [global, local] = match &keys.rope_parameters {
        Some(rope) => [rope.full_attention.as_ref(), rope.sliding_attention.as_ref()],
        None => [None, None],
    };
    for rope in [global, local, keys.rope_scaling.as_ref()].into_iter().flatten() {
        if rope.rope_type != "default" {
            return Err(config.refuse("rope_type", &rope.rope_type, "only default is supported"));
        }
    }
    let theta = |rope: Option<&Rope>, old_key: Option<f64>| rope.and_then(|rope| rope.rope_theta).or(old_key);
    let thetas = [
        theta(global, keys.global_rope_theta).unwrap_or(160_000.0),
        theta(local, keys.local_rope_theta).unwrap_or(10_000.0),
    ];
    match thetas.iter().find(|theta| !(**theta > 0.0 && theta.is_finite())) {
        Some(theta) => Err(config.refuse("rope_theta", theta, "it must be above 0")),
        None => Ok(thetas),
    }
}

impl ModernBert {
    pub(super) fn tensors(&self, labels: usize) -> impl Iterator<Item = TensorSpec> + '_ {
        let (Sizes { vocabulary, hidden, .. }, biases) = (self.sizes, self.biases);
        let layers = self.layers.iter().enumerate().flat_map(|(number, _)| self.layer(number));
        std::iter::once(TensorSpec::new("model.embeddings.tok_embeddings.weight", &[vocabulary, hidden]))
            .chain(self.norm("model.embeddings.norm"))
            .chain(layers)
            .chain(self.norm("model.final_norm"))
            .chain(TensorSpec::linear_b("head.dense", [hidden, hidden], biases.head))
            .chain(self.norm("head.norm"))
            .chain(TensorSpec::linear_b("classifier", [labels, hidden], true))
    }

    fn layer(&self, number: usize) -> Vec<TensorSpec> {
        let (Sizes { hidden, intermediate, .. }, biases) = (self.sizes, self.biases);
        let name = |part: &str| format!("model.layers.{number}.{part}");
        let wide = |size: usize, times: usize| size.saturating_mul(times);
        // The input of the first layer is normalized by the embeddings' norm.
        let attention_norm = (number > 0).then(|| self.norm(&name("attn_norm")));
        let attention_norm = attention_norm.into_iter().flatten();
        attention_norm
            .chain(TensorSpec::linear_b(&name("attn.Wqkv"), [wide(hidden, 3), hidden], biases.attention))
            .chain(TensorSpec::linear_b(&name("attn.Wo"), [hidden, hidden], biases.attention))
            .chain(self.norm(&name("mlp_norm")))
            .chain(TensorSpec::linear_b(&name("mlp.Wi"), [wide(intermediate, 2), hidden], biases.mlp))
            .chain(TensorSpec::linear_b(&name("mlp.Wo"), [hidden, intermediate], biases.mlp))
            .collect()
    }

    fn norm(&self, name: &str) -> impl Iterator<Item = TensorSpec> + use<> {
        TensorSpec::norm(name, self.sizes.hidden).into_iter().take(if self.biases.norm { 2 } else { 1 })
    }
}
