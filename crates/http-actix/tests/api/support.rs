//! The service under test, its fakes, its log and its metrics.

mod answer;
mod limits;
mod log;
mod recorder;
mod service;

pub(crate) use answer::{Answer, answer_of};
pub(crate) use limits::{all_limits, exceeded, limit_tenant, standing, stream_of};
pub(crate) use service::{FAILS, Listener, PANICS, Service, post};

/// Lets the other tasks of this thread run until they wait.
pub(crate) async fn other_tasks_run() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// An id that no prediction has, as text.
pub(crate) fn uuid(n: u128) -> String {
    domain::value_objects::PredictionId::from_u128(n).to_string()
}
