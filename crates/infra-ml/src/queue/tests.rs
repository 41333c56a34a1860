mod gauges;
mod impatience;
mod lanes;
mod reserve;
mod shares;

use application::ports::MlError;
use tokio::sync::oneshot::Receiver;

use super::*;
use crate::job::Reply;

const LIMITS: QueueLimits = QueueLimits { items: 4, tokens: 30, batch_tokens: 10 };

fn queue(limits: QueueLimits) -> Arc<Queue> {
    Arc::new(Queue::new(limits))
}

/// A text that waits, and its answer.
struct Waiting {
    queued: QueuedText,
    answer: Receiver<Reply>,
}

impl Waiting {
    /// Whether it was let in since the last look.
    fn has_entered(&mut self) -> bool {
        self.queued.entered.as_mut().is_some_and(|entered| entered.try_recv().is_ok())
    }

    fn stands_in_line(&self) -> bool {
        self.queued.entered.is_some()
    }
}

/// Has a text come with windows of these many tokens, and no special ones.
fn enter(queue: &Arc<Queue>, windows: &[usize], admission: Admission) -> Result<Waiting, Refused> {
    let mut spans = Vec::new();
    let mut end = 0;
    for tokens in windows {
        spans.push(end..end + tokens);
        end += tokens;
    }
    let (job, answer) = Job::new(vec![4; end], spans, 0, class_of(admission));
    Ok(Waiting { queued: queue.enter(Arc::new(job), admission)?, answer })
}

fn single(queue: &Arc<Queue>, windows: &[usize]) -> Waiting {
    enter(queue, windows, Admission::Single).unwrap()
}

fn bulk(queue: &Arc<Queue>, windows: &[usize]) -> Waiting {
    enter(queue, windows, Admission::BulkNext).unwrap()
}

/// The window sizes of a batch that is held as running.
fn sizes(batch: &Batch<'_>) -> Vec<usize> {
    batch.tasks.iter().map(|task| task.job.window(task.window).len()).collect()
}

/// The tokens of each window of the next batch.
fn taken(queue: &Queue) -> Vec<usize> {
    sizes(&queue.take(usize::MAX).unwrap())
}

#[test]
fn a_batch_takes_what_waits_up_to_its_budget() {
    let queue = queue(LIMITS);
    let _waiting = [4, 5, 2].map(|tokens| single(&queue, &[tokens]));
    assert_eq!(taken(&queue), [4, 5]);
    assert_eq!(taken(&queue), [2]);
}

#[test]
fn a_window_above_the_budget_runs_alone() {
    let queue = queue(LIMITS);
    let _waiting = [12, 1].map(|tokens| single(&queue, &[tokens]));
    assert_eq!(taken(&queue), [12]);
    assert_eq!(taken(&queue), [1]);
}

#[test]
fn a_text_of_many_windows_lets_others_through_after_each_window() {
    let queue = queue(LIMITS);
    let _waiting = [single(&queue, &[5, 5, 5, 5]), single(&queue, &[3])];
    assert_eq!(taken(&queue), [5, 3]);
    assert_eq!(taken(&queue), [5, 5]);
    assert_eq!(taken(&queue), [5]);
}

#[test]
fn a_full_queue_refuses_until_there_is_room() {
    let queue = queue(LIMITS);
    let mut waiting = Vec::new();
    let mut comes =
        |tokens: usize| enter(&queue, &[tokens], Admission::Single).map(|text| waiting.push(text));
    assert_eq!([comes(9), comes(9), comes(13)], [Ok(()), Ok(()), Err(Refused::Full)], "more than 30 tokens");
    assert_eq!([comes(1), comes(1), comes(1)], [Ok(()), Ok(()), Err(Refused::Full)], "more than four texts");
    assert!(queue.is_full(Admission::Single));
    assert_eq!(taken(&queue), [9]);
    assert!(!queue.is_full(Admission::Single));
    assert_eq!(comes(1), Ok(()));
}

#[test]
fn a_text_larger_than_the_queue_is_let_in_alone() {
    let queue = queue(LIMITS);
    let _large = single(&queue, &[10, 10, 10, 10]);
    assert_eq!(enter(&queue, &[1], Admission::Single).err(), Some(Refused::Full));
    assert_eq!(taken(&queue), [10]);
}

