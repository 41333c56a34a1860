use serde::Deserialize;

use super::config_file::ConfigFile;
use super::sizes::Sizes;
use super::{Activation, TensorSpec};
use crate::load_error::ConfigError;

/// `DebertaV2ForSequenceClassification`, which DeBERTa-v3 is too: attention looks at contents and at relative positions.
#[derive(Debug, Clone)]
pub(crate) struct Deberta {
    pub(crate) sizes: Sizes,
    /// The width of the embeddings; where it is not the encoder's, a layer leads from one to the other.
    pub(crate) embedding: usize,
    pub(crate) types: usize,
    pub(crate) epsilon: f64,
    pub(crate) activation: Activation,
    /// Whether absolute positions are added to the embeddings.
    pub(crate) absolute: bool,
    pub(crate) relative: Option<Relative>,
    /// Whether contents look at positions, and positions at contents.
    pub(crate) content_to_position: bool,
    pub(crate) position_to_content: bool,
    /// What attention's scores are divided by.
    pub(crate) scale: f64,
    pub(crate) convolution: Option<Convolution>,
    pub(crate) pooler: Activation,
}

/// Relative positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Relative {
    /// The buckets on each side; beyond half of them they grow wider. None where each distance has its own.
    pub(crate) buckets: Option<usize>,
    /// The farthest distance that is told from the next.
    pub(crate) farthest: usize,
    /// Whether the projections of contents serve positions too.
    pub(crate) shared: bool,
    /// Whether the table of positions is normed.
    pub(crate) normed: bool,
}

impl Relative {
    /// The distances to each side that the table has.
    pub(crate) fn span(&self) -> usize {
        self.buckets.unwrap_or(self.farthest)
    }
}

/// The convolution beside the first layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Convolution {
    pub(crate) kernel: usize,
    pub(crate) groups: usize,
    pub(crate) activation: Activation,
}

/// Four times what its checkpoints have. Attention needs memory by the square of it: here some gigabytes for the longest
/// text of a large model.
const MOST_POSITIONS: usize = 2_048;

/// The keys of `config.json`. Absent values are as transformers has them.
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
    fn names(&self, name: &str) -> bool {
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
    let looks = ["c2p", "p2c"].map(|name| keys.pos_att_type.as_ref().is_some_and(|all| all.names(name)));
    // Each term counts, even where there are no relative positions to look at.
    let terms = 1 + looks.iter().filter(|looks| **looks).count();
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
        absolute: keys.position_biased_input,
        relative,
        content_to_position: relative.is_some() && looks[0],
        position_to_content: relative.is_some() && looks[1],
        scale: ((sizes.head() * terms) as f64).sqrt(),
        convolution: convolution.transpose()?,
        pooler: config.activation("pooler_hidden_act", &keys.pooler_hidden_act)?,
    })
}

fn relative(config: &ConfigFile, keys: &Keys, sizes: Sizes) -> Result<Option<Relative>, ConfigError> {
    if !keys.relative_attention {
        return Ok(None);
    }
    let positive = |number: i64| usize::try_from(number).ok().filter(|number| *number > 0);
    let (buckets, most) = (positive(keys.position_buckets), sizes.positions);
    let farthest = positive(keys.max_relative_positions).unwrap_or(most);
    if buckets == Some(1) {
        return Err(config.refuse("position_buckets", &1, "it must be -1, or at least 2"));
    }
    // From the middle on buckets grow with the logarithm, which must have somewhere to go.
    let middle = buckets.map_or(most, |buckets| buckets / 2);
    if most - 1 > middle && farthest - 1 <= middle {
        let expected = format!("it must be above {} for {} buckets", middle + 1, keys.position_buckets);
        return Err(config.refuse("max_relative_positions", &keys.max_relative_positions, expected));
    }
    let norms = keys.norm_rel_ebd.as_deref().unwrap_or_default();
    Ok(Some(Relative {
        buckets,
        farthest,
        shared: keys.share_att_key,
        normed: norms.split('|').any(|norm| norm.trim().eq_ignore_ascii_case("layer_norm")),
    }))
}

fn check(config: &ConfigFile, keys: &Keys, sizes: Sizes) -> Result<(), ConfigError> {
    config.check_sizes(&[
        ("embedding_size", keys.embedding_size.unwrap_or(1)),
        ("conv_groups", keys.conv_groups.unwrap_or(1)),
    ])?;
    config.check_epsilon("layer_norm_eps", keys.layer_norm_eps)?;
    config.check_positions(sizes.positions, MOST_POSITIONS)?;
    for (key, value, wanted) in [
        ("attention_head_size", keys.attention_head_size, sizes.head()),
        ("pooler_hidden_size", keys.pooler_hidden_size, sizes.hidden),
    ] {
        if let Some(value) = value.filter(|value| *value != wanted) {
            return Err(config.refuse(key, &value, format!("only {wanted} is supported here")));
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
        let positions = self.absolute.then(|| table("position_embeddings", self.sizes.positions));
        let types = (self.types > 0).then(|| table("token_type_embeddings", self.types));
        let project = (width != hidden)
            .then(|| TensorSpec::new("deberta.embeddings.embed_proj.weight", &[hidden, width]));
        std::iter::once(table("word_embeddings", self.sizes.vocabulary))
            .chain(positions)
            .chain(types)
            .chain(project)
            .chain(TensorSpec::norm("deberta.embeddings.LayerNorm", hidden))
            .chain((0..self.sizes.layers).flat_map(|number| self.layer(number)))
            .chain(self.around_layers())
            .chain(TensorSpec::linear("pooler.dense", [hidden, hidden]))
            .chain(TensorSpec::linear("classifier", [labels, hidden]))
    }

    fn layer(&self, number: usize) -> Vec<TensorSpec> {
        let Sizes { hidden, inner, .. } = self.sizes;
        let name = |part: &str| format!("deberta.encoder.layer.{number}.{part}");
        let own = self.relative.is_some_and(|relative| !relative.shared);
        let mut projections = vec!["query_proj", "key_proj", "value_proj"];
        projections.extend((own && self.content_to_position).then_some("pos_key_proj"));
        projections.extend((own && self.position_to_content).then_some("pos_query_proj"));
        let projections = projections.into_iter();
        projections
            .flat_map(|part| TensorSpec::linear(&name(&format!("attention.self.{part}")), [hidden, hidden]))
            .chain(TensorSpec::linear(&name("attention.output.dense"), [hidden, hidden]))
            .chain(TensorSpec::norm(&name("attention.output.LayerNorm"), hidden))
            .chain(TensorSpec::linear(&name("intermediate.dense"), [inner, hidden]))
            .chain(TensorSpec::linear(&name("output.dense"), [hidden, inner]))
            .chain(TensorSpec::norm(&name("output.LayerNorm"), hidden))
            .collect()
    }

    /// The relative positions and the convolution.
    fn around_layers(&self) -> impl Iterator<Item = TensorSpec> + use<> {
        let hidden = self.sizes.hidden;
        let relative = self.relative.map(|relative| {
            let rows = relative.span().saturating_mul(2);
            let table = TensorSpec::new("deberta.encoder.rel_embeddings.weight", &[rows, hidden]);
            let norm = TensorSpec::norm("deberta.encoder.LayerNorm", hidden);
            std::iter::once(table).chain(norm.into_iter().take(if relative.normed { 2 } else { 0 }))
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
