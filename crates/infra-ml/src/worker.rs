use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use application::ports::MlError;
use tracing::span::EnteredSpan;

use crate::engine::{Cores, Engine, TokenBatch, is_usable};
use crate::engine_health::EngineHealth;
use crate::inference_error::InferenceError;
use crate::metric;
use crate::panic::catch_panic;
use crate::queue::{Batch, Queue, Task};
use crate::tokenizer::SpecialTokens;

/// The logits of a sequence, or why there are none.
type Row = Result<Vec<f32>, Arc<InferenceError>>;

/// Runs one batch after another on the thread that owns the engine. The fast path has a worker for each core.
pub(crate) struct Worker {
    pub(crate) engine: Box<dyn Engine>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) health: Arc<EngineHealth>,
    pub(crate) specials: SpecialTokens,
    /// The number of logits of a window.
    pub(crate) labels: usize,
}

impl Worker {
    /// Runs until the queue is stopped. If this thread ends in any other way, it stops the queue, so that no text waits
    /// for a worker that is gone.
    pub(crate) fn run(mut self) {
        let _stop = StopOnDrop(Arc::clone(&self.queue));
        let queue = Arc::clone(&self.queue);
        while let Some(batch) = queue.take(self.engine.batch_tokens()) {
            self.run_batch(batch);
        }
    }

    /// Runs the windows of `batch` together. Those without usable logits, because of an error, a panic or a NaN, run
    /// again one by one; what fails alone fails its text.
    fn run_batch(&mut self, batch: Batch<'_>) {
        let Batch { mut tasks, cores, running: _running } = batch;
        for task in tasks.iter().filter(|task| task.window == 0) {
            metrics::histogram!(metric::QUEUE_WAIT_SECONDS).record(task.job.created().elapsed());
        }
        tasks.sort_by_key(|task| task.job.cost(task.window));
        let alone = tasks.len() == 1;
        let rows = self.forward(&tasks, cores);
        let (mut succeeded, mut failed) = (false, false);
        for (task, row) in tasks.into_iter().zip(rows) {
            let row = if row.is_err() && !alone { self.run_alone(&task) } else { Some(row) };
            match row {
                Some(Ok(logits)) => {
                    succeeded = true;
                    self.health.record_success();
                    task.job.complete(task.window, logits);
                }
                Some(Err(error)) => {
                    failed = true;
                    fail(&task, error);
                }
                None => {}
            }
        }
        if failed && !succeeded && self.health.record_failed_batch() {
            self.probe();
        }
    }

    /// Returns the logits or the error of `task` by itself; `None` if no caller waits for it any more.
    fn run_alone(&mut self, task: &Task) -> Option<Row> {
        task.job.is_awaited().then(|| self.forward(std::slice::from_ref(task), Cores::Own).pop()).flatten()
    }

    /// Runs a sequence without text, which had usable logits in the warm-up.
    fn probe(&mut self) {
        let mut batch = TokenBatch::default();
        batch.push(&[&self.specials.before, &self.specials.after]);
        match self.forward_batch(&batch, Cores::Own).pop() {
            Some(Err(error)) => self.health.record_failed_probe(error),
            _ => self.health.record_success(),
        }
    }

    /// Returns the logits or the error of each task, in order; tasks that failed together share the error.
    fn forward(&mut self, tasks: &[Task], cores: Cores) -> Vec<Row> {
        let _span = enter_span(tasks);
        let mut batch = TokenBatch::default();
        for task in tasks {
            batch.push(&[&self.specials.before, task.job.window(task.window), &self.specials.after]);
        }
        self.forward_batch(&batch, cores)
    }

    fn forward_batch(&mut self, batch: &TokenBatch, cores: Cores) -> Vec<Row> {
        metrics::histogram!(metric::BATCH_SIZE).record(batch.len() as f64);
        metrics::histogram!(metric::BATCH_TOKENS).record(batch.tokens() as f64);
        let started = Instant::now();
        let outcome = catch_panic(|| self.engine.forward(batch, cores));
        let elapsed = started.elapsed();
        metrics::histogram!(metric::INFERENCE_SECONDS).record(elapsed);
        let sequences = batch.len();
        let error = match outcome {
            Ok(Ok(rows)) if rows.len() == sequences => {
                let tokens = batch.tokens();
                self.queue.record_batch(tokens, elapsed, self.engine.cores_of(tokens, cores));
                return rows.into_iter().map(|row| self.check(row)).collect();
            }
            Ok(Ok(rows)) => InferenceError::Rows { rows: rows.len(), sequences },
            Ok(Err(source)) => InferenceError::Engine { source },
            Err(message) => InferenceError::EnginePanicked { message },
        };
        vec![Err(Arc::new(error)); sequences]
    }

    fn check(&self, row: Vec<f32>) -> Row {
        if is_usable(&row, self.labels) { Ok(row) } else { Err(Arc::new(InferenceError::NotUsable)) }
    }
}

/// Enters the span of a batch, which follows from the spans in which its texts were submitted.
fn enter_span(tasks: &[Task]) -> EnteredSpan {
    let span = tracing::debug_span!("ml.run_batch", windows = tasks.len());
    if !span.is_disabled() {
        let callers: HashMap<_, _> =
            tasks.iter().filter_map(|task| Some((task.job.span().id()?, task.job.span()))).collect();
        for caller in callers.into_values() {
            span.follows_from(caller);
        }
    }
    span.entered()
}

fn fail(task: &Task, source: Arc<InferenceError>) {
    if task.job.fail(MlError::InferenceFailed { source }) {
        metrics::counter!(metric::INFERENCE_FAILED).increment(1);
    }
}

struct StopOnDrop(Arc<Queue>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

#[cfg(test)]
mod tests;
