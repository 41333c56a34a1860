use std::collections::BinaryHeap;

use domain::value_objects::{PredictionId, TenantId};

use crate::errors::ApplicationError;
use crate::ports::{AnalyticsReadModel, IdWalk, TextSelection};

/// The most texts of a side that are read.
const MAX_TEXTS: usize = 25_000;
/// The rows that the store examines at a time: some milliseconds, or some tens where their models are compared.
const ROWS_AT_A_TIME: u32 = 25_000;

/// A uniform sample of predictions: those whose ids have the lowest random bits.
#[derive(Debug)]
pub(super) struct Sample {
    /// The ids, the lowest random bits first.
    pub(super) ids: Vec<PredictionId>,
    /// The predictions from which the sample was drawn.
    pub(super) of: u64,
}

impl Sample {
    /// Draws from all `selections` together, in one walk over their ids. Once the sample is full, the store returns
    /// only the ids that replace others: of 10,000,000 about 175,000.
    pub(super) async fn draw(
        analytics: &dyn AnalyticsReadModel,
        tenant: &TenantId,
        selections: &[TextSelection],
    ) -> Result<Self, ApplicationError> {
        let (mut lowest, mut of) = (Lowest::new(MAX_TEXTS), 0);
        for selection in selections {
            let mut after = None;
            loop {
                let walk = IdWalk { after, at_most: lowest.bound(), limit: ROWS_AT_A_TIME };
                let page = analytics.walk_ids(tenant, selection, walk).await?;
                of += page.matching;
                page.ids.into_iter().for_each(|id| lowest.add(id));
                match page.end {
                    Some(end) => after = Some(end),
                    None => break,
                }
            }
        }
        Ok(Self { ids: lowest.into_ids(), of })
    }
}

/// The ids with the lowest random bits.
struct Lowest {
    /// The greatest on top.
    heap: BinaryHeap<(u32, PredictionId)>,
    size: usize,
}

impl Lowest {
    fn new(size: usize) -> Self {
        Self { heap: BinaryHeap::new(), size }
    }

    /// The greatest random bits that an id may have to be added.
    fn bound(&self) -> u32 {
        match self.heap.peek() {
            Some((bits, _)) if self.heap.len() >= self.size => *bits,
            _ => u32::MAX,
        }
    }

    fn add(&mut self, id: PredictionId) {
        self.heap.push((id.random_bits(), id));
        if self.heap.len() > self.size {
            self.heap.pop();
        }
    }

    fn into_ids(self) -> Vec<PredictionId> {
        self.heap.into_sorted_vec().into_iter().map(|(_, id)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_with_the_lowest_bits_are_selected_in_any_order() {
        let ids = |numbers: &[u128]| {
            let mut lowest = Lowest::new(3);
            assert_eq!(lowest.bound(), u32::MAX);
            for number in numbers {
                lowest.add(PredictionId::from_u128(1 << 100 | *number));
            }
            (lowest.bound(), lowest.into_ids().into_iter().map(PredictionId::random_bits).collect::<Vec<_>>())
        };
        assert_eq!(ids(&[5, 4, 3, 2, 1]), (3, vec![1, 2, 3]));
        assert_eq!(ids(&[1, 9, 2, 8, 3]), (3, vec![1, 2, 3]));
        assert_eq!(ids(&[7, 1]), (u32::MAX, vec![1, 7]));
    }
}
