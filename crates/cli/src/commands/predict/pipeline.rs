//! Reading, classifying and writing at the same time, so that the model never waits for a file or for a format.
//!
//! A thread reads rows, as many as there is room for. Batches of what was read are classified at the same time, as many
//! as fill the model's queue; their outcomes reach a thread that formats and writes them, in the order of the input.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use application::dtos::{PredictItem, PredictSentimentBatchRequest};
use application::errors::BoxError;
use application::use_cases::PredictSentimentBatchUseCase;
use domain::value_objects::RawOptions;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use tokio::runtime::Handle;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::Outcome;
use super::input::{InputError, Row, Rows};
use super::output::Output;
use super::progress::Progress;
use super::tally::Tally;

/// What is read, how it is classified, and where it is written.
pub(super) struct Pipeline {
    pub(super) rows: Rows,
    pub(super) classifier: Classifier,
    pub(super) output: Output,
    pub(super) progress: Progress,
    /// The most texts of a batch.
    pub(super) batch: usize,
    /// Whether batches in progress are completed when the pipeline is stopped.
    pub(super) completes_batches: bool,
}

/// The use case, and the options of each prediction.
#[derive(Clone)]
pub(super) struct Classifier {
    pub(super) predict: Arc<PredictSentimentBatchUseCase>,
    pub(super) options: RawOptions,
}

/// The end of a pipeline: what was written, and why it did not read to the end of its input.
pub(super) struct Ended {
    pub(super) tally: Tally,
    pub(super) failure: Option<BoxError>,
}

/// The rows that may be read ahead of their batch.
const READ_AHEAD: usize = 256;
/// The batches that are classified, or wait for one before them that takes longer.
const IN_ORDER: usize = 64;
/// The batches that may wait to be written.
const WRITTEN_LATER: usize = 16;
/// The KiB of the texts between being read and being written; a larger text is alone.
const ROOM_KIB: u32 = 64 << 10;

/// A row that has room in memory until it is dropped.
struct Admitted {
    row: Row,
    _room: OwnedSemaphorePermit,
}

/// Rows with their outcomes.
struct Batch {
    rows: Vec<Admitted>,
    outcomes: Vec<Outcome>,
}

impl Pipeline {
    /// Runs until the end of the input, a failure, or `stop`.
    pub(super) async fn run(self, mut stop: watch::Receiver<bool>) -> Result<Ended, BoxError> {
        let Self { rows, classifier, output, progress, batch, completes_batches } = self;
        let mut admitted = start_reader(rows)?;
        let (batches, written) = start_writer(output, progress)?;
        let (mut in_work, workers) = (FuturesOrdered::new(), Arc::new(Semaphore::new(most_batches())));
        let (mut is_reading, mut failure, mut next) = (true, None, Vec::new());
        loop {
            tokio::select! {
                biased;
                // Without a sender it is never stopped.
                Ok(_) = stop.wait_for(|is_stopped| *is_stopped), if is_reading => {
                    is_reading = false;
                    if !completes_batches {
                        break;
                    }
                }
                Some(done) = in_work.next(), if !in_work.is_empty() => match done {
                    // A writer that has ended says why.
                    Ok(batch) => if batches.send(batch).await.is_err() { break },
                    Err(error) => {
                        failure = Some(error);
                        break;
                    }
                },
                worker = next_batch(&workers, &mut admitted, &mut next, batch),
                    if is_reading && in_work.len() < IN_ORDER =>
                {
                    let rows;
                    (rows, failure) = up_to_failure(next.drain(..));
                    is_reading = !rows.is_empty() && failure.is_none();
                    if !rows.is_empty() {
                        in_work.push_back(classifier.start(rows, worker?));
                    }
                }
                else => break,
            }
        }
        drop((batches, in_work));
        let mut ended = written.await?;
        ended.failure = ended.failure.or(failure);
        Ok(ended)
    }
}

impl Classifier {
    /// Starts to classify `rows`, by a worker that is free afterwards.
    fn start(&self, rows: Vec<Admitted>, worker: OwnedSemaphorePermit) -> Task {
        let classify = self.clone().classify(rows);
        Task(tokio::spawn(async move {
            let classified = classify.await;
            drop(worker);
            classified
        }))
    }

