//! Claims and releases of idempotency keys. All that wait are written in one transaction, which is not flushed to the
//! disk: whatever completes a claim is, and a claim that is lost in a crash belongs to a request that has failed.

use std::time::Duration;

use application::ports::{ClaimOutcome, IdempotencyClaim, StoreError};
use domain::value_objects::{IdempotencyKey, RequestDigest, TenantId};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};
use store_codec::{read_claim, timed};
use tokio::sync::oneshot;
use tracing::{Instrument, Span};

use crate::columns::SqliteColumns;
use crate::error::{Failure, unavailable};
use crate::writer::group::link;
use crate::writer::session::{Flush, Room, Session};

/// The most changes of one transaction.
pub(super) const MOST_KEY_CHANGES: usize = 16;

/// A change of an idempotency key whose caller waits.
pub(super) struct PendingKeyChange {
    pub(super) change: KeyChange,
    /// The caller's span, which the transaction's span follows from.
    pub(super) span: Span,
}

/// A change of an idempotency key, and where its outcome is reported.
pub(super) enum KeyChange {
    /// Claims a key.
    Claim(NewClaim, oneshot::Sender<Result<ClaimOutcome, StoreError>>),
    /// Gives a key of the tenant back.
    Release(TenantId, IdempotencyClaim, oneshot::Sender<Result<(), StoreError>>),
}

/// What is claimed, and for how long.
pub(crate) struct NewClaim {
    pub(crate) tenant: TenantId,
    pub(crate) key: IdempotencyKey,
    pub(crate) digest: RequestDigest,
    pub(crate) lease: Duration,
}

/// Writes the changes in one transaction and reports to each caller. Changes whose callers have gone are left out.
pub(super) async fn write(session: &mut Session, mut changes: Vec<PendingKeyChange>) {
    changes.retain(|pending| !pending.change.is_abandoned());
    if changes.is_empty() {
        return;
    }
    let span = tracing::info_span!("db.write_key_changes", changes = changes.len());
    link(&span, changes.iter().map(|pending| &pending.span));
    let adds = changes.iter().any(|pending| matches!(pending.change, KeyChange::Claim(..)));
    let room = if adds { Room::Normal } else { Room::WithReserve };
    let write = session.run(room, Flush::WithLaterCommit, script(&changes));
    match timed("write_key_changes", write).instrument(span).await {
        Ok(rows) => {
            let mut rows = rows.iter();
            for pending in changes {
                pending.change.answer(&mut rows);
            }
        }
        Err(error) => {
            let failure = Failure::from(error);
            for pending in changes {
                pending.change.fail(&failure);
            }
        }
    }
}

const RELEASE: [&str; 2] = [
    "DELETE FROM idempotency_keys WHERE answer IS NULL AND (tenant, key, fence) IN \
     (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(",
    ")); ",
];

/// The statements from `BEGIN` to `COMMIT`: in one round trip to the connection's thread. Each claim returns a row with
/// its fence if it is granted, then a row with the digest and the answer of its key.
fn script(changes: &[PendingKeyChange]) -> QueryBuilder<Sqlite> {
    let released = changes.iter().filter_map(|pending| match &pending.change {
        KeyChange::Release(tenant, claim, _) => {
            Some(json!([tenant.as_str(), claim.key.as_str(), claim.fence]))
        }
        KeyChange::Claim(..) => None,
    });
    let released: Vec<Value> = released.collect();
    let mut script = QueryBuilder::new("BEGIN IMMEDIATE; ");
    if !released.is_empty() {
        script.push(RELEASE[0]).push_bind(Value::from(released).to_string()).push(RELEASE[1]);
    }
    for pending in changes {
        if let KeyChange::Claim(claim, _) = &pending.change {
            push_claim(&mut script, claim);
        }
    }
    script.push("COMMIT");
    script
}

fn push_claim(script: &mut QueryBuilder<Sqlite>, claim: &NewClaim) {
    let lease_us = i64::try_from(claim.lease.as_micros()).unwrap_or(i64::MAX / 4);
    let digest = claim.digest.as_bytes().to_vec();
    script
        .push("INSERT INTO idempotency_keys (tenant, key, digest, fence, lease_ends_at, created_at) VALUES (")
        .push_bind(claim.tenant.to_string())
        .push(", ")
        .push_bind(claim.key.to_string())
        .push(", ")
        .push_bind(digest)
        .push(concat!(", ", now_us!(), ", ", now_us!(), " + "))
        .push_bind(lease_us)
        .push(concat!(
            ", ",
            now_us!(),
            ") ON CONFLICT (tenant, key) DO UPDATE SET \
             fence = max(fence + 1, excluded.fence), lease_ends_at = excluded.lease_ends_at, \
             created_at = excluded.created_at \
             WHERE answer IS NULL AND digest = excluded.digest AND lease_ends_at <= ",
            now_us!(),
            " RETURNING fence, NULL AS digest, NULL AS answer; \
             SELECT NULL AS fence, digest, answer FROM idempotency_keys WHERE tenant = ",
        ))
        .push_bind(claim.tenant.to_string())
        .push(" AND key = ")
        .push_bind(claim.key.to_string())
        .push("; ");
}

impl KeyChange {
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Claim(_, answer) => answer.is_closed(),
            Self::Release(_, _, answer) => answer.is_closed(),
        }
    }

    /// Reports the outcome, which begins at the next of `rows`. A caller that has gone since gets none.
    fn answer<'r>(self, rows: &mut impl Iterator<Item = &'r SqliteRow>) {
        match self {
            Self::Claim(claim, answer) => _ = answer.send(outcome(&claim, rows)),
            Self::Release(_, _, answer) => _ = answer.send(Ok(())),
        }
    }

    fn fail(self, failure: &Failure) {
        match self {
            Self::Claim(_, answer) => _ = answer.send(Err(unavailable(failure.clone()))),
            Self::Release(_, _, answer) => _ = answer.send(Err(unavailable(failure.clone()))),
        }
    }
}

fn outcome<'r>(
    claim: &NewClaim,
    rows: &mut impl Iterator<Item = &'r SqliteRow>,
) -> Result<ClaimOutcome, StoreError> {
    let row = rows.next().ok_or_else(|| unavailable(sqlx::Error::RowNotFound))?;
    let outcome = read_claim(&SqliteColumns(row), &claim.key, &claim.digest);
    if matches!(outcome, Ok(ClaimOutcome::Claimed(_))) {
        // The row that says what the key was claimed for.
        rows.next();
    }
    outcome
}
