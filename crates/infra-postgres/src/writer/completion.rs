use std::collections::HashSet;

use application::ports::{IdempotencyClaim, StoreError};
use sqlx::PgConnection;
use sqlx::postgres::PgBindIterExt;

use crate::error::CallError;

/// The answer to the request of a claim.
#[derive(Debug, Clone, Copy)]
pub(super) struct Completion<'s> {
    pub(super) tenant: &'s str,
    pub(super) claim: &'s IdempotencyClaim,
    /// The value of the column `answer`.
    pub(super) answer: &'s str,
}

const COMPLETE: &str = "UPDATE idempotency_keys AS known SET answer = done.answer \
     FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) AS done (tenant, key, fence, answer) \
     WHERE known.tenant = done.tenant AND known.key = done.key AND known.fence = done.fence \
     AND known.answer IS NULL RETURNING known.tenant, known.key";

/// Stores the answers. Each claim must be the latest of its key, and not be completed.
pub(super) async fn complete(
    connection: &mut PgConnection,
    completions: &[Completion<'_>],
) -> Result<(), CallError> {
    if completions.is_empty() {
        return Ok(());
    }
    let done: Vec<(String, String)> = sqlx::query_as(COMPLETE)
        .bind(completions.iter().map(|it| it.tenant).bind_iter())
        .bind(completions.iter().map(|it| it.claim.key.as_str()).bind_iter())
        .bind(completions.iter().map(|it| it.claim.fence).bind_iter())
        .bind(completions.iter().map(|it| it.answer).bind_iter())
        .fetch_all(connection)
        .await?;
    let mut done: HashSet<(&str, &str)> =
        done.iter().map(|(tenant, key)| (tenant.as_str(), key.as_str())).collect();
    match completions.iter().find(|it| !done.remove(&(it.tenant, it.claim.key.as_str()))) {
        None => Ok(()),
        Some(lost) => {
            let id = lost.claim.key.to_string();
            Err(StoreError::Conflict { entity: "idempotency key", id }.into())
        }
    }
}
