mod batch_sizes;
mod bulk_share;
mod deadlines;
mod gauges;
mod newest_first;
mod reserved_worker;
mod window_lengths;

use application::ports::MlError;
use tokio::sync::oneshot::Receiver;

use super::*;
use crate::job::Reply;

const LIMITS: QueueLimits = QueueLimits { items: 4, tokens: 30, batch_tokens: 10 };

fn queue(limits: QueueLimits) -> Arc<Queue> {
    Arc::new(Queue::new(limits))
}

/// A text that waits, with the receiver of its reply.
struct Waiting {
    queued: QueuedText,
    reply: Receiver<Reply>,
}

impl Waiting {
    /// Whether it entered from the backlog since the last call.
    fn has_entered(&mut self) -> bool {
        self.queued.entered.as_mut().is_some_and(|entered| entered.try_recv().is_ok())
    }

    fn is_in_backlog(&self) -> bool {
        self.queued.entered.is_some()
    }
}

/// Submits a text with windows of these many tokens and no special tokens.
fn enter(queue: &Arc<Queue>, windows: &[usize], queueing: impl Into<Queueing>) -> Result<Waiting, Refused> {
    let queueing = queueing.into();
    let mut spans = Vec::new();
    let mut end = 0;
    for tokens in windows {
        spans.push(end..end + tokens);
        end += tokens;
    }
    let (job, reply) = Job::new(vec![4; end], spans, 0, class_of(queueing.admission));
    Ok(Waiting { queued: queue.enter(Arc::new(job), queueing)?, reply })
}

fn single(queue: &Arc<Queue>, windows: &[usize]) -> Waiting {
    enter(queue, windows, Admission::Single).unwrap()
}

fn bulk(queue: &Arc<Queue>, windows: &[usize]) -> Waiting {
    enter(queue, windows, Admission::BulkNext).unwrap()
}

/// The window sizes of a running batch.
fn sizes(batch: &Batch<'_>) -> Vec<usize> {
    batch.tasks.iter().map(|task| task.job.window(task.window).len()).collect()
}

/// Runs the next batch and returns the tokens of each window.
fn taken(queue: &Queue) -> Vec<usize> {
    sizes(&queue.take(usize::MAX).unwrap())
}

#[test]
fn a_batch_takes_windows_up_to_the_token_limit() {
    let queue = queue(LIMITS);
    let _waiting = [4, 5, 2].map(|tokens| single(&queue, &[tokens]));
    assert_eq!(taken(&queue), [4, 5]);
    assert_eq!(taken(&queue), [2]);
}

#[test]
fn a_window_above_the_token_limit_runs_alone() {
    let queue = queue(LIMITS);
    let _waiting = [12, 1].map(|tokens| single(&queue, &[tokens]));
    assert_eq!(taken(&queue), [12]);
    assert_eq!(taken(&queue), [1]);
}

#[test]
fn a_text_of_many_windows_returns_to_the_end_after_each_window() {
    let queue = queue(LIMITS);
    let _waiting = [single(&queue, &[5, 5, 5, 5]), single(&queue, &[3])];
    assert_eq!(taken(&queue), [5, 3]);
    assert_eq!(taken(&queue), [5, 5]);
    assert_eq!(taken(&queue), [5]);
}

#[test]
fn a_full_queue_refuses_single_texts_until_one_is_taken() {
    let queue = queue(LIMITS);
    let mut waiting = Vec::new();
    let mut arrives =
        |tokens: usize| enter(&queue, &[tokens], Admission::Single).map(|text| waiting.push(text));
    assert_eq!(
        [arrives(9), arrives(9), arrives(13)],
        [Ok(()), Ok(()), Err(Refused::Full)],
        "more than 30 tokens"
    );
    assert_eq!(
        [arrives(1), arrives(1), arrives(1)],
        [Ok(()), Ok(()), Err(Refused::Full)],
        "more than four texts"
    );
    assert!(queue.is_full(Admission::Single.into()));
    assert_eq!(taken(&queue), [9]);
    assert!(!queue.is_full(Admission::Single.into()));
    assert_eq!(arrives(1), Ok(()));
}

#[test]
fn a_text_larger_than_the_token_limit_enters_an_empty_queue() {
    let queue = queue(LIMITS);
    let _large = single(&queue, &[10, 10, 10, 10]);
    assert_eq!(enter(&queue, &[1], Admission::Single).err(), Some(Refused::Full));
    assert_eq!(taken(&queue), [10]);
}

#[test]
fn bulk_texts_do_not_count_against_the_limits_of_single_texts() {
    let queue = queue(LIMITS);
    let _bulk: Vec<Waiting> = (0..100).map(|_| bulk(&queue, &[14])).collect();
    assert!(!queue.is_full(Admission::Single.into()));
    let _singles = [10, 10, 5, 5].map(|tokens| single(&queue, &[tokens]));
    assert!(queue.is_full(Admission::Single.into()), "30 tokens of single texts are the limit");
}

