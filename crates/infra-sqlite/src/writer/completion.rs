use std::collections::HashSet;

use application::ports::{IdempotencyClaim, StoreError};
use domain::value_objects::TenantId;
use serde_json::{Value, json};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::error::CallError;

/// The answer to the request of a claim.
#[derive(Debug, Clone, Copy)]
pub(super) struct Completion<'s> {
    pub(super) tenant: &'s TenantId,
    pub(super) claim: &'s IdempotencyClaim,
    /// The value of the column `answer`.
    pub(super) answer: &'s str,
}

/// Stores the answers. Each claim must be the latest of its key, and not be completed.
pub(super) async fn complete(
    connection: &mut SqliteConnection,
    completions: &[Completion<'_>],
) -> Result<(), CallError> {
    if completions.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new("");
    push_completions(&mut query, completions);
    let done: Vec<(String, String)> = query.build_query_as().fetch_all(connection).await?;
    let mut done: HashSet<(&str, &str)> =
        done.iter().map(|(tenant, key)| (tenant.as_str(), key.as_str())).collect();
    let lost = completions.iter().find(|it| !done.remove(&(it.tenant.as_str(), it.claim.key.as_str())));
    let Some(lost) = lost else { return Ok(()) };
    let id = lost.claim.key.to_string();
    Err(CallError::Rejected(StoreError::Conflict { entity: "idempotency key", id }))
}

/// The completions are one JSON array, so that any number of them is the same statement.
const COMPLETE: [&str; 2] = [
    "UPDATE idempotency_keys SET answer = done.value ->> 3 FROM json_each(",
    ") AS done WHERE tenant = done.value ->> 0 AND idempotency_keys.key = done.value ->> 1 \
     AND fence = done.value ->> 2 AND answer IS NULL RETURNING tenant, idempotency_keys.key AS key; ",
];

/// The statement that stores the answers and returns a row for each, if there are any; returns their number.
pub(super) fn push_completions(query: &mut QueryBuilder<Sqlite>, completions: &[Completion<'_>]) -> usize {
    if !completions.is_empty() {
        let values: Value = completions
            .iter()
            .map(|it| json!([it.tenant.as_str(), it.claim.key.as_str(), it.claim.fence, it.answer]))
            .collect();
        query.push(COMPLETE[0]).push_bind(values.to_string()).push(COMPLETE[1]);
    }
    completions.len()
}
