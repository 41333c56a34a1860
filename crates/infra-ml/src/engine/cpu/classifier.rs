use std::ops::Range;

use super::activation::{Activate, Activation};
use super::encoder::{Layer, Scratch, Shape};
use super::linear::{Arithmetic, Linear, Store};
use super::norm::LayerNorm;
use super::rows::Rows;
use super::words::Words;

/// `BertForSequenceClassification`, packed for the processor. It is only read, so that all workers share it.
pub(crate) struct Classifier {
    pub(super) shape: Shape,
    pub(super) words: Words,
    /// Position and token type embeddings, added up: `[positions][hidden]`. Every token is of type 0.
    pub(super) places: Vec<f32>,
    pub(super) norm: LayerNorm,
    pub(super) layers: Vec<Layer>,
    pub(super) pooler: Linear,
    pub(super) head: Linear,
}

/// What one worker computes with.
pub(crate) struct Workspace {
    scratch: Scratch,
    sequences: Vec<Range<usize>>,
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
        let Workspace { scratch, sequences: rows, pooled, logits } = space;
        rows.clear();
        let mut tokens = 0;
        rows.extend(sequences.clone().map(|ids| {
            let start = tokens;
            tokens += ids.len();
            start..tokens
        }));
        scratch.reserve(&self.shape, tokens, cores);
        let states = scratch.states.first(tokens);
        for (ids, rows) in sequences.zip(rows.iter()) {
            self.embed(ids, &mut states.numbers[rows.start * hidden..rows.end * hidden]);
        }
        self.norm.apply(level, states);
        let Some((last, layers)) = self.layers.split_last() else { return Vec::new() };
        for layer in layers {
            layer.forward(&self.shape, scratch, rows, cores);
        }
        last.forward_first(&self.shape, scratch, rows, cores);
        let (count, labels) = (rows.len(), self.head.outputs());
        pooled.reserve(count);
        let pooled = pooled.first(count);
        let activate = Activate { function: Activation::Tanh, out: pooled.numbers, width: hidden };
        self.pooler.apply(level, scratch.states.first(count).read(), activate);
        logits.resize(count * labels, 0.0);
        self.head.apply(level, pooled.read(), Store { out: logits, width: labels });
        logits.chunks_exact(labels).map(<[f32]>::to_vec).collect()
    }

    fn embed(&self, ids: &[u32], out: &mut [f32]) {
        let hidden = self.shape.hidden;
        for ((id, place), row) in
            ids.iter().zip(self.places.chunks_exact(hidden)).zip(out.chunks_exact_mut(hidden))
        {
            self.words.read(*id, row);
            for (number, place) in row.iter_mut().zip(place) {
                *number += place;
            }
        }
    }
}
