use std::ops::Range;

use super::activation::Activate;
use super::arithmetic::Arithmetic;
use super::encoder::{EncoderConfig, Layer};
use super::epilogue::Overwrite;
use super::linear::Linear;
use super::norm::LayerNorm;
use super::rows::{Rows, RowsMut};
use super::scratch::{BlockSizes, Scratch};
use super::word_embeddings::WordEmbeddings;
use crate::architecture::Activation;

/// A classifier with BERT's encoder, packed for a SIMD level; immutable and shared by all workers.
pub(crate) struct Classifier {
    pub(super) config: EncoderConfig,
    pub(super) word_embeddings: WordEmbeddings,
    /// The sums of the position embeddings and the embedding of token type 0, `[positions, width]`.
    pub(super) position_embeddings: Vec<f32>,
    pub(super) embedding_norm: LayerNorm,
    /// From the width of the embeddings to `hidden`, where they differ.
    pub(super) embedding_projection: Option<Linear>,
    pub(super) layers: Vec<Layer>,
    /// The head: `head_dense`, `head_activation`, then `head_output` to the labels.
    pub(super) head_dense: Linear,
    pub(super) head_activation: Activation,
    pub(super) head_output: Linear,
}

/// The buffers of a forward pass.
pub(crate) struct Workspace {
    scratch: Scratch,
    /// The rows of each sequence among the tokens of the batch.
    sequences: Vec<Range<usize>>,
    /// The embeddings where they are projected, `[tokens, width]`.
    embedded: Rows,
    /// The results of the head's first layer, `[sequences, hidden]`.
    pooled: Rows,
    /// `[sequences, labels]`.
    logits: Vec<f32>,
}

#[cfg(test)]
impl Workspace {
    /// The bytes of all buffers.
    pub(super) fn bytes(&self) -> usize {
        self.scratch.bytes() + self.embedded.bytes() + self.pooled.bytes() + size_of_val(&self.logits[..])
    }
}

impl Classifier {
    /// The arithmetic of the encoder; the head computes in `f32`.
    pub(crate) fn arithmetic(&self) -> Arithmetic {
        self.config.arithmetic
    }

    /// The bytes of the weights that each forward pass reads: those of the layers.
    pub(super) fn encoder_bytes(&self) -> usize {
        let EncoderConfig { hidden, intermediate, .. } = self.config;
        let weights = 4 * hidden * hidden + 2 * hidden * intermediate;
        let bytes = match self.config.arithmetic {
            Arithmetic::F32 => size_of::<f32>(),
            Arithmetic::Int8 => size_of::<i8>(),
        };
        self.layers.len() * weights * bytes
    }

    pub(super) fn workspace(&self, sizes: BlockSizes) -> Workspace {
        Workspace {
            scratch: Scratch::new(&self.config, sizes),
            sequences: Vec::new(),
            embedded: Rows::new(self.width(), Arithmetic::F32),
            pooled: Rows::new(self.config.hidden, Arithmetic::F32),
            logits: Vec::new(),
        }
    }

    /// Returns the logits, `[sequences, labels]`, of `sequences` of token ids with their special tokens, using `cores`.
    pub(crate) fn forward<'s>(
        &self,
        workspace: &mut Workspace,
        sequences: impl Iterator<Item = &'s [u32]> + Clone,
        cores: usize,
    ) -> Vec<Vec<f32>> {
        let EncoderConfig { level, hidden, .. } = self.config;
        let Workspace { scratch, sequences: rows, embedded, pooled, logits } = workspace;
        rows.clear();
        let mut tokens = 0;
        rows.extend(sequences.clone().map(|ids| {
            let start = tokens;
            tokens += ids.len();
            start..tokens
        }));
        scratch.reserve(&self.config, tokens);
        let mut states = scratch.states.first(tokens);
        if let Some(projection) = &self.embedding_projection {
            embedded.reserve(tokens);
            let mut embedded = embedded.first(tokens);
            self.embed(sequences, rows, embedded.reborrow());
            projection.apply(level, embedded.as_ref(), Overwrite { out: states.values, width: hidden });
            states.quantize(level);
        } else {
            self.embed(sequences, rows, states);
        }
        let Some((last, layers)) = self.layers.split_last() else { return Vec::new() };
        for layer in layers {
            layer.forward(&self.config, scratch, rows, cores);
        }
        last.forward_first_tokens(&self.config, scratch, rows, cores);
        let (count, labels) = (rows.len(), self.head_output.outputs());
        pooled.reserve(count);
        let pooled = pooled.first(count);
        let activate = Activate { function: self.head_activation, out: pooled.values, width: hidden };
        self.head_dense.apply(level, scratch.states.first(count).as_ref(), activate);
        logits.resize(count * labels, 0.0);
        self.head_output.apply(level, pooled.as_ref(), Overwrite { out: logits, width: labels });
        logits.chunks_exact(labels).map(<[f32]>::to_vec).collect()
    }

    /// The width of the embeddings.
    fn width(&self) -> usize {
        self.embedding_norm.weight.len()
    }

    /// Fills `out`, `[tokens, width]`, with the normalized embeddings of `sequences`, of which each has its range of
    /// `rows`. An unknown id has an embedding of zeros, and so has a token beyond the last position.
    fn embed<'s>(&self, sequences: impl Iterator<Item = &'s [u32]>, rows: &[Range<usize>], out: RowsMut<'_>) {
        let width = self.width();
        // The rows of the batch before are still there.
        out.values.fill(0.0);
        let words = self.word_embeddings.read();
        for (ids, rows) in sequences.zip(rows) {
            let out = out.values[rows.start * width..rows.end * width].chunks_exact_mut(width);
            let positions = self.position_embeddings.chunks_exact(width);
            for ((id, position), row) in ids.iter().zip(positions).zip(out) {
                words.lookup(*id, row);
                for (number, position) in row.iter_mut().zip(position) {
                    *number += position;
                }
            }
        }
        self.embedding_norm.apply(self.config.level, out);
    }
}
