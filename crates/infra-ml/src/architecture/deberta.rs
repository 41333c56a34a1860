use serde::Deserialize;

use super::activation::Activation;
use super::config_file::ConfigFile;
use super::sizes::Sizes;
use super::tensor_spec::TensorSpec;
use crate::load_error::ConfigError;

/// `DebertaV2ForSequenceClassification`, DeBERTa versions 2 and 3: disentangled attention over contents and relative
/// positions.
#[derive(Debug, Clone)]
pub(crate) struct Deberta {
    pub(crate) sizes: Sizes,
    /// The width of the embeddings, projected to the hidden size where they differ.
    pub(crate) embedding: usize,
    /// The number of token types; 0 where there are no token type embeddings.
    pub(crate) types: usize,
    pub(crate) epsilon: f64,
    pub(crate) activation: Activation,
    /// Whether absolute position embeddings are added.
    pub(crate) absolute_positions: bool,
    pub(crate) relative: Option<RelativeAttention>,
    /// Whether the scores include the content-to-position term (c2p), and the position-to-content term (p2c).
    pub(crate) content_to_position: bool,
    pub(crate) position_to_content: bool,
    /// The divisor of the attention scores.
    pub(crate) scale: f64,
    pub(crate) convolution: Option<Convolution>,
    pub(crate) pooler: Activation,
}

/// The configuration of relative position embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RelativeAttention {
    /// The buckets of each direction, logarithmic in their second half; `None` where each distance has its own row.
    pub(crate) buckets: Option<usize>,
    /// The maximum distance; longer ones count as this.
    pub(crate) max_distance: usize,
    /// Whether positions are projected by the weights of the contents.
    pub(crate) shared_projections: bool,
    /// Whether the table of positions passes a layer norm.
    pub(crate) layer_norm: bool,
}

impl RelativeAttention {
    /// The rows of the table for each direction.
    pub(crate) fn span(&self) -> usize {
        self.buckets.unwrap_or(self.max_distance)
    }
}

/// The convolution parallel to the first layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Convolution {
    pub(crate) kernel: usize,
    pub(crate) groups: usize,
    pub(crate) activation: Activation,
}

/// Four times that of the published checkpoints. The memory of attention is quadratic in the length: at this limit,
/// some gigabytes for a large model.
const MAX_POSITIONS: usize = 2_048;

/// The keys of `config.json`, with the defaults of transformers.
#[derive(Deserialize)]
struct Keys {
    #[serde(default)]
    type_vocab_size: usize,
    #[serde(default = "layer_norm_eps")]
    layer_norm_eps: f64,
    #[serde(default = "gelu")]
    hidden_act: String,
    #[serde(default = "yes")]
    position_biased_input: bool,
    #[serde(default)]
    relative_attention: bool,
    #[serde(default = "minus_one")]
    max_relative_positions: i64,
    #[serde(default = "minus_one")]
    position_buckets: i64,
    #[serde(default)]
    share_att_key: bool,
    norm_rel_ebd: Option<String>,
    pos_att_type: Option<OneOrMany>,
    conv_kernel_size: Option<usize>,
    conv_groups: Option<usize>,
    conv_act: Option<String>,
    embedding_size: Option<usize>,
    attention_head_size: Option<usize>,
    pooler_hidden_size: Option<usize>,
    #[serde(default = "gelu")]
    pooler_hidden_act: String,
}

/// `"p2c|c2p"` or `["p2c", "c2p"]`.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn contains(&self, name: &str) -> bool {
        match self {
            Self::One(names) => names.split('|').any(|other| other.trim().eq_ignore_ascii_case(name)),
            Self::Many(names) => names.iter().any(|other| other == name),
        }
    }
}

fn layer_norm_eps() -> f64 {
    1e-7
}

fn gelu() -> String {
    "gelu".to_owned()
}

fn yes() -> bool {
    true
}

fn minus_one() -> i64 {
    -1
}

