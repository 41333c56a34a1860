use domain::value_objects::PredictionId;

use crate::dtos::PredictionRecord;
use crate::ports::{FoundRow, PredictionFilter, StoreError};

/// The ids that are left of a walk over predictions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkRange {
    /// How far the walk has come; none at its beginning.
    pub after: Option<PredictionId>,
    /// The last id, inclusive: rows that are made later are not chased.
    pub last: PredictionId,
}

/// How much one page of a walk may hold and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkLimits {
    /// The most rows on the page, at least 1.
    pub rows: u32,
    /// The page ends with the row at which the texts and sentences of its rows reach so many bytes.
    pub bytes: u64,
    /// The most rows to look at, at least 1: a filter may match few of them.
    pub read: u32,
}

/// A page of a walk.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WalkPage {
    /// The predictions, ids ascending: those of the page's rows that can be read. There may be none before the end.
    pub items: Vec<PredictionRecord>,
    /// How far the walk has come, where ids are left: the next page begins above it.
    pub reached: Option<PredictionId>,
}

impl WalkPage {
    /// The page of `rows`, ids ascending. If the page `is_full`, rows may follow its last one; else the walk has come
    /// to `edge`, or to its end where there is none. Each row that cannot be read is left out, and its error passed to
    /// `skip`.
    ///
    /// # Errors
    /// The error of the first row, where the page is full and none of its rows has a readable id, so that the
    /// beginning of the next page is unknown.
    pub fn from_rows(
        rows: Vec<FoundRow>,
        is_full: bool,
        edge: Option<PredictionId>,
        mut skip: impl FnMut(&StoreError),
    ) -> Result<Self, StoreError> {
        let (mut items, mut last_id, mut first_error) = (Vec::with_capacity(rows.len()), None, None);
        for row in rows {
            last_id = row.id.or(last_id);
            match row.record {
                Ok(record) => items.push(record),
                Err(error) => {
                    skip(&error);
                    first_error.get_or_insert(error);
                }
            }
        }
        match (is_full, last_id, first_error) {
            (true, None, Some(error)) => Err(error),
            (true, last_id, _) => Ok(Self { items, reached: last_id }),
            (false, ..) => Ok(Self { items, reached: edge }),
        }
    }
}

impl PredictionFilter {
    /// The lowest and the highest id, both inclusive, that the times leave of `range`; none where they leave nothing.
    /// The times themselves must be compared as well, as for [`id_range`](Self::id_range).
    pub fn walk_bounds(&self, range: WalkRange) -> Option<(PredictionId, PredictionId)> {
        let after = match range.after {
            Some(after) => PredictionId::from_u128(after.as_u128().checked_add(1)?),
            None => PredictionId::from_u128(0),
        };
        let first = self.from.map_or(after, |from| after.max(PredictionId::lowest_at(from)));
        let last = match self.to.and_then(PredictionId::lowest_after) {
            Some(end) => range.last.min(PredictionId::from_u128(end.as_u128().checked_sub(1)?)),
            None => range.last,
        };
        (first <= last).then_some((first, last))
    }

    /// Whether an index in the order of ids holds exactly the rows that match, times apart: a page then reads no more
    /// rows than it returns.
    pub fn is_indexed(&self) -> bool {
        let Self { sentiment, model, reference, min_confidence, max_confidence, terms, from: _, to: _ } =
            self;
        let scanned = model.is_some() || min_confidence.is_some() || max_confidence.is_some();
        !scanned && terms.is_empty() && (sentiment.is_none() || reference.is_none())
    }
}

#[cfg(test)]
mod tests {
    use domain::value_objects::{Reference, Sentiment, Timestamp};

    use super::*;

    fn id(bits: u128) -> PredictionId {
        PredictionId::from_u128(bits)
    }

    fn bounds(filter: &PredictionFilter, after: Option<u128>, last: u128) -> Option<(u128, u128)> {
        let bounds = filter.walk_bounds(WalkRange { after: after.map(id), last: id(last) });
        bounds.map(|(first, last)| (first.as_u128(), last.as_u128()))
    }

    #[test]
    fn a_walk_begins_above_what_it_has_reached() {
        let any = PredictionFilter::default();
        assert_eq!(bounds(&any, None, 9), Some((0, 9)));
        assert_eq!(bounds(&any, Some(3), 9), Some((4, 9)));
        assert_eq!(bounds(&any, Some(8), 9), Some((9, 9)));
        assert_eq!(bounds(&any, Some(9), 9), None);
        assert_eq!(bounds(&any, Some(u128::MAX), u128::MAX), None);
    }

    #[test]
    fn times_narrow_the_ids_of_a_walk() {
        let at = |millis: i64| Some(Timestamp::from_micros(millis * 1_000));
        let filter = PredictionFilter { from: at(2), to: at(4), ..PredictionFilter::default() };
        assert_eq!(bounds(&filter, None, u128::MAX), Some((2 << 80, (5 << 80) - 1)));
        assert_eq!(bounds(&filter, Some(3 << 80), u128::MAX), Some(((3 << 80) + 1, (5 << 80) - 1)));
        assert_eq!(bounds(&filter, None, 1 << 80), None);
    }

    #[test]
    fn conditions_without_an_index_of_their_own_are_scanned_for() {
        let any = PredictionFilter::default;
        let sentiment = PredictionFilter { sentiment: Some(Sentiment::Mixed), ..any() };
        let reference = PredictionFilter { reference: Reference::parse("a").ok(), ..any() };
        assert!(any().is_indexed() && sentiment.is_indexed() && reference.is_indexed());
        assert!(
            !PredictionFilter { reference: Reference::parse("a").ok(), ..sentiment.clone() }.is_indexed()
        );
        assert!(!PredictionFilter { model: Some("m".to_owned()), ..any() }.is_indexed());
        assert!(!PredictionFilter { terms: ["a".to_owned()].into(), ..sentiment }.is_indexed());
    }

    #[test]
    fn a_page_that_is_not_full_has_come_to_its_edge() {
        let unreadable = |id: Option<u128>| {
            let error = StoreError::Corrupt { table: "predictions", column: "id", id: format!("{id:?}") };
            FoundRow { id: id.map(PredictionId::from_u128), record: Err(error) }
        };
        let reached = |rows, is_full, edge: Option<u128>| {
            let page = WalkPage::from_rows(rows, is_full, edge.map(id), |_| {});
            page.map(|page| page.reached.map(PredictionId::as_u128)).map_err(|error| error.to_string())
        };
        assert_eq!(reached(vec![unreadable(Some(7))], false, Some(9)), Ok(Some(9)));
        assert_eq!(reached(vec![unreadable(Some(7))], false, None), Ok(None));
        assert_eq!(reached(vec![unreadable(Some(7)), unreadable(None)], true, Some(9)), Ok(Some(7)));
        assert!(reached(vec![unreadable(None)], true, Some(9)).is_err());
        assert_eq!(reached(Vec::new(), true, None), Ok(None));
    }
}
