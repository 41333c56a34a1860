//! Work that continues if its client disconnects.

use std::panic::resume_unwind;

use tracing::Instrument;

use crate::problem::{Problem, ProblemCode};

/// Runs `work` in a task of its own, which continues if the client disconnects. A panic of the work continues here.
///
/// # Errors
/// `unavailable` where the process is ending.
pub(crate) async fn detached<T: 'static>(work: impl Future<Output = T> + 'static) -> Result<T, Problem> {
    match actix_web::rt::spawn(work.in_current_span()).await {
        Ok(done) => Ok(done),
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Err(Problem::new(ProblemCode::Unavailable)),
        },
    }
}
