use std::ops::Range;

use super::activation::Activate;
use super::arch::SimdLevel;
use super::arithmetic::Arithmetic;
use super::attention::{Attention, AttentionScratch};
use super::epilogue::{Accumulate, Overwrite};
use super::linear::Linear;
use super::norm::LayerNorm;
use super::parallel::for_each;
use super::rows::{Rows, RowsMut};
use crate::architecture::Activation;

/// A layer of BERT's encoder.
pub(super) struct Layer {
    /// Scaled by `1 / √head_dim`.
    pub(super) query: Linear,
    /// The projections to keys and to values as one: `hidden` inputs, `2 · hidden` outputs.
    pub(super) key_value: Linear,
    pub(super) attention_output: Linear,
    pub(super) attention_norm: LayerNorm,
    /// The first layer of the feed-forward network, `hidden` to `intermediate`.
    pub(super) ffn_in: Linear,
    /// The second layer of the feed-forward network, `intermediate` to `hidden`.
    pub(super) ffn_out: Linear,
    pub(super) ffn_norm: LayerNorm,
}

/// The configuration that all layers share.
#[derive(Debug, Clone, Copy)]
pub(super) struct EncoderConfig {
    pub(super) level: SimdLevel,
    pub(super) arithmetic: Arithmetic,
    pub(super) hidden: usize,
    pub(super) intermediate: usize,
    pub(super) heads: usize,
    pub(super) activation: Activation,
}

/// The buffers of a forward pass, reused from batch to batch.
pub(super) struct Scratch {
    /// The hidden states, `[tokens, hidden]`.
    pub(super) states: Rows,
    /// `[tokens, hidden]`.
    queries: Vec<f32>,
    /// `[tokens, 2 · hidden]`: the keys of a token, then its values.
    key_value: Vec<f32>,
    per_core: Vec<CoreScratch>,
}

/// The buffers that each core has for itself.
struct CoreScratch {
    /// The attention of the core's tokens, `[tokens, hidden]`.
    attended: Rows,
    /// `[FFN_BLOCK, intermediate]`.
    intermediate: Rows,
    attention: AttentionScratch,
}

/// The rows that pass through the feed-forward network together: few enough for the intermediate states to stay in a
/// core's cache, enough to amortize loading the weights.
const FFN_BLOCK: usize = 96;

impl Scratch {
    pub(super) fn new(config: &EncoderConfig) -> Self {
        let states = Rows::new(config.hidden, config.arithmetic);
        Self { states, queries: Vec::new(), key_value: Vec::new(), per_core: Vec::new() }
    }

    /// Grows the buffers for a batch of `tokens` on `cores`.
    pub(super) fn reserve(&mut self, config: &EncoderConfig, tokens: usize, cores: usize) {
        self.states.reserve(tokens);
        if self.key_value.len() < tokens * 2 * config.hidden {
            self.queries.resize(tokens * config.hidden, 0.0);
            self.key_value.resize(tokens * 2 * config.hidden, 0.0);
        }
        while self.per_core.len() < cores {
            let attended = Rows::new(config.hidden, config.arithmetic);
            let mut intermediate = Rows::new(config.intermediate, config.arithmetic);
            intermediate.reserve(FFN_BLOCK);
            self.per_core.push(CoreScratch { attended, intermediate, attention: AttentionScratch::new() });
        }
    }
}