    /// Returns `rows` with their outcomes; the error of a row that could not be read is its outcome.
    async fn classify(self, rows: Vec<Admitted>) -> Result<Batch, BoxError> {
        let items: Vec<PredictItem> =
            rows.iter().filter_map(|admitted| admitted.row.item.as_ref().ok()).cloned().collect();
        let request = PredictSentimentBatchRequest { items, options: self.options, ..Default::default() };
        let mut predictions = self.predict.execute(request).await?.items.into_iter();
        let outcome = |admitted: &Admitted| match &admitted.row.item {
            Ok(_) => match predictions.next() {
                Some(prediction) => prediction.map_err(|error| error.to_string()),
                None => Err("the model returned no output".to_owned()),
            },
            Err(problem) => Err(problem.clone()),
        };
        let outcomes = rows.iter().map(outcome).collect();
        Ok(Batch { rows, outcomes })
    }
}

/// Waits for a free worker and for rows, which it adds to `next`; none at the end. Dropped before that, it takes
/// nothing.
async fn next_batch(
    workers: &Arc<Semaphore>,
    admitted: &mut mpsc::Receiver<Result<Admitted, InputError>>,
    next: &mut Vec<Result<Admitted, InputError>>,
    most: usize,
) -> Result<OwnedSemaphorePermit, AcquireError> {
    let worker = Arc::clone(workers).acquire_owned().await;
    admitted.recv_many(next, most).await;
    worker
}

/// A batch that is being classified; dropped, it is aborted.
struct Task(JoinHandle<Result<Batch, BoxError>>);

impl Future for Task {
    type Output = Result<Batch, BoxError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|joined| joined?)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How many batches are classified at the same time: as many as occupy every core while others are formed, and no more
/// than the model's queue has room for.
fn most_batches() -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (2 * cores).clamp(4, 16)
}

/// Returns the rows before the first failure, and the failure.
fn up_to_failure(
    rows: impl Iterator<Item = Result<Admitted, InputError>>,
) -> (Vec<Admitted>, Option<BoxError>) {
    let mut admitted = Vec::new();
    for row in rows {
        match row {
            Ok(row) => admitted.push(row),
            Err(error) => return (admitted, Some(error.into())),
        }
    }
    (admitted, None)
}

/// Starts the thread that reads rows while there is room for them. It ends with the input, or after its receiver, and
/// may wait for an input that nothing comes from.
fn start_reader(rows: Rows) -> io::Result<mpsc::Receiver<Result<Admitted, InputError>>> {
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    let (runtime, room) = (Handle::current(), Arc::new(Semaphore::new(ROOM_KIB as usize)));
    let read = move || {
        for row in rows {
            let admitted = row.map(|row| {
                let kib = u32::try_from(row.bytes() / 1_024 + 1).unwrap_or(ROOM_KIB).min(ROOM_KIB);
                let room = runtime.block_on(Arc::clone(&room).acquire_many_owned(kib));
                // The room is never closed.
                room.ok().map(|room| Admitted { row, _room: room })
            });
            let Some(admitted) = admitted.transpose() else { return };
            if sender.blocking_send(admitted).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("predict-reader".to_owned()).spawn(read)?;
    Ok(receiver)
}

/// Starts the thread that formats and writes batches. It returns what it wrote when there are no more, or at the first
/// that cannot be written.
fn start_writer(
    mut output: Output,
    progress: Progress,
) -> io::Result<(mpsc::Sender<Batch>, oneshot::Receiver<Ended>)> {
    let (sender, mut receiver) = mpsc::channel::<Batch>(WRITTEN_LATER);
    let (ended, written) = oneshot::channel();
    let write = move || {
        let (mut tally, mut failure) = (Tally::default(), None);
        while let Some(Batch { rows, outcomes }) = receiver.blocking_recv() {
            let rows_read = rows.iter().map(|admitted| &admitted.row);
            if let Err(error) = output.write(rows_read.zip(&outcomes)) {
                failure = Some(error);
                break;
            }
            for outcome in &outcomes {
                tally.add(outcome);
            }
            progress.report(rows.last().map_or(0, |last| last.row.offset), &tally);
        }
        drop(progress);
        // Without a receiver the command has ended.
        let _ = ended.send(Ended { tally, failure });
    };
    thread::Builder::new().name("predict-writer".to_owned()).spawn(write)?;
    Ok((sender, written))
}
