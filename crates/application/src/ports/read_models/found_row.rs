use domain::value_objects::PredictionId;

use crate::dtos::PredictionRecord;
use crate::ports::StoreError;

/// A row that a store has read.
#[derive(Debug)]
pub struct FoundRow {
    /// Its id; none where the id cannot be read.
    pub id: Option<PredictionId>,
    /// Its content, or the column that cannot be read.
    pub record: Result<PredictionRecord, StoreError>,
}
