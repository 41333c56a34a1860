use std::sync::{Mutex, PoisonError};

use candle_core::{Device, Result, Tensor};

use crate::architecture::RelativeAttention;
use crate::engine::candle::kernels::{Kernels, numbers, on_cpu};
use crate::engine::cpu::softmax;

/// Maps the distance between two tokens to its row in a table of relative positions.
///
/// The tables have the shortest distances first ([`nearest_first`]), so that short texts use only their first rows.
pub(super) struct RelativePositions {
    relative: RelativeAttention,
    device: Device,
    /// The table rows of the longest text so far, `[width, width]`; those of a shorter text are its top left corner.
    /// The warm-up runs the longest.
    cached: Mutex<Option<Tensor>>,
}

/// The table rows of the distances between the tokens of a batch.
pub(super) struct RelativePositionIndex {
    /// The table row for each query and key, `[width, width]`.
    square: Tensor,
    /// The number of table rows that the batch uses, from the first on.
    used_rows: usize,
}

/// The products of tokens and table rows, `[heads, rows, width, used_rows]`, of which the relative terms of the scores
/// are selected; `None` for a term that the model does not have.
pub(super) struct Terms {
    /// Of queries and the keys of the positions.
    pub(super) content: Option<Tensor>,
    /// Of keys and the queries of the positions.
    pub(super) position: Option<Tensor>,
}

/// The order of a table of `2 · span` distances, from `-span` up, by their length: 0, 1, -1, 2, -2 …
pub(super) fn nearest_first(span: usize, device: &Device) -> Result<Tensor> {
    let pairs = (1..span).flat_map(|distance| [span + distance, span - distance]);
    let order = std::iter::once(span).chain(pairs).chain([0]);
    Tensor::from_iter(order.map(|row| row as u32), device)
}

impl RelativePositions {
    pub(super) fn new(relative: RelativeAttention, device: &Device) -> Self {
        Self { relative, device: device.clone(), cached: Mutex::default() }
    }

    /// Returns the table rows for texts of `width` tokens.
    pub(super) fn index(&self, width: usize) -> Result<RelativePositionIndex> {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        let longest = match cached.take().filter(|cached| cached.dims()[0] >= width) {
            Some(longest) => longest,
            None => self.square(width)?,
        };
        let square = cached.insert(longest).narrow(0, 0, width)?.narrow(1, 0, width)?;
        let last = width.saturating_sub(1);
        let used_rows = 1 + self.row(last, 0).max(self.row(0, last));
        Ok(RelativePositionIndex { square: square.contiguous()?, used_rows })
    }

    /// The table rows for all pairs of `width` tokens, `[width, width]`.
    fn square(&self, width: usize) -> Result<Tensor> {
        let rows = (0..width).flat_map(|query| (0..width).map(move |key| self.row(query, key) as u32));
        Tensor::from_iter(rows, &self.device)?.reshape((width, width))
    }

    /// The table row for the distance from the token `key` to the token `query`.
    fn row(&self, query: usize, key: usize) -> usize {
        let (span, bucket) = (self.relative.span(), bucket(query.abs_diff(key), self.relative));
        match bucket {
            0 => 0,
            bucket if query > key => (2 * bucket.min(span - 1)).saturating_sub(1),
            bucket => (2 * bucket.min(span)).min(2 * span - 1),
        }
    }
}

impl RelativePositionIndex {
    /// Returns the softmax of the sums of `scores`, `[heads, rows, width, width]`, their relative `terms` and `mask`,
    /// `[1, rows, 1, width]`.
    pub(super) fn softmax(
        &self,
        kernels: Kernels,
        scores: &Tensor,
        terms: &Terms,
        mask: &Tensor,
    ) -> Result<Tensor> {
        match kernels {
            Kernels::Candle => {
                let index = self.square.broadcast_as(scores.shape())?.contiguous()?;
                let mut scores = scores.clone();
                if let Some(products) = &terms.content {
                    scores = (scores + products.gather(&index, 3)?)?;
                }
                if let Some(products) = &terms.position {
                    scores = (scores + products.t()?.contiguous()?.gather(&index, 2)?)?;
                }
                kernels.softmax(&scores.to_dtype(mask.dtype())?, mask)
            }
            Kernels::Cpu => self.softmax_on_cpu(scores, terms, mask),
        }
    }