#[test]
fn single_texts_do_not_count_against_the_limits_of_bulk_texts() {
    let queue = queue(LIMITS);
    let _singles = [10, 10, 5, 5].map(|tokens| single(&queue, &[tokens]));
    let both = [bulk(&queue, &[5]), bulk(&queue, &[10])];
    assert!(both.iter().all(|text| !text.is_in_backlog()));
    assert!(bulk(&queue, &[1]).is_in_backlog(), "two texts and 15 tokens are the limits of bulk");
}

#[test]
fn the_backlog_enters_in_order_and_before_later_texts() {
    let queue = queue(LIMITS);
    let _entered = [bulk(&queue, &[5]), bulk(&queue, &[10])];
    let (mut large, mut small) = (bulk(&queue, &[14]), bulk(&queue, &[1]));
    assert!(large.is_in_backlog() && small.is_in_backlog());
    assert_eq!(taken(&queue), [5]);
    assert!(!large.has_entered(), "10 and 14 tokens exceed the limit");
    assert!(bulk(&queue, &[1]).is_in_backlog(), "it fits, but the backlog goes first");
    assert_eq!(taken(&queue), [10]);
    assert!(large.has_entered() && small.has_entered());
    assert_eq!((taken(&queue), taken(&queue)), (vec![14], vec![1]));
}

#[test]
fn a_batch_is_refused_while_bulk_texts_fill_the_limit_of_single_texts() {
    let queue = queue(LIMITS);
    let waiting = [5, 5, 5, 5].map(|tokens| bulk(&queue, &[tokens]));
    assert_eq!(enter(&queue, &[1], Admission::BulkStart).err(), Some(Refused::Full));
    assert!(queue.is_full(Admission::BulkStart.into()) && !queue.is_full(Admission::BulkNext.into()));
    assert!(bulk(&queue, &[1]).is_in_backlog(), "a batch that has started is not refused");
    drop(waiting);
    assert!(enter(&queue, &[1], Admission::BulkStart).is_ok());
}

#[test]
fn dropping_a_waiting_text_makes_space_at_once() {
    let queue = queue(LIMITS);
    let mut singles = Vec::from([9, 9, 6, 6].map(|tokens| single(&queue, &[tokens])));
    assert!(queue.is_full(Admission::Single.into()));
    singles.remove(1);
    assert!(!queue.is_full(Admission::Single.into()), "before any worker takes a batch");
    singles.push(single(&queue, &[9]));
    assert_eq!([taken(&queue), taken(&queue), taken(&queue)], [vec![9], vec![6], vec![6]]);
    assert_eq!((taken(&queue), queue.depth()), (vec![9], 0));
}

#[test]
fn dropping_a_bulk_text_moves_up_the_backlog() {
    let queue = queue(LIMITS);
    let (entered, partly_run) = (bulk(&queue, &[9]), bulk(&queue, &[3, 3]));
    let (dropped, mut first, mut second) = (bulk(&queue, &[1]), bulk(&queue, &[9]), bulk(&queue, &[6]));
    drop(dropped);
    assert!(!first.has_entered());
    drop(entered);
    assert!(first.has_entered() && !second.has_entered());
    assert_eq!(taken(&queue), [3]);
    drop(partly_run);
    assert!(second.has_entered(), "the remaining window was removed");
    assert_eq!((taken(&queue), taken(&queue), queue.depth()), (vec![9], vec![6], 0));
}

#[test]
fn the_remaining_windows_of_a_failed_text_are_not_run() {
    let queue = queue(LIMITS);
    let (failed, _other) = (single(&queue, &[10, 10]), single(&queue, &[7]));
    let batch = queue.take(usize::MAX).unwrap();
    assert!(batch.tasks[0].job.fail(MlError::inference_failed("NaN")));
    drop(batch);
    assert_eq!((taken(&queue), queue.depth()), (vec![7], 1));
    drop(failed);
    assert_eq!(queue.depth(), 0);
}

#[test]
fn stopping_fails_waiting_texts_and_refuses_later_ones() {
    let queue = queue(QueueLimits { items: 1, ..LIMITS });
    let mut waiting = [single(&queue, &[1]), bulk(&queue, &[1]), bulk(&queue, &[1])];
    assert!(waiting[2].is_in_backlog());
    queue.stop();
    for text in &mut waiting {
        assert!(matches!(text.reply.try_recv().unwrap(), Err(MlError::Unavailable { .. })));
    }
    assert_eq!(queue.depth(), 0);
    for admission in [Admission::Single, Admission::BulkStart, Admission::BulkNext] {
        assert_eq!(enter(&queue, &[1], admission).err(), Some(Refused::Stopped));
    }
    assert!(queue.take(usize::MAX).is_none());
}
