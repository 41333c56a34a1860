use domain::entities::Prediction;
use domain::value_objects::PredictionId;

/// Records writes to predictions in a unit of work.
pub trait PredictionRepository {
    /// Keep `prediction`. The commit fails with `Conflict` if its id exists already.
    fn insert(&mut self, prediction: &Prediction);

    /// Remove the prediction `id`. The commit fails with `NotFound` if the tenant has none of that id.
    fn delete(&mut self, id: PredictionId);
}
