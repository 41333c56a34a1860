use candle_core::{Device, Tensor};
use serde_json::json;

use super::small_model::Tensors;
use crate::architecture::{Architecture, BertLike, ConfigFile, TensorSpec};

/// A classifier of the fast path with pseudo-random weights, the same for the same seed.
pub(crate) struct RandomModel {
    pub(crate) model: BertLike,
    pub(crate) labels: usize,
    pub(crate) tensors: Tensors,
}

/// The sizes of a [`RandomModel`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) vocabulary: usize,
    pub(crate) hidden: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) intermediate: usize,
    pub(crate) labels: usize,
}

/// The positions of a [`RandomModel`].
const POSITIONS: usize = 80;

impl RandomModel {
    /// A model of the family whose `architectures` is `architecture`, with the activation `activation`.
    pub(crate) fn new(architecture: &str, activation: &str, shape: Shape, seed: u64) -> Self {
        let Shape { vocabulary, hidden, layers, heads, intermediate, labels } = shape;
        let config = json!({
            "architectures": [architecture], "vocab_size": vocabulary, "max_position_embeddings": POSITIONS,
            "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads,
            "intermediate_size": intermediate, "hidden_act": activation, "type_vocab_size": 2,
            "layer_norm_eps": 1e-5, "embedding_size": hidden.div_ceil(2),
            // DistilBERT's names.
            "dim": hidden, "n_layers": layers, "n_heads": heads, "hidden_dim": intermediate,
            "activation": activation,
        });
        let keys = serde_json::from_value(config).unwrap();
        let file = ConfigFile::new("config.json".into(), keys);
        let Architecture::BertLike(model) = Architecture::read(&file).unwrap() else {
            panic!("{architecture} is not on the fast path")
        };
        let mut numbers = Gaussian::new(seed);
        let tensors = Architecture::BertLike(model.clone())
            .tensors(labels)
            .map(|spec| (spec.name.clone(), numbers.tensor(&spec)))
            .collect();
        Self { model, labels, tensors }
    }
}

/// Pseudo-random numbers with a mean of 0 and a variance of 1.
pub(crate) struct Gaussian(u64);

impl Gaussian {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number between 0 and 1: the upper bits of `SplitMix64`.
    pub(crate) fn uniform(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1 << 24) as f32
    }

    /// Box and Muller's transform.
    pub(crate) fn next(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f32::consts::TAU * self.uniform()).cos()
    }

    /// A tensor with the spread that trained weights of its kind have.
    fn tensor(&mut self, spec: &TensorSpec) -> Tensor {
        let (mean, spread) = match (&spec.shape[..], &spec.name) {
            ([_], name) if name.to_lowercase().contains("norm.weight") => (1.0, 0.2),
            ([_], _) => (0.0, 0.2),
            (_, name) if name.contains("embeddings.") => (0.0, 1.0),
            (shape, _) => (0.0, 1.2 / (shape[1] as f32).sqrt()),
        };
        let count: usize = spec.shape.iter().product();
        let numbers: Vec<f32> = (0..count).map(|_| mean + spread * self.next()).collect();
        Tensor::from_vec(numbers, &spec.shape[..], &Device::Cpu).unwrap()
    }
}
