//! Write sets: all or nothing, and each for itself.

use crate::StoreHarness;

/// A unit of work that is dropped before its commit leaves no trace.
pub async fn dropping_a_unit_of_work_writes_nothing(store: &impl StoreHarness) {
    let _ = store;
}
