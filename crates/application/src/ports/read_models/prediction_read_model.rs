use async_trait::async_trait;
use domain::value_objects::{PredictionId, TenantId};

use crate::dtos::PredictionRecord;
use crate::ports::{FoundRow, PredictionFilter, StoreError, WalkLimits, WalkPage, WalkRange};

/// A page of predictions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PredictionPage {
    /// The predictions, ids descending: those of the page's rows that can be read.
    pub items: Vec<PredictionRecord>,
    /// The page's last row, readable or not, where rows follow it: the next page begins below it.
    pub end: Option<PredictionId>,
}

impl PredictionPage {
    /// The page of the first `limit` of `rows`, of which there is one more where rows follow. Each row that cannot be
    /// read is left out, and its error passed to `skip`.
    ///
    /// # Errors
    /// The error of the first row, where rows follow the page and none of its own has a readable id, so that the
    /// beginning of the next page is unknown.
    pub fn from_rows(
        rows: Vec<FoundRow>,
        limit: u32,
        mut skip: impl FnMut(&StoreError),
    ) -> Result<Self, StoreError> {
        let rows_follow = rows.len() > limit as usize;
        let (mut items, mut end, mut first_error) = (Vec::with_capacity(rows.len()), None, None);
        for row in rows.into_iter().take(limit as usize) {
            end = row.id.or(end);
            match row.record {
                Ok(record) => items.push(record),
                Err(error) => {
                    skip(&error);
                    first_error.get_or_insert(error);
                }
            }
        }
        match (rows_follow, end, first_error) {
            (true, None, Some(error)) => Err(error),
            (true, end, _) => Ok(Self { items, end }),
            (false, ..) => Ok(Self { items, end: None }),
        }
    }
}

/// Reads predictions.
///
/// Implementations must return exactly what was stored (`a_prediction_comes_back_as_it_was_stored` and the other
/// round trips), must never return one tenant's rows to another (`tenants_do_not_see_each_other`), and must see every
/// write set that was committed before the call (`a_committed_write_is_seen_at_once`), and must return many predictions
/// in the order of their ids (`many_predictions_come_back_in_the_order_of_their_ids`). A row that cannot be read,
/// such as one with a value of a newer release, must not hide others: a list leaves it out, logs it and counts it
/// (`a_row_that_cannot_be_read_is_left_out_of_lists`, `a_walk_passes_rows_that_cannot_be_read`); of many predictions it
/// fails alone (`a_row_that_cannot_be_read_fails_alone_among_many`).
///
/// A walk in ascending order, from page to page up to [`newest`](Self::newest), must return every matching row that was
/// committed before that call and not deleted since, once
/// (`an_ascending_walk_sees_every_row_once_while_rows_come_and_go`,
/// `an_ascending_walk_selects_the_rows_of_its_filter`), and must pass rows that cannot be read
/// (`an_ascending_walk_passes_rows_that_cannot_be_read`). Each page must be a read of its own, with no transaction or
/// cursor left open, must hold and read no more rows than its limits allow
/// (`a_page_of_a_walk_looks_at_a_bounded_number_of_rows`), and must end once its texts are large
/// (`a_page_of_a_walk_ends_when_its_texts_are_large`).
#[async_trait]
pub trait PredictionReadModel: Send + Sync {
    /// The prediction `id`, if the tenant has it.
    ///
    /// # Errors
    /// `Unavailable`, or `Corrupt` for a row that cannot be read.
    async fn find(&self, tenant: &TenantId, id: PredictionId)
    -> Result<Option<PredictionRecord>, StoreError>;

    /// The predictions `ids`, in this order: none for each that the tenant does not have, and `Corrupt` for each whose
    /// row cannot be read.
    ///
    /// # Errors
    /// `Unavailable`; `Corrupt` where the id of a row cannot be read.
    async fn find_many(
        &self,
        tenant: &TenantId,
        ids: &[PredictionId],
    ) -> Result<Vec<Result<Option<PredictionRecord>, StoreError>>, StoreError>;

    /// The page of the first `limit` rows (at least 1) that match `filter`, ids descending, below `after`.
    ///
    /// # Errors
    /// `Unavailable`; `Corrupt` where no id of the rows can be read.
    async fn list(
        &self,
        tenant: &TenantId,
        filter: &PredictionFilter,
        after: Option<PredictionId>,
        limit: u32,
    ) -> Result<PredictionPage, StoreError>;

    /// The highest id of the tenant's predictions; none where it has no prediction.
    ///
    /// # Errors
    /// `Unavailable`; `Corrupt` where the id cannot be read.
    async fn newest(&self, tenant: &TenantId) -> Result<Option<PredictionId>, StoreError>;

    /// A page of the rows in `range` that match `filter`, ids ascending, within `limits`. It may hold fewer rows than
    /// its limits allow, or none, before the end of the walk.
    ///
    /// # Errors
    /// `Unavailable`; `Corrupt` where no id of the rows can be read.
    async fn walk(
        &self,
        tenant: &TenantId,
        filter: &PredictionFilter,
        range: WalkRange,
        limits: WalkLimits,
    ) -> Result<WalkPage, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreadable(id: Option<u128>) -> FoundRow {
        let error = StoreError::Corrupt { table: "predictions", column: "id", id: format!("{id:?}") };
        FoundRow { id: id.map(PredictionId::from_u128), record: Err(error) }
    }

    fn end(rows: Vec<FoundRow>, limit: u32) -> Result<(Option<u128>, usize), String> {
        let mut skipped = 0;
        let page = PredictionPage::from_rows(rows, limit, |_| skipped += 1);
        page.map(|page| (page.end.map(PredictionId::as_u128), skipped)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_page_ends_with_its_last_row_whether_that_can_be_read_or_not() {
        let rows = || vec![unreadable(Some(9)), unreadable(Some(8)), unreadable(Some(7))];
        assert_eq!(end(rows(), 2), Ok((Some(8), 2)));
        assert_eq!(end(rows(), 3), Ok((None, 3)));
        assert_eq!(end(Vec::new(), 3), Ok((None, 0)));
    }

    #[test]
    fn a_row_without_a_readable_id_does_not_end_the_walk() {
        let rows = vec![unreadable(Some(9)), unreadable(None), unreadable(Some(7))];
        assert_eq!(end(rows, 2), Ok((Some(9), 2)));
        let nowhere = end(vec![unreadable(None), unreadable(None)], 1);
        assert_eq!(nowhere, Err("row None of predictions cannot be read: id".to_owned()));
    }
}
