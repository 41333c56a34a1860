use std::future::Future;
use std::time::{Duration, Instant};

use application::ports::StoreError;

use crate::error::{Failure, unavailable};

/// Runs `work`, gives up on it after `timeout`, and records how long it took under `query_type`.
pub(crate) async fn within<T>(
    timeout: Duration,
    query_type: &'static str,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let answer = timed(query_type, tokio::time::timeout(timeout, work)).await;
    answer.unwrap_or_else(|_elapsed| Err(unavailable(Failure::TimedOut(timeout.as_millis()))))
}

/// Runs `work` and records how long it took under `query_type`.
pub(crate) async fn timed<T>(query_type: &'static str, work: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let answer = work.await;
    metrics::histogram!("db_query_duration_seconds", "query_type" => query_type)
        .record(start.elapsed().as_secs_f64());
    answer
}
