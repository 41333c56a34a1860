use std::time::Duration;

use application::ports::StoreError;
use store_codec::timed;

use crate::error::{Failure, unavailable};

/// Runs `work`, cancels it after `timeout`, and records how long it took under `query_type`.
pub(crate) async fn within<T>(
    timeout: Duration,
    query_type: &'static str,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let answer = timed(query_type, tokio::time::timeout(timeout, work)).await;
    answer.unwrap_or_else(|_elapsed| Err(unavailable(Failure::TimedOut(timeout.as_millis()))))
}
