use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use application::ports::{FoundRow, PredictionPage, StoreError, WalkPage};
use domain::value_objects::PredictionId;

use crate::columns::Columns;
use crate::prediction::read_prediction;

/// Reads pages of predictions; counts and logs the rows that it leaves out because they cannot be read.
#[derive(Debug, Default)]
pub struct PageReader {
    log: Mutex<Log>,
}

/// The log gets at most one line in this time: lists are read again and again, and skip the same rows each time.
const QUIET: Duration = Duration::from_mins(1);

#[derive(Debug, Default)]
struct Log {
    last_line: Option<Instant>,
    unreported: u64,
}

impl PageReader {
    /// Reads the page of the first `limit` of `rows`, of which there is one more where rows follow.
    ///
    /// # Errors
    /// As [`PredictionPage::from_rows`].
    pub fn read(
        &self,
        rows: impl IntoIterator<Item = impl Columns>,
        limit: u32,
    ) -> Result<PredictionPage, StoreError> {
        PredictionPage::from_rows(found(rows), limit, |error| self.skip(error))
    }

    /// Reads the page of a walk that holds `rows`; the rest as for [`WalkPage::from_rows`].
    ///
    /// # Errors
    /// As [`WalkPage::from_rows`].
    pub fn read_walk(
        &self,
        rows: impl IntoIterator<Item = impl Columns>,
        is_full: bool,
        edge: Option<PredictionId>,
    ) -> Result<WalkPage, StoreError> {
        WalkPage::from_rows(found(rows), is_full, edge, |error| self.skip(error))
    }

    /// Records a row that was left out because of `error`.
    fn skip(&self, error: &StoreError) {
        let StoreError::Corrupt { table, column, id } = error else { return };
        metrics::counter!("undertone_corrupt_rows_total", "table" => *table).increment(1);
        let rows = self.log.lock().unwrap_or_else(PoisonError::into_inner).add(Instant::now());
        if let Some(rows) = rows {
            tracing::warn!(table, column, id, rows, "a list left out unreadable rows, such as this one");
        }
    }
}

fn found(rows: impl IntoIterator<Item = impl Columns>) -> Vec<FoundRow> {
    let found = rows.into_iter().map(|row| FoundRow {
        id: row.id("id").ok().map(PredictionId::from_u128),
        record: read_prediction(&row),
    });
    found.collect()
}

impl Log {
    /// The rows that a line is to report now, if one is due.
    fn add(&mut self, now: Instant) -> Option<u64> {
        self.unreported += 1;
        if self.last_line.is_some_and(|last| now.duration_since(last) < QUIET) {
            return None;
        }
        self.last_line = Some(now);
        Some(std::mem::take(&mut self.unreported))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_line_at_once_and_then_one_a_minute_for_all_rows_since() {
        let (mut log, start) = (Log::default(), Instant::now());
        assert_eq!(log.add(start), Some(1));
        assert_eq!(log.add(start + QUIET / 3), None);
        assert_eq!(log.add(start + QUIET / 2), None);
        assert_eq!(log.add(start + QUIET), Some(3));
        assert_eq!(log.add(start + QUIET), None);
    }
}
