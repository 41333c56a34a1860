use std::ops::Range;

use super::activation::Activate;
use super::encoder::{Layer, Scratch, Shape};
use super::linear::{Arithmetic, Linear, Store};
use super::norm::LayerNorm;
use super::rows::{Rows, RowsMut};
use super::words::Words;
use crate::architecture::Activation;

/// A classifier with BERT's encoder, packed for the processor. It is only read, so that all workers share it.
pub(crate) struct Classifier {
    pub(super) shape: Shape,
    pub(super) words: Words,
    /// Position and token type embeddings, added up: `[positions][width]`. Every token is of type 0.
    pub(super) places: Vec<f32>,
    pub(super) norm: LayerNorm,
    /// From embeddings of another width than the encoder's.
    pub(super) project: Option<Linear>,
    pub(super) layers: Vec<Layer>,
    /// The first layer of the head, the function behind it, and the layer to the labels.
    pub(super) dense: Linear,
    pub(super) activation: Activation,
    pub(super) output: Linear,
}

/// What one worker computes with.
pub(crate) struct Workspace {
    scratch: Scratch,
    sequences: Vec<Range<usize>>,
    /// The embeddings, where they are of another width than the states.
    embedded: Rows,
    pooled: Rows,
    logits: Vec<f32>,
}

impl Classifier {
    /// What its encoder computes with.
    pub(crate) fn arithmetic(&self) -> Arithmetic {
        self.shape.arithmetic
    }

    pub(crate) fn workspace(&self) -> Workspace {
        Workspace {
            scratch: Scratch::new(&self.shape),
            sequences: Vec::new(),
            embedded: Rows::new(self.width(), Arithmetic::F32),
            pooled: Rows::new(self.shape.hidden, Arithmetic::F32),
            logits: Vec::new(),
        }
    }

    /// The logits of each of `sequences`, token ids with their special tokens: `[sequences][labels]`.
    pub(crate) fn forward<'s>(
        &self,
        space: &mut Workspace,
        sequences: impl Iterator<Item = &'s [u32]> + Clone,
        cores: usize,
    ) -> Vec<Vec<f32>> {
        let Shape { level, hidden, .. } = self.shape;
        let Workspace { scratch, sequences: rows, embedded, pooled, logits } = space;
        rows.clear();
        let mut tokens = 0;
        rows.extend(sequences.clone().map(|ids| {
            let start = tokens;
            tokens += ids.len();
            start..tokens
        }));
        scratch.reserve(&self.shape, tokens, cores);
        let mut states = scratch.states.first(tokens);
        if let Some(project) = &self.project {
            embedded.reserve(tokens);
            let mut embedded = embedded.first(tokens);
            self.embed(sequences, rows, embedded.reborrow());
            project.apply(level, embedded.read(), Store { out: states.numbers, width: hidden });
            states.quantise(level);
        } else {
            self.embed(sequences, rows, states);
        }
        let Some((last, layers)) = self.layers.split_last() else { return Vec::new() };
        for layer in layers {
            layer.forward(&self.shape, scratch, rows, cores);
        }
        last.forward_first(&self.shape, scratch, rows, cores);
        let (count, labels) = (rows.len(), self.output.outputs());
        pooled.reserve(count);
        let pooled = pooled.first(count);
        let activate = Activate { function: self.activation, out: pooled.numbers, width: hidden };
        self.dense.apply(level, scratch.states.first(count).read(), activate);
        logits.resize(count * labels, 0.0);
        self.output.apply(level, pooled.read(), Store { out: logits, width: labels });
        logits.chunks_exact(labels).map(<[f32]>::to_vec).collect()
    }

    /// The width of the embeddings.
    fn width(&self) -> usize {
        self.norm.weight.len()
    }

    /// Fills `out` with the normed embeddings of `sequences`, which lie in its rows `rows`.
    fn embed<'s>(&self, sequences: impl Iterator<Item = &'s [u32]>, rows: &[Range<usize>], out: RowsMut<'_>) {
        let width = self.width();
        for (ids, rows) in sequences.zip(rows) {
            let out = out.numbers[rows.start * width..rows.end * width].chunks_exact_mut(width);
            for ((id, place), row) in ids.iter().zip(self.places.chunks_exact(width)).zip(out) {
                self.words.read(*id, row);
                for (number, place) in row.iter_mut().zip(place) {
                    *number += place;
                }
            }
        }
        self.norm.apply(self.shape.level, out);
    }
}