pub(super) fn read(config: &ConfigFile) -> Result<Deberta, ConfigError> {
    let keys: Keys = config.parse()?;
    let sizes = Sizes::read(config)?;
    check(config, &keys, sizes)?;
    let [c2p, p2c] =
        ["c2p", "p2c"].map(|name| keys.pos_att_type.as_ref().is_some_and(|types| types.contains(name)));
    // As in transformers, each named term counts, even without relative positions.
    let terms = 1 + usize::from(c2p) + usize::from(p2c);
    let relative = relative(config, &keys, sizes)?;
    let kernel = keys.conv_kernel_size.filter(|kernel| *kernel > 0);
    let convolution = kernel.map(|kernel| {
        let name = keys.conv_act.as_deref().unwrap_or("tanh");
        let activation = config.activation("conv_act", name)?;
        Ok::<_, ConfigError>(Convolution { kernel, groups: keys.conv_groups.unwrap_or(1), activation })
    });
    Ok(Deberta {
        sizes,
        embedding: keys.embedding_size.unwrap_or(sizes.hidden),
        types: keys.type_vocab_size,
        epsilon: keys.layer_norm_eps,
        activation: config.activation("hidden_act", &keys.hidden_act)?,
        absolute_positions: keys.position_biased_input,
        relative,
        content_to_position: relative.is_some() && c2p,
        position_to_content: relative.is_some() && p2c,
        scale: ((sizes.head_dim() * terms) as f64).sqrt(),
        convolution: convolution.transpose()?,
        pooler: config.activation("pooler_hidden_act", &keys.pooler_hidden_act)?,
    })
}

fn relative(
    config: &ConfigFile,
    keys: &Keys,
    sizes: Sizes,
) -> Result<Option<RelativeAttention>, ConfigError> {
    if !keys.relative_attention {
        return Ok(None);
    }
    let positive = |number: i64| usize::try_from(number).ok().filter(|number| *number > 0);
    let (buckets, positions) = (positive(keys.position_buckets), sizes.positions);
    let max_distance = positive(keys.max_relative_positions).unwrap_or(positions);
    if buckets == Some(1) {
        return Err(config.refuse("position_buckets", &1, "it must be -1, or at least 2"));
    }
    // Beyond the middle, buckets are logarithmic up to the maximum distance, which must lie beyond it.
    let middle = buckets.map_or(positions, |buckets| buckets / 2);
    if positions - 1 > middle && max_distance - 1 <= middle {
        let expected = format!("it must be above {} for {} buckets", middle + 1, keys.position_buckets);
        return Err(config.refuse("max_relative_positions", &keys.max_relative_positions, expected));
    }
    let norms = keys.norm_rel_ebd.as_deref().unwrap_or_default();
    Ok(Some(RelativeAttention {
        buckets,
        max_distance,
        shared_projections: keys.share_att_key,
        layer_norm: norms.split('|').any(|norm| norm.trim().eq_ignore_ascii_case("layer_norm")),
    }))
}

fn check(config: &ConfigFile, keys: &Keys, sizes: Sizes) -> Result<(), ConfigError> {
    config.check_sizes(&[
        ("embedding_size", keys.embedding_size.unwrap_or(1)),
        ("conv_groups", keys.conv_groups.unwrap_or(1)),
    ])?;
    config.check_epsilon("layer_norm_eps", keys.layer_norm_eps)?;
    config.check_positions(sizes.positions, MAX_POSITIONS)?;
    for (key, value, supported) in [
        ("attention_head_size", keys.attention_head_size, sizes.head_dim()),
        ("pooler_hidden_size", keys.pooler_hidden_size, sizes.hidden),
    ] {
        if let Some(value) = value.filter(|value| *value != supported) {
            return Err(config.refuse(key, &value, format!("only {supported} is supported here")));
        }
    }
    let groups = keys.conv_groups.unwrap_or(1);
    if !sizes.hidden.is_multiple_of(groups) {
        return Err(config.refuse("conv_groups", &groups, "it must divide the hidden size"));
    }
    match keys.conv_kernel_size.filter(|kernel| *kernel > 0 && kernel.is_multiple_of(2)) {
        Some(kernel) => Err(config.refuse("conv_kernel_size", &kernel, "only odd sizes are supported")),
        None => Ok(()),
    }
}

