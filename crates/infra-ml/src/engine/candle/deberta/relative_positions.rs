use std::cell::RefCell;

use candle_core::{Device, Result, Tensor};

use crate::architecture::RelativeAttention;

/// Maps the distance between two tokens to its row in a table of relative positions.
///
/// The tables have the shortest distances first ([`nearest_first`]), so that short texts use only their first rows.
pub(super) struct RelativePositions {
    relative: RelativeAttention,
    device: Device,
    /// The table rows of the longest text so far, `[width, width]`; those of a shorter text are its top left corner.
    /// The warm-up runs the longest.
    cached: RefCell<Option<Tensor>>,
}

/// The table rows of the distances between the tokens of a batch.
pub(super) struct RelativePositionIndex {
    /// The table row for each query and key, `[heads, rows, width, width]`.
    index: Tensor,
    /// The number of table rows that the batch uses, from the first on.
    used_rows: usize,
}

/// The order of a table of `2 · span` distances, from `-span` up, by their length: 0, 1, -1, 2, -2 …
pub(super) fn nearest_first(span: usize, device: &Device) -> Result<Tensor> {
    let pairs = (1..span).flat_map(|distance| [span + distance, span - distance]);
    let order = std::iter::once(span).chain(pairs).chain([0]);
    Tensor::from_iter(order.map(|row| row as u32), device)
}

impl RelativePositions {
    pub(super) fn new(relative: RelativeAttention, device: &Device) -> Self {
        Self { relative, device: device.clone(), cached: RefCell::default() }
    }

    /// Returns the table rows for a batch of `rows` texts of `width` tokens.
    pub(super) fn index(&self, heads: usize, (rows, width): (usize, usize)) -> Result<RelativePositionIndex> {
        let mut cached = self.cached.borrow_mut();
        let longest = match cached.take().filter(|cached| cached.dims()[0] >= width) {
            Some(longest) => longest,
            None => self.square(width)?,
        };
        let square = cached.insert(longest).narrow(0, 0, width)?.narrow(1, 0, width)?;
        let last = width.saturating_sub(1);
        let used_rows = 1 + self.row(last, 0).max(self.row(0, last));
        let index = square.broadcast_as((heads, rows, width, width))?.contiguous()?;
        Ok(RelativePositionIndex { index, used_rows })
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
    /// Returns the content-to-position term of the scores, `[heads, rows, width, width]`, of `queries`,
    /// `[heads, rows, width, head_dim]`, and the keys of the positions, `[heads, 2 · span, head_dim]`.
    pub(super) fn content_to_position(&self, queries: &Tensor, position_keys: &Tensor) -> Result<Tensor> {
        self.products(queries, position_keys)?.gather(&self.index, 3)
    }

    /// Returns the position-to-content term of the scores, of `keys` and the queries of the positions; shapes as in
    /// [`Self::content_to_position`].
    pub(super) fn position_to_content(&self, keys: &Tensor, position_queries: &Tensor) -> Result<Tensor> {
        self.products(keys, position_queries)?.t()?.contiguous()?.gather(&self.index, 2)
    }

    /// The products of all tokens and all used positions, `[heads, rows, width, used_rows]`.
    fn products(&self, tokens: &Tensor, positions: &Tensor) -> Result<Tensor> {
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