    /// [`Self::softmax`] in one pass over the scores.
    fn softmax_on_cpu(&self, scores: &Tensor, terms: &Terms, mask: &Tensor) -> Result<Tensor> {
        let (_, rows, width, _) = scores.dims4()?;
        let square: Vec<u32> = self.square.flatten_all()?.to_vec1()?;
        let mask: Vec<f32> = mask.flatten_all()?.to_vec1()?;
        let used = self.used_rows;
        optional_numbers(terms.content.as_ref(), |content| {
            optional_numbers(terms.position.as_ref(), |position| {
                let add = |row: usize, scores: &mut [f32]| {
                    let (text, query) = (row / width, row % width);
                    let index = &square[query * width..][..width];
                    if let Some(products) = content.get(row * used..(row + 1) * used) {
                        for (score, index) in scores.iter_mut().zip(index) {
                            *score += products[*index as usize];
                        }
                    }
                    if let Some(products) = position.get(text * width * used..(text + 1) * width * used) {
                        let keys = index.iter().zip(products.chunks_exact(used));
                        for (score, (index, products)) in scores.iter_mut().zip(keys) {
                            *score += products[*index as usize];
                        }
                    }
                    for (score, mask) in scores.iter_mut().zip(&mask[text % rows * width..]) {
                        *score += mask;
                    }
                };
                on_cpu(scores, width, |scores| softmax(scores, width, add))
            })?
        })?
    }

    /// The products of all tokens and all used positions, `[heads, rows, width, used_rows]`.
    pub(super) fn products(&self, tokens: &Tensor, positions: &Tensor) -> Result<Tensor> {
        let (heads, rows, width, head_dim) = tokens.dims4()?;
        let positions = positions.narrow(1, 0, self.used_rows)?.t()?;
        tokens.reshape((heads, rows * width, head_dim))?.matmul(&positions)?.reshape((
            heads,
            rows,
            width,
            self.used_rows,
        ))
    }
}

/// [`numbers`] of `tensor`, or none.
fn optional_numbers<R>(tensor: Option<&Tensor>, read: impl FnOnce(&[f32]) -> R) -> Result<R> {
    match tensor {
        Some(tensor) => numbers(tensor, read),
        None => Ok(read(&[])),
    }
}

/// The bucket of a distance: its own up to half of the buckets, logarithmic beyond. Computed in `f32` as in
/// `make_log_bucket_position` of transformers.
fn bucket(distance: usize, relative: RelativeAttention) -> usize {
    let Some(buckets) = relative.buckets else { return distance };
    let middle = buckets / 2;
    if distance <= middle {
        return distance;
    }
    let half = middle as f32;
    let growth = (distance as f32 / half).ln() / ((relative.max_distance as f32 - 1.0) / half).ln();
    middle + (growth * (half - 1.0)).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relative(buckets: Option<usize>, max_distance: usize) -> RelativeAttention {
        RelativeAttention { buckets, max_distance, shared_projections: true, layer_norm: true }
    }

    /// The expected buckets are those of transformers.
    #[test]
    fn short_distances_have_their_own_bucket_and_long_ones_share_logarithmic_buckets() {
        for (buckets, max_distance, expected) in [
            (256, 512, &[(1, 1), (128, 128), (129, 129), (192, 166), (256, 192), (510, 255), (511, 255)][..]),
            (256, 1_024, &[(129, 129), (130, 129), (192, 153), (512, 213), (1_023, 255)]),
            (32, 512, &[(16, 16), (17, 17), (18, 17), (24, 18), (256, 29), (511, 31)]),
            (8, 96, &[(4, 4), (5, 5), (6, 5), (48, 7), (95, 7)]),
        ] {
            for (distance, expected) in expected {
                let found = bucket(*distance, relative(Some(buckets), max_distance));
                assert_eq!(found, *expected, "{distance} in {buckets} buckets");
            }
        }
    }

    #[test]
    fn the_row_of_a_distance_matches_the_order_of_the_table() {
        let span = 4;
        let order: Vec<u32> = nearest_first(span, &Device::Cpu).unwrap().to_vec1().unwrap();
        assert_eq!(order, [4, 5, 3, 6, 2, 7, 1, 0]);
        let positions = RelativePositions::new(relative(None, span), &Device::Cpu);
        for (query, key) in (0..10).flat_map(|query| (0..10).map(move |key| (query, key))) {
            // From `-span` to `span - 1`; longer distances count as these.
            let expected = (span + query).saturating_sub(key).min(2 * span - 1);
            let row = order[positions.row(query, key)];
            assert_eq!(row as usize, expected, "from {key} to {query}");
        }
    }
}
