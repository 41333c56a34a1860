use candle_nn::VarBuilder;

use super::activation::Activation;
use super::sizes::Sizes;
use super::tensor_spec::TensorSpec;

/// BERT's encoder (post-norm, absolute positions) with a head on the first token: a linear layer, an activation and a
/// linear layer to the labels.
#[derive(Debug, Clone)]
pub(crate) struct BertLike {
    /// The encoder's sizes; `positions` counts the rows of the table.
    pub(crate) sizes: Sizes,
    /// The width of the embeddings, projected to the hidden size where they differ.
    pub(crate) embedding: usize,
    /// The row of the position table for the first token.
    pub(crate) first_position: usize,
    /// The number of token types, 0 where there are no token type embeddings; every token is of type 0.
    pub(crate) types: usize,
    pub(crate) epsilon: f64,
    /// The activation of the feed-forward network.
    pub(crate) activation: Activation,
    /// The activation between the two layers of the head.
    pub(crate) head: Activation,
    /// The family's tensor names.
    pub(super) names: TensorNames,
}

/// The tensor names of a family: pairs of a part of the common name and its replacement, applied in order.
///
/// The common names are `base.` and BERT's for the encoder, `base.embeddings_project` for the projection of narrow
/// embeddings, and `head.dense` and `head.output` for the head.
pub(super) type TensorNames = &'static [(&'static str, &'static str)];

impl BertLike {
    /// The maximum length of a sequence in tokens, including special tokens.
    pub(crate) fn positions(&self) -> usize {
        self.sizes.positions.saturating_sub(self.first_position)
    }

    /// The family's name of the tensor with the common name `name`.
    pub(crate) fn tensor_name(&self, name: &str) -> String {
        rename(self.names, name)
    }

    /// Makes `weights` accessible by the common names.
    pub(crate) fn renamed<'a>(&self, weights: VarBuilder<'a>) -> VarBuilder<'a> {
        let names = self.names;
        weights.rename_f(move |name| rename(names, name))
    }

    pub(super) fn tensors(&self, labels: usize) -> impl Iterator<Item = TensorSpec> + '_ {
        let Sizes { vocabulary, hidden, layers, positions, .. } = self.sizes;
        let table = |name: &str, rows| {
            let name = self.tensor_name(&format!("base.embeddings.{name}_embeddings.weight"));
            TensorSpec::new(name, &[rows, self.embedding])
        };
        let types = (self.types > 0).then(|| table("token_type", self.types));
        let project = (self.embedding != hidden).then(|| {
            TensorSpec::linear(&self.tensor_name("base.embeddings_project"), [hidden, self.embedding])
        });
        [table("word", vocabulary), table("position", positions)]
            .into_iter()
            .chain(types)
            .chain(TensorSpec::norm(&self.tensor_name("base.embeddings.LayerNorm"), self.embedding))
            .chain(project.into_iter().flatten())
            .chain((0..layers).flat_map(|number| self.layer(number)))
            .chain(TensorSpec::linear(&self.tensor_name("head.dense"), [hidden, hidden]))
            .chain(TensorSpec::linear(&self.tensor_name("head.output"), [labels, hidden]))
    }

    fn layer(&self, number: usize) -> impl Iterator<Item = TensorSpec> + use<> {
        let Sizes { hidden, intermediate, .. } = self.sizes;
        let name = |part: &str| self.tensor_name(&format!("base.encoder.layer.{number}.{part}"));
        let attention =
            ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]
                .map(|part| TensorSpec::linear(&name(part), [hidden, hidden]));
        let attention_norm = TensorSpec::norm(&name("attention.output.LayerNorm"), hidden);
        let ffn_in = TensorSpec::linear(&name("intermediate.dense"), [intermediate, hidden]);
        let ffn_out = TensorSpec::linear(&name("output.dense"), [hidden, intermediate]);
        let ffn_norm = TensorSpec::norm(&name("output.LayerNorm"), hidden);
        attention.into_iter().chain([attention_norm, ffn_in, ffn_out, ffn_norm]).flatten()
    }
}

/// Replaces the parts of a common name by those of a family.
fn rename(names: TensorNames, name: &str) -> String {
    names.iter().fold(name.to_owned(), |name, (common, own)| name.replace(common, own))
}