impl Layer {
    /// Computes the layer for all tokens: replaces the states in `scratch`, `[tokens, hidden]`, of which each of
    /// `sequences` is a range of rows, using `cores`.
    pub(super) fn forward(
        &self,
        config: &EncoderConfig,
        scratch: &mut Scratch,
        sequences: &[Range<usize>],
        cores: usize,
    ) {
        let tokens = sequences.last().map_or(0, |last| last.end);
        let (level, width, chunk_rows) = (config.level, config.hidden, tokens.div_ceil(cores).max(1));
        let Scratch { states, queries, key_value, per_core } = scratch;
        let chunks = states.first(tokens).chunks(chunk_rows).into_iter();
        let chunks = chunks.zip(queries.chunks_mut(chunk_rows * width));
        let chunks = chunks.zip(key_value.chunks_mut(chunk_rows * 2 * width));
        for_each(cores, chunks, |((states, queries), key_value)| {
            self.query.apply(level, states.as_ref(), Overwrite { out: queries, width });
            self.key_value.apply(level, states.as_ref(), Overwrite { out: key_value, width: 2 * width });
        });
        let (queries, key_value) = (&queries[..], &key_value[..]);
        let chunks = states.first(tokens).chunks(chunk_rows).into_iter().zip(per_core).enumerate();
        for_each(cores, chunks, |(chunk, (states, scratch))| {
            let rows = chunk * chunk_rows..chunk * chunk_rows + states.len();
            scratch.attended.reserve(rows.len());
            let attended = scratch.attended.first(rows.len()).values;
            for sequence in sequences {
                let own = sequence.start.max(rows.start)..sequence.end.min(rows.end);
                if own.is_empty() {
                    continue;
                }
                let to = own.start - rows.start..own.end - rows.start;
                Attention {
                    queries: &queries[own.start * width..own.end * width],
                    key_value: &key_value[sequence.start * 2 * width..sequence.end * 2 * width],
                    heads: config.heads,
                    head_dim: width / config.heads,
                    out: &mut attended[to.start * width..to.end * width],
                    scratch: &mut scratch.attention,
                }
                .apply(level);
            }
            self.finish(config, states, scratch);
        });
    }

    /// Computes the layer for the first token of each sequence only, which is all that the head reads of the last
    /// layer; keys and values are those of all tokens. The results become the first rows of the states, `[sequences,
    /// hidden]`.
    pub(super) fn forward_first_tokens(
        &self,
        config: &EncoderConfig,
        scratch: &mut Scratch,
        sequences: &[Range<usize>],
        cores: usize,
    ) {
        let tokens = sequences.last().map_or(0, |last| last.end);
        let (level, width, chunk_rows) = (config.level, config.hidden, tokens.div_ceil(cores).max(1));
        let Scratch { states, queries, key_value, per_core } = scratch;
        let chunks = states.first(tokens).chunks(chunk_rows).into_iter();
        let chunks = chunks.zip(key_value.chunks_mut(chunk_rows * 2 * width));
        for_each(cores, chunks, |(states, key_value)| {
            self.key_value.apply(level, states.as_ref(), Overwrite { out: key_value, width: 2 * width });
        });
        let mut states = states.first(tokens);
        for (row, sequence) in sequences.iter().enumerate() {
            states.copy_row(sequence.start, row);
        }
        let (states, _) = states.split_at(sequences.len());
        self.query.apply(level, states.as_ref(), Overwrite { out: queries, width });
        let Some(scratch) = per_core.first_mut() else { return };
        scratch.attended.reserve(sequences.len());
        let attended = scratch.attended.first(sequences.len()).values;
        for ((queries, out), sequence) in
            queries.chunks_exact(width).zip(attended.chunks_exact_mut(width)).zip(sequences)
        {
            Attention {
                queries,
                key_value: &key_value[sequence.start * 2 * width..sequence.end * 2 * width],
                heads: config.heads,
                head_dim: width / config.heads,
                out,
                scratch: &mut scratch.attention,
            }
            .apply(level);
        }
        self.finish(config, states, scratch);
    }

    /// Computes everything after the attention, row by row: its output layer, the feed-forward network and both norms.
    fn finish(&self, config: &EncoderConfig, states: RowsMut<'_>, scratch: &mut CoreScratch) {
        let (level, width) = (config.level, config.hidden);
        let CoreScratch { attended, intermediate, .. } = scratch;
        let attended = attended.first(states.len()).chunks(FFN_BLOCK);
        for (mut states, mut attended) in states.chunks(FFN_BLOCK).into_iter().zip(attended) {
            attended.quantize(level);
            let residual = Accumulate { out: states.values, width };
            self.attention_output.apply(level, attended.as_ref(), residual);
            self.attention_norm.apply(level, states.reborrow());
            let mut intermediate = intermediate.first(states.len());
            let (out, width) = (&mut *intermediate.values, config.intermediate);
            let activate = Activate { function: config.activation, out, width };
            self.ffn_in.apply(level, states.as_ref(), activate);
            intermediate.quantize(level);
            let residual = Accumulate { out: states.values, width: config.hidden };
            self.ffn_out.apply(level, intermediate.as_ref(), residual);
            self.ffn_norm.apply(level, states);
        }
    }
}
