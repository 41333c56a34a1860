use std::panic::resume_unwind;

use application::ports::{AccessChange, StoreError, UnitOfWork};
use domain::value_objects::{AuditEntry, Timestamp};
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
    check(&set).map_err(unavailable)?;
    Ok(set)
}

/// Refuses values that PostgreSQL cannot hold: instants that are no `timestamptz`, and entries of the audit with
/// U+0000, which appending would reject only after the other writes of the transaction.
fn check(set: &PreparedSet) -> Result<(), Failure> {
    for write in set.writes() {
        match write {
            PreparedWrite::Insert(prediction) => check_time(prediction.created_at)?,
            PreparedWrite::Append(event) => check_time(event.occurred_at)?,
            PreparedWrite::Change(change) => times(change).into_iter().flatten().try_for_each(check_time)?,
            PreparedWrite::Delete(_) | PreparedWrite::Count(_) | PreparedWrite::Complete { .. } => {}
        }
    }
    set.entries().iter().try_for_each(|entry| check_time(entry.at))?;
    if set.entries().iter().any(contains_nul) { Err(Failure::ContainsNul) } else { Ok(()) }
}

fn check_time(time: Timestamp) -> Result<(), Failure> {
    PgTimestamp::try_from(time).map(drop)
}

/// The instants that a change stores.
fn times(change: &AccessChange) -> [Option<Timestamp>; 4] {
    match change {
        AccessChange::InsertTenant(tenant) => [Some(tenant.created_at), None, None, None],
        AccessChange::InsertKey(key) => {
            [Some(key.created_at), key.expires_at, key.revoked_at, key.last_used_at]
        }
        AccessChange::RevokeKey { at, .. } | AccessChange::EndKey { at, .. } => [Some(*at), None, None, None],
        AccessChange::SetTenantStatus { .. } | AccessChange::SetTenantLimits(_) => [None; 4],
    }
}

fn contains_nul(entry: &AuditEntry) -> bool {
    let optional = [&entry.key_id, &entry.address, &entry.request_id, &entry.detail];
    let texts = [&entry.actor, &entry.action, &entry.target].into_iter();
    texts.chain(optional.into_iter().flatten()).any(|text| text.contains('\0'))
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
