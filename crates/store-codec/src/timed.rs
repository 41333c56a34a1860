use std::time::Instant;

/// Runs `work` and records how long it took under `query_type`.
pub async fn timed<T>(query_type: &'static str, work: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let output = work.await;
    metrics::histogram!("db_query_duration_seconds", "query_type" => query_type)
        .record(start.elapsed().as_secs_f64());
    output
}