impl Deberta {
    pub(super) fn tensors(&self, labels: usize) -> impl Iterator<Item = TensorSpec> + '_ {
        let (width, hidden) = (self.embedding, self.sizes.hidden);
        let table = |name: &str, rows: usize| {
            TensorSpec::new(format!("deberta.embeddings.{name}.weight"), &[rows, width])
        };
        let positions = self.absolute_positions.then(|| table("position_embeddings", self.sizes.positions));
        let types = (self.types > 0).then(|| table("token_type_embeddings", self.types));
        let project = (width != hidden)
            .then(|| TensorSpec::new("deberta.embeddings.embed_proj.weight", &[hidden, width]));
        std::iter::once(table("word_embeddings", self.sizes.vocabulary))
            .chain(positions)
            .chain(types)
            .chain(project)
            .chain(TensorSpec::norm("deberta.embeddings.LayerNorm", hidden))
            .chain((0..self.sizes.layers).flat_map(|number| self.layer(number)))
            .chain(self.shared_by_layers())
            .chain(TensorSpec::linear("pooler.dense", [hidden, hidden]))
            .chain(TensorSpec::linear("classifier", [labels, hidden]))
    }

    fn layer(&self, number: usize) -> Vec<TensorSpec> {
        let Sizes { hidden, intermediate, .. } = self.sizes;
        let name = |part: &str| format!("deberta.encoder.layer.{number}.{part}");
        let own = self.relative.is_some_and(|relative| !relative.shared_projections);
        let mut projections = vec!["query_proj", "key_proj", "value_proj"];
        projections.extend((own && self.content_to_position).then_some("pos_key_proj"));
        projections.extend((own && self.position_to_content).then_some("pos_query_proj"));
        let projections = projections.into_iter();
        projections
            .flat_map(|part| TensorSpec::linear(&name(&format!("attention.self.{part}")), [hidden, hidden]))
            .chain(TensorSpec::linear(&name("attention.output.dense"), [hidden, hidden]))
            .chain(TensorSpec::norm(&name("attention.output.LayerNorm"), hidden))
            .chain(TensorSpec::linear(&name("intermediate.dense"), [intermediate, hidden]))
            .chain(TensorSpec::linear(&name("output.dense"), [hidden, intermediate]))
            .chain(TensorSpec::norm(&name("output.LayerNorm"), hidden))
            .collect()
    }

    /// The tensors of the relative positions and of the convolution.
    fn shared_by_layers(&self) -> impl Iterator<Item = TensorSpec> + use<> {
        let hidden = self.sizes.hidden;
        let relative = self.relative.map(|relative| {
            let rows = relative.span().saturating_mul(2);
            let table = TensorSpec::new("deberta.encoder.rel_embeddings.weight", &[rows, hidden]);
            let norm = TensorSpec::norm("deberta.encoder.LayerNorm", hidden);
            std::iter::once(table).chain(norm.into_iter().take(if relative.layer_norm { 2 } else { 0 }))
        });
        let convolution = self.convolution.map(|convolution| {
            let size = [hidden, hidden / convolution.groups, convolution.kernel];
            [
                TensorSpec::new("deberta.encoder.conv.conv.weight", &size),
                TensorSpec::new("deberta.encoder.conv.conv.bias", &[hidden]),
            ]
            .into_iter()
            .chain(TensorSpec::norm("deberta.encoder.conv.LayerNorm", hidden))
        });
        relative.into_iter().flatten().chain(convolution.into_iter().flatten())
    }
}
