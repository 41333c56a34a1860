use application::ports::{ClaimOutcome, IdempotencyClaim, StoreError};
use domain::value_objects::{IdempotencyKey, RequestDigest};

use crate::answer::read_answer;
use crate::columns::{Columns, Unreadable};

/// Reads what a claim of `key` for the request of `digest` has led to. The row has the columns `fence`, which is null
/// unless the claim was granted, and else the key's `digest` and `answer`.
///
/// # Errors
/// `Corrupt` for the first column that cannot be read.
pub fn read_claim(
    row: &impl Columns,
    key: &IdempotencyKey,
    digest: &RequestDigest,
) -> Result<ClaimOutcome, StoreError> {
    let columns = || Ok((row.integer("fence")?, row.digest("digest")?, row.text("answer")?));
    let (fence, known, answer) =
        columns().map_err(|error: Unreadable| error.corrupt("idempotency_keys", key.to_string()))?;
    Ok(match (fence, answer) {
        (Some(fence), _) => ClaimOutcome::Claimed(IdempotencyClaim { key: key.clone(), fence }),
        (None, _) if known.as_ref() != Some(digest.as_bytes()) => ClaimOutcome::Reused,
        (None, Some(answer)) => ClaimOutcome::Answered(read_answer(key.as_str(), &answer)?),
        (None, None) => ClaimOutcome::InProgress,
    })
}
