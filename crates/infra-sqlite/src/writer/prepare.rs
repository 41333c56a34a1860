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
    use std::pin::pin;
    use std::task::{Context, Waker};

    use store_contract::samples::work_of;

    use super::*;

    #[tokio::test]
    async fn a_large_set_does_not_occupy_its_caller() {
        let mut context = Context::from_waker(Waker::noop());
        let mut small = pin!(prepare(work_of(1_000)));
        assert!(small.as_mut().poll(&mut context).is_ready());
        let mut large = pin!(prepare(work_of(1_000_000)));
        assert!(large.as_mut().poll(&mut context).is_pending());
        assert!(large.await.is_ok_and(|set| set.writes().len() == 1));
    }
}
