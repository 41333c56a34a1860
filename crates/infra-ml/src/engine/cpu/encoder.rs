use std::ops::Range;

use super::activation::Activate;
use super::arch::Level;
use super::attention::{Attention, AttentionScratch};
use super::linear::{Add, Arithmetic, Linear, Store};
use super::norm::LayerNorm;
use super::parallel::for_each;
use super::rows::{Rows, RowsMut};
use crate::architecture::Activation;

/// One layer of BERT's encoder.
pub(super) struct Layer {
    /// Scaled by `1 / √(size of a head)`.
    pub(super) query: Linear,
    /// Keys, then values.
    pub(super) memory: Linear,
    pub(super) output: Linear,
    pub(super) attention_norm: LayerNorm,
    pub(super) inner: Linear,
    pub(super) outer: Linear,
    pub(super) norm: LayerNorm,
}

/// What the layers have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) level: Level,
    pub(super) arithmetic: Arithmetic,
    pub(super) hidden: usize,
    pub(super) inner: usize,
    pub(super) heads: usize,
    pub(super) activation: Activation,
}

/// What a forward writes to, kept from one batch to the next.
pub(super) struct Scratch {
    /// The hidden states, `[tokens][hidden]`.
    pub(super) states: Rows,
    queries: Vec<f32>,
    memory: Vec<f32>,
    /// What each core has for itself.
    cores: Vec<CoreScratch>,
}

struct CoreScratch {
    attended: Rows,
    inner: Rows,
    attention: AttentionScratch,
}

/// Rows that go through the feed-forward part together: few enough that what is between its two products stays in the
/// cache of a core, enough that the weights are not fetched too often.
const BLOCK: usize = 96;

impl Scratch {
    pub(super) fn new(shape: &Shape) -> Self {
        let states = Rows::new(shape.hidden, shape.arithmetic);
        Self { states, queries: Vec::new(), memory: Vec::new(), cores: Vec::new() }
    }

    pub(super) fn reserve(&mut self, shape: &Shape, tokens: usize, cores: usize) {
        self.states.reserve(tokens);
        if self.memory.len() < tokens * 2 * shape.hidden {
            self.queries.resize(tokens * shape.hidden, 0.0);
            self.memory.resize(tokens * 2 * shape.hidden, 0.0);
        }
        while self.cores.len() < cores {
            let attended = Rows::new(shape.hidden, shape.arithmetic);
            let mut inner = Rows::new(shape.inner, shape.arithmetic);
            inner.reserve(BLOCK);
            self.cores.push(CoreScratch { attended, inner, attention: AttentionScratch::new() });
        }
    }
}

impl Layer {
    /// Takes the states of the sequences that lie in the rows `sequences` through the layer, in place, on `cores`.
    pub(super) fn forward(
        &self,
        shape: &Shape,
        scratch: &mut Scratch,
        sequences: &[Range<usize>],
        cores: usize,
    ) {
        let tokens = sequences.last().map_or(0, |last| last.end);
        let (level, width, each) = (shape.level, shape.hidden, tokens.div_ceil(cores).max(1));
        let Scratch { states, queries, memory, cores: scratches } = scratch;
        let parts = states.first(tokens).split_every(each).into_iter();
        let parts = parts.zip(queries.chunks_mut(each * width)).zip(memory.chunks_mut(each * 2 * width));
        for_each(cores, parts, |((states, queries), memory)| {
            self.query.apply(level, states.read(), Store { out: queries, width });
            self.memory.apply(level, states.read(), Store { out: memory, width: 2 * width });
        });
        let (queries, memory) = (&queries[..], &memory[..]);
        let parts = states.first(tokens).split_every(each).into_iter().zip(scratches).enumerate();
        for_each(cores, parts, |(part, (states, scratch))| {
            let rows = part * each..part * each + states.len();
            scratch.attended.reserve(rows.len());
            let attended = scratch.attended.first(rows.len()).numbers;
            for sequence in sequences {
                let own = sequence.start.max(rows.start)..sequence.end.min(rows.end);
                if own.is_empty() {
                    continue;
                }
                let to = own.start - rows.start..own.end - rows.start;
                Attention {
                    queries: &queries[own.start * width..own.end * width],
                    memory: &memory[sequence.start * 2 * width..sequence.end * 2 * width],
                    heads: shape.heads,
                    size: width / shape.heads,
                    out: &mut attended[to.start * width..to.end * width],
                    scratch: &mut scratch.attention,
                }
                .apply(level);
            }
            self.finish(shape, states, scratch);
        });
    }

    /// The same where only the first token of each sequence is wanted, as after the last layer: all tokens are looked
    /// at, but only the first look. Their states then fill the first rows, in the order of the sequences.
    pub(super) fn forward_first(
        &self,
        shape: &Shape,
        scratch: &mut Scratch,
        sequences: &[Range<usize>],
        cores: usize,
    ) {
        let tokens = sequences.last().map_or(0, |last| last.end);
        let (level, width, each) = (shape.level, shape.hidden, tokens.div_ceil(cores).max(1));
        let Scratch { states, queries, memory, cores: scratches } = scratch;
        let parts =
            states.first(tokens).split_every(each).into_iter().zip(memory.chunks_mut(each * 2 * width));
        for_each(cores, parts, |(states, memory)| {
            self.memory.apply(level, states.read(), Store { out: memory, width: 2 * width });
        });
        let mut states = states.first(tokens);
        for (place, sequence) in sequences.iter().enumerate() {
            states.copy_row(sequence.start, place);
        }
        let (states, _) = states.split_at(sequences.len());
        self.query.apply(level, states.read(), Store { out: queries, width });
        let Some(scratch) = scratches.first_mut() else { return };
        scratch.attended.reserve(sequences.len());
        let attended = scratch.attended.first(sequences.len()).numbers;
        for ((queries, out), sequence) in
            queries.chunks_exact(width).zip(attended.chunks_exact_mut(width)).zip(sequences)
        {
            Attention {
                queries,
                memory: &memory[sequence.start * 2 * width..sequence.end * 2 * width],
                heads: shape.heads,
                size: width / shape.heads,
                out,
                scratch: &mut scratch.attention,
            }
            .apply(level);
        }
        self.finish(shape, states, scratch);
    }

    /// What comes after the attention, row by row.
    fn finish(&self, shape: &Shape, states: RowsMut<'_>, scratch: &mut CoreScratch) {
        let (level, width) = (shape.level, shape.hidden);
        let CoreScratch { attended, inner, .. } = scratch;
        let attended = attended.first(states.len()).split_every(BLOCK);
        for (mut states, mut attended) in states.split_every(BLOCK).into_iter().zip(attended) {
            attended.quantise(level);
            self.output.apply(level, attended.read(), Add { out: states.numbers, width });
            self.attention_norm.apply(level, states.reborrow());
            let mut inner = inner.first(states.len());
            let activate = Activate { function: shape.activation, out: inner.numbers, width: shape.inner };
            self.inner.apply(level, states.read(), activate);
            inner.quantise(level);
            self.outer.apply(level, inner.read(), Add { out: states.numbers, width });
            self.norm.apply(level, states);
        }
    }
}
