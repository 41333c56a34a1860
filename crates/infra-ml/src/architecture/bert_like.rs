use candle_nn::VarBuilder;
use candle_transformers::models::bert::Config;

use super::{Activation, TensorSpec};

/// A transformer encoder as BERT has it (sums, then norms; absolute positions) under a head on the first token: a
/// layer, an activation, and a layer to the labels.
#[derive(Debug, Clone)]
pub(crate) struct BertLike {
    /// The sizes in Candle's words; `max_position_embeddings` counts the rows of the table.
    pub(crate) encoder: Config,
    /// The width of the embeddings; where it is not the encoder's, a layer leads from one to the other.
    pub(crate) embedding: usize,
    /// The row of the position table that the first token has.
    pub(crate) first_position: usize,
    /// Whether there are token types; every token is of type 0.
    pub(crate) has_types: bool,
    /// What is between the two layers of the head.
    pub(crate) head: Activation,
    /// The names of the tensors.
    pub(super) names: Names,
}

/// What a family calls the tensors: pairs of a part of our names and its own word for it, applied in their order.
///
/// Our names are `base.` and BERT's for the encoder, `base.embeddings_project` for the way from narrow embeddings to
/// the encoder, and `head.dense` and `head.output` for the head.
pub(super) type Names = &'static [(&'static str, &'static str)];

impl BertLike {
    /// The most tokens of a sequence, special tokens counted.
    pub(crate) fn positions(&self) -> usize {
        self.encoder.max_position_embeddings.saturating_sub(self.first_position)
    }

    /// The file's name of the tensor that is `own` here.
    pub(crate) fn name(&self, own: &str) -> String {
        rename(self.names, own)
    }

    /// `weights`, to be asked by our names.
    pub(crate) fn renamed<'a>(&self, weights: VarBuilder<'a>) -> VarBuilder<'a> {
        let names = self.names;
        weights.rename_f(move |own| rename(names, own))
    }

    pub(super) fn tensors(&self, labels: usize) -> impl Iterator<Item = TensorSpec> + '_ {
        let Config { hidden_size: hidden, vocab_size, max_position_embeddings, type_vocab_size, .. } =
            self.encoder;
        let table = |name: &str, rows| {
            let name = self.name(&format!("base.embeddings.{name}_embeddings.weight"));
            TensorSpec::new(name, &[rows, self.embedding])
        };
        let types = self.has_types.then(|| table("token_type", type_vocab_size));
        let project = (self.embedding != hidden)
            .then(|| TensorSpec::linear(&self.name("base.embeddings_project"), [hidden, self.embedding]));
        [table("word", vocab_size), table("position", max_position_embeddings)]
            .into_iter()
            .chain(types)
            .chain(TensorSpec::norm(&self.name("base.embeddings.LayerNorm"), self.embedding))
            .chain(project.into_iter().flatten())
            .chain((0..self.encoder.num_hidden_layers).flat_map(|number| self.layer(number)))
            .chain(TensorSpec::linear(&self.name("head.dense"), [hidden, hidden]))
            .chain(TensorSpec::linear(&self.name("head.output"), [labels, hidden]))
    }

    fn layer(&self, number: usize) -> impl Iterator<Item = TensorSpec> + use<> {
        let Config { hidden_size: hidden, intermediate_size: inner, .. } = self.encoder;
        let name = |part: &str| self.name(&format!("base.encoder.layer.{number}.{part}"));
        let attention =
            ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]
                .map(|part| TensorSpec::linear(&name(part), [hidden, hidden]));
        let attention_norm = TensorSpec::norm(&name("attention.output.LayerNorm"), hidden);
        let inner_layer = TensorSpec::linear(&name("intermediate.dense"), [inner, hidden]);
        let outer_layer = TensorSpec::linear(&name("output.dense"), [hidden, inner]);
        let norm = TensorSpec::norm(&name("output.LayerNorm"), hidden);
        let parts = attention.into_iter().chain([attention_norm, inner_layer, outer_layer, norm]);
        parts.flatten()
    }
}

/// `own` in the words of `names`.
fn rename(names: Names, own: &str) -> String {
    names.iter().fold(own.to_owned(), |name, (ours, theirs)| name.replace(ours, theirs))
}
