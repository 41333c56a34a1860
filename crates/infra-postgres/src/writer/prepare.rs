use std::panic::resume_unwind;

use application::ports::{StoreError, UnitOfWork};
use store_codec::{PreparedSet, PreparedWrite};
use tokio::task::spawn_blocking;

use crate::error::{Failure, unavailable};
use crate::timestamp::PgTimestamp;

/// The most bytes of all terms of a text together: a `tsvector` finds its lexemes by offsets of 20 bits. Texts
/// of 200,000 characters stay below it; of a longer one the last terms in the order of the alphabet are not found.
const MOST_TERM_BYTES: usize = (1 << 20) - 1;

/// Prepares `work`, away from the caller's thread where that takes long.
pub(super) async fn prepare(work: UnitOfWork) -> Result<PreparedSet, StoreError> {
    let set = if PreparedSet::is_slow(&work) {
        spawn_blocking(move || PreparedSet::new(&work, MOST_TERM_BYTES)).await.map_err(|ended| match ended
            .try_into_panic()
        {
            Ok(panic) => resume_unwind(panic),
            Err(_cancelled) => unavailable(Failure::Closed),
        })?
    } else {
        PreparedSet::new(&work, MOST_TERM_BYTES)
    };
    check_times(&set).map_err(unavailable)?;
    Ok(set)
}

/// Refuses instants that no `timestamptz` can hold.
fn check_times(set: &PreparedSet) -> Result<(), Failure> {
    for write in set.writes() {
        match write {
            PreparedWrite::Insert(prediction) => _ = PgTimestamp::try_from(prediction.created_at)?,
            PreparedWrite::Append(event) => _ = PgTimestamp::try_from(event.occurred_at)?,
            PreparedWrite::Delete(_) => {}
        }
    }
    Ok(())
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
