use std::panic::resume_unwind;

use application::ports::{StoreError, UnitOfWork};
use store_codec::PreparedSet;
use tokio::task::spawn_blocking;

use crate::error::{Failure, unavailable};

/// Prepares `work`, away from the caller's thread where that takes long.
pub(super) async fn prepare(work: UnitOfWork) -> Result<PreparedSet, StoreError> {
    if !PreparedSet::is_slow(&work) {
        return Ok(PreparedSet::new(&work, usize::MAX));
    }
    let prepared = spawn_blocking(move || PreparedSet::new(&work, usize::MAX)).await;
    prepared.map_err(|ended| match ended.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(_cancelled) => unavailable(Failure::Closed),
    })
}

#[cfg(test)]
mod tests {
    use store_contract::samples::{is_ready_at_once, work_of};

    use super::*;

    #[tokio::test]
    async fn a_large_set_does_not_occupy_its_caller() {
        assert!(is_ready_at_once(prepare(work_of(1_000))));
        assert!(!is_ready_at_once(prepare(work_of(1_000_000))));
        assert!(prepare(work_of(1_000_000)).await.is_ok_and(|set| set.writes().len() == 1));
    }
}
