use std::cell::RefCell;

use candle_core::{Device, Result, Tensor};

use crate::architecture::Relative;

/// Which row of the tables of positions belongs to the distance between two tokens.
///
/// The tables have the nearest distances first ([`nearest_first`]), so that short texts need but their beginnings.
pub(super) struct Distances {
    relative: Relative,
    device: Device,
    /// The rows for the longest text so far, `[width, width]`: the beginning of a long text is that of every text. The
    /// warm-up reads the longest.
    rows: RefCell<Option<Tensor>>,
}

/// The distances between the tokens of a batch.
pub(super) struct Between {
    /// For each query and key the row of a table of positions, `[heads, rows, width, width]`.
    rows: Tensor,
    /// The rows of a table that occur.
    reach: usize,
}

/// The places in a table of `2 · span` distances, from `-span` up, by their distance: 0, 1, -1, 2, -2 …
pub(super) fn nearest_first(span: usize, device: &Device) -> Result<Tensor> {
    let pairs = (1..span).flat_map(|distance| [span + distance, span - distance]);
    let places = std::iter::once(span).chain(pairs).chain([0]);
    Tensor::from_iter(places.map(|place| place as u32), device)
}

impl Distances {
    pub(super) fn new(relative: Relative, device: &Device) -> Self {
        Self { relative, device: device.clone(), rows: RefCell::default() }
    }

    /// The distances of a batch of `rows` texts of `width` tokens.
    pub(super) fn between(&self, heads: usize, (rows, width): (usize, usize)) -> Result<Between> {
        let mut known = self.rows.borrow_mut();
        let longest = match known.take().filter(|known| known.dims()[0] >= width) {
            Some(longest) => longest,
            None => self.square(width)?,
        };
        let square = known.insert(longest).narrow(0, 0, width)?.narrow(1, 0, width)?;
        let last = width.saturating_sub(1);
        let reach = 1 + self.row(last, 0).max(self.row(0, last));
        Ok(Between { rows: square.broadcast_as((heads, rows, width, width))?.contiguous()?, reach })
    }

    fn square(&self, width: usize) -> Result<Tensor> {
        let rows = (0..width).flat_map(|query| (0..width).map(move |key| self.row(query, key) as u32));
        Tensor::from_iter(rows, &self.device)?.reshape((width, width))
    }

    /// The row of a table for the distance from the token `key` to the token `query`.
    fn row(&self, query: usize, key: usize) -> usize {
        let (span, bucket) = (self.relative.span(), bucket(query.abs_diff(key), self.relative));
        match bucket {
            0 => 0,
            bucket if query > key => (2 * bucket.min(span - 1)).saturating_sub(1),
            bucket => (2 * bucket.min(span)).min(2 * span - 1),
        }
    }
}

impl Between {
    /// How much each query looks at its distance to each key: `[heads, rows, width, width]` of queries
    /// `[heads, rows, width, size]` and the keys of `positions`.
    pub(super) fn seen_by_queries(&self, queries: &Tensor, positions: &Tensor) -> Result<Tensor> {
        self.with_positions(queries, positions)?.gather(&self.rows, 3)
    }

    /// How much the distance to each query looks at each key: of keys as above and the queries of `positions`.
    pub(super) fn seen_by_keys(&self, keys: &Tensor, positions: &Tensor) -> Result<Tensor> {
        self.with_positions(keys, positions)?.t()?.contiguous()?.gather(&self.rows, 2)
    }

    /// The products of all tokens and all positions that occur: `[heads, rows, width, reach]`.
    fn with_positions(&self, tokens: &Tensor, positions: &Tensor) -> Result<Tensor> {
        let (heads, rows, width, size) = tokens.dims4()?;
        let positions = positions.narrow(1, 0, self.reach)?.t()?;
        tokens
            .reshape((heads, rows * width, size))?
            .matmul(&positions)?
            .reshape((heads, rows, width, self.reach))
    }
}

/// The bucket of a distance: each has its own up to half of the buckets, beyond they grow with the logarithm.
/// `make_log_bucket_position` of transformers, in the same `f32`.
fn bucket(distance: usize, relative: Relative) -> usize {
    let Some(buckets) = relative.buckets else { return distance };
    let middle = buckets / 2;
    if distance <= middle {
        return distance;
    }
    let wide = middle as f32;
    let growth = (distance as f32 / wide).ln() / ((relative.farthest as f32 - 1.0) / wide).ln();
    middle + (growth * (wide - 1.0)).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relative(buckets: Option<usize>, farthest: usize) -> Relative {
        Relative { buckets, farthest, shared: true, normed: true }
    }

    /// What transformers gives.
    #[test]
    fn near_distances_have_buckets_of_their_own_and_far_ones_share_them() {
        for (buckets, farthest, expected) in [
            (256, 512, &[(1, 1), (128, 128), (129, 129), (192, 166), (256, 192), (510, 255), (511, 255)][..]),
            (256, 1_024, &[(129, 129), (130, 129), (192, 153), (512, 213), (1_023, 255)]),
            (32, 512, &[(16, 16), (17, 17), (18, 17), (24, 18), (256, 29), (511, 31)]),
            (8, 96, &[(4, 4), (5, 5), (6, 5), (48, 7), (95, 7)]),
        ] {
            for (distance, expected) in expected {
                let found = bucket(*distance, relative(Some(buckets), farthest));
                assert_eq!(found, *expected, "{distance} in {buckets} buckets");
            }
        }
    }

    #[test]
    fn the_row_of_a_distance_is_where_the_order_puts_it() {
        let span = 4;
        let order: Vec<u32> = nearest_first(span, &Device::Cpu).unwrap().to_vec1().unwrap();
        assert_eq!(order, [4, 5, 3, 6, 2, 7, 1, 0]);
        let distances = Distances::new(relative(None, span), &Device::Cpu);
        for (query, key) in (0..10).flat_map(|query| (0..10).map(move |key| (query, key))) {
            // From `-span` up to `span - 1`; what is farther is as far.
            let expected = (span + query).saturating_sub(key).min(2 * span - 1);
            let place = order[distances.row(query, key)];
            assert_eq!(place as usize, expected, "from {key} to {query}");
        }
    }
}
