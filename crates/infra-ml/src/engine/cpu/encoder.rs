use std::ops::Range;

use super::activation::Activate;
use super::arch::SimdLevel;
use super::arithmetic::Arithmetic;
use super::attention::Attention;
use super::epilogue::{Accumulate, Overwrite};
use super::linear::Linear;
use super::norm::LayerNorm;
use super::parallel::for_each;
use super::rows::RowsMut;
use super::scratch::{BlockScratch, Scratch};
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

/// The queries of a sequence within a block, and the rows of the sequence among those of the batch.
struct Queries<'a> {
    in_block: Range<usize>,
    sequence: &'a Range<usize>,
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
        self.compute_key_value(config, scratch, sequences, cores);
        let tokens = sequences.last().map_or(0, |last| last.end);
        let chunk_rows = tokens.div_ceil(cores).max(1);
        let block_rows = scratch.block_rows(sequences);
        let Scratch { states, key_value, blocks, .. } = scratch;
        let chunks = states.first(tokens).chunks(chunk_rows).into_iter().enumerate();
        for_each(cores, chunks, |(chunk, states)| {
            let mut block = blocks.take();
            let mut start = chunk * chunk_rows;
            for states in states.chunks(block_rows) {
                let rows = start..start + states.len();
                start = rows.end;
                let queries = sequences.iter().filter_map(|sequence| {
                    let own = sequence.start.max(rows.start)..sequence.end.min(rows.end);
                    let in_block = || own.start - rows.start..own.end - rows.start;
                    (own.start < own.end).then(|| Queries { in_block: in_block(), sequence })
                });
                self.compute_block(states, key_value, queries, &mut block);
            }
            blocks.give_back(block);
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
        self.compute_key_value(config, scratch, sequences, cores);
        let tokens = sequences.last().map_or(0, |last| last.end);
        let block_rows = scratch.block_rows(&[]);
        let Scratch { states, key_value, blocks, .. } = scratch;
        let mut states = states.first(tokens);
        for (row, sequence) in sequences.iter().enumerate() {
            states.copy_row(sequence.start, row);
        }
        let (states, _) = states.split_at(sequences.len());
        let mut block = blocks.take();
        for (states, sequences) in states.chunks(block_rows).into_iter().zip(sequences.chunks(block_rows)) {
            let queries = sequences.iter().enumerate();
            let queries = queries.map(|(row, sequence)| Queries { in_block: row..row + 1, sequence });
            self.compute_block(states, key_value, queries, &mut block);
        }
        blocks.give_back(block);
    }

    /// Writes the keys and values of all tokens, `[tokens, 2 · hidden]`.
    fn compute_key_value(
        &self,
        config: &EncoderConfig,
        scratch: &mut Scratch,
        sequences: &[Range<usize>],
        cores: usize,
    ) {
        let tokens = sequences.last().map_or(0, |last| last.end);
        let (width, chunk_rows) = (2 * config.hidden, tokens.div_ceil(cores).max(1));
        let Scratch { states, key_value, .. } = scratch;
        let chunks = states.first(tokens).chunks(chunk_rows).into_iter();
        for_each(cores, chunks.zip(key_value.chunks_mut(chunk_rows * width)), |(states, key_value)| {
            self.key_value.apply(config.level, states.as_ref(), Overwrite { out: key_value, width });
        });
    }

    /// Replaces the `states` of a block of rows by the results of the layer.
    fn compute_block<'s>(
        &self,
        states: RowsMut<'_>,
        key_value: &[f32],
        queries: impl Iterator<Item = Queries<'s>>,
        scratch: &mut BlockScratch,
    ) {
        let EncoderConfig { level, hidden: width, heads, .. } = scratch.config;
        scratch.reserve(states.len());
        let projected = &mut scratch.queries[..states.len() * width];
        self.query.apply(level, states.as_ref(), Overwrite { out: projected, width });
        let attended = scratch.attended.first(states.len()).values;
        for Queries { in_block, sequence } in queries {
            let in_block = in_block.start * width..in_block.end * width;
            Attention {
                queries: &projected[in_block.clone()],
                key_value: &key_value[sequence.start * 2 * width..sequence.end * 2 * width],
                heads,
                head_dim: width / heads,
                out: &mut attended[in_block],
                scratch: &mut scratch.attention,
            }
            .apply(level);
        }
        self.finish(states, scratch);
    }

    /// Computes everything after the attention, row by row: its output layer, the feed-forward network and both norms.
    fn finish(&self, states: RowsMut<'_>, scratch: &mut BlockScratch) {
        let BlockScratch { attended, intermediate, config, ffn_rows, .. } = scratch;
        let (level, width) = (config.level, config.hidden);
        let attended = attended.first(states.len()).chunks(*ffn_rows);
        for (mut states, mut attended) in states.chunks(*ffn_rows).into_iter().zip(attended) {
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