#[test]
fn bulk_texts_take_no_room_of_single_ones() {
    let queue = queue(LIMITS);
    let _bulk: Vec<Waiting> = (0..100).map(|_| bulk(&queue, &[14])).collect();
    assert!(!queue.is_full(Admission::Single));
    let _singles = [10, 10, 5, 5].map(|tokens| single(&queue, &[tokens]));
    assert!(queue.is_full(Admission::Single), "30 tokens, as if nobody else were there");
}

#[test]
fn single_texts_take_no_room_of_bulk_ones() {
    let queue = queue(LIMITS);
    let _singles = [10, 10, 5, 5].map(|tokens| single(&queue, &[tokens]));
    let both = [bulk(&queue, &[5]), bulk(&queue, &[10])];
    assert!(both.iter().all(|text| !text.stands_in_line()));
    assert!(bulk(&queue, &[1]).stands_in_line(), "two texts and 15 tokens are the half");
}

#[test]
fn bulk_texts_in_line_enter_in_turn_and_before_any_newcomer() {
    let queue = queue(LIMITS);
    let _inside = [bulk(&queue, &[5]), bulk(&queue, &[10])];
    let (mut large, mut small) = (bulk(&queue, &[14]), bulk(&queue, &[1]));
    assert!(large.stands_in_line() && small.stands_in_line());
    assert_eq!(taken(&queue), [5]);
    assert!(!large.has_entered(), "14 do not fit beside 10");
    assert!(bulk(&queue, &[1]).stands_in_line(), "it would fit, but others stand before it");
    assert_eq!(taken(&queue), [10]);
    assert!(large.has_entered() && small.has_entered());
    assert_eq!((taken(&queue), taken(&queue)), (vec![14], vec![1]));
}

#[test]
fn a_batch_is_refused_where_as_many_bulk_texts_wait_as_single_ones_may() {
    let queue = queue(LIMITS);
    let waiting = [5, 5, 5, 5].map(|tokens| bulk(&queue, &[tokens]));
    assert_eq!(enter(&queue, &[1], Admission::BulkStart).err(), Some(Refused::Full));
    assert!(queue.is_full(Admission::BulkStart) && !queue.is_full(Admission::BulkNext));
    assert!(bulk(&queue, &[1]).stands_in_line(), "what was let in is not refused half way");
    drop(waiting);
    assert!(enter(&queue, &[1], Admission::BulkStart).is_ok());
}

#[test]
fn the_room_of_a_caller_who_leaves_is_free_at_once() {
    let queue = queue(LIMITS);
    let mut singles = Vec::from([9, 9, 6, 6].map(|tokens| single(&queue, &[tokens])));
    assert!(queue.is_full(Admission::Single));
    singles.remove(1);
    assert!(!queue.is_full(Admission::Single), "no worker has taken anything");
    singles.push(single(&queue, &[9]));
    assert_eq!([taken(&queue), taken(&queue), taken(&queue)], [vec![9], vec![6], vec![6]]);
    assert_eq!((taken(&queue), queue.depth()), (vec![9], 0));
}

#[test]
fn the_next_in_line_gets_the_room_of_a_bulk_text_that_leaves() {
    let queue = queue(LIMITS);
    let (inside, left_of_many) = (bulk(&queue, &[9]), bulk(&queue, &[3, 3]));
    let (gone, mut first, mut second) = (bulk(&queue, &[1]), bulk(&queue, &[9]), bulk(&queue, &[6]));
    drop(gone);
    assert!(!first.has_entered());
    drop(inside);
    assert!(first.has_entered() && !second.has_entered());
    assert_eq!(taken(&queue), [3]);
    drop(left_of_many);
    assert!(second.has_entered(), "what was left of a text was taken out");
    assert_eq!((taken(&queue), taken(&queue), queue.depth()), (vec![9], vec![6], 0));
}

#[test]
fn what_is_left_of_a_text_that_failed_is_not_run() {
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
fn stopping_answers_those_who_wait_and_refuses_newcomers() {
    let queue = queue(QueueLimits { items: 1, ..LIMITS });
    let mut waiting = [single(&queue, &[1]), bulk(&queue, &[1]), bulk(&queue, &[1])];
    assert!(waiting[2].stands_in_line());
    queue.stop();
    for text in &mut waiting {
        assert!(matches!(text.answer.try_recv().unwrap(), Err(MlError::Unavailable { .. })));
    }
    assert_eq!(queue.depth(), 0);
    for admission in [Admission::Single, Admission::BulkStart, Admission::BulkNext] {
        assert_eq!(enter(&queue, &[1], admission).err(), Some(Refused::Stopped));
    }
    assert!(queue.take(usize::MAX).is_none());
}
