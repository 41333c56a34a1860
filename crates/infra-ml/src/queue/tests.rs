mod gauges;

use application::ports::MlError;
use tokio::sync::oneshot::Receiver;

use super::*;
use crate::job::Reply;

const LIMITS: QueueLimits = QueueLimits { items: 3, tokens: 30, batch_tokens: 10 };

/// A text with windows of these many tokens, and no special ones.
fn job(windows: &[usize]) -> (Arc<Job>, Receiver<Reply>) {
    let mut spans = Vec::new();
    let mut end = 0;
    for tokens in windows {
        spans.push(end..end + tokens);
        end += tokens;
    }
    let (job, answer) = Job::new(vec![4; end], spans, 0);
    (Arc::new(job), answer)
}

/// The tokens of each window of the next batch.
fn taken(queue: &Queue) -> Vec<usize> {
    queue.take(usize::MAX).unwrap().tasks.iter().map(|task| task.job.window(task.window).len()).collect()
}

#[test]
fn a_batch_takes_what_waits_up_to_its_budget() {
    let queue = Queue::new(LIMITS);
    let _answers: Vec<_> = [4, 5, 2]
        .map(|tokens| {
            let (job, answer) = job(&[tokens]);
            queue.try_enter(job).unwrap();
            answer
        })
        .into();
    assert_eq!(taken(&queue), [4, 5]);
    assert_eq!(taken(&queue), [2]);
}

#[test]
fn a_window_above_the_budget_runs_alone() {
    let queue = Queue::new(LIMITS);
    let (large, _first) = job(&[12]);
    let (small, _second) = job(&[1]);
    queue.try_enter(large).unwrap();
    queue.try_enter(small).unwrap();
    assert_eq!(taken(&queue), [12]);
    assert_eq!(taken(&queue), [1]);
}

#[test]
fn a_text_of_many_windows_lets_others_through_after_each_batch() {
    let queue = Queue::new(LIMITS);
    let (long, _first) = job(&[5, 5, 5, 5]);
    let (short, _second) = job(&[3]);
    queue.try_enter(long).unwrap();
    queue.try_enter(short).unwrap();
    assert_eq!(taken(&queue), [5, 5]);
    assert_eq!(taken(&queue), [3, 5]);
    assert_eq!(taken(&queue), [5]);
}

#[test]
fn a_full_queue_refuses_until_there_is_room() {
    let queue = Queue::new(LIMITS);
    let mut answers = Vec::new();
    let mut enter = |tokens: usize| {
        let (job, answer) = job(&[tokens]);
        answers.push(answer);
        queue.try_enter(job)
    };
    assert_eq!(
        [enter(9), enter(9), enter(13)],
        [Ok(()), Ok(()), Err(Refused::Full)],
        "13 tokens more than 30"
    );
    assert_eq!([enter(1), enter(1)], [Ok(()), Err(Refused::Full)], "more than three texts");
    assert!(queue.is_full());
    assert_eq!(taken(&queue), [9]);
    assert!(!queue.is_full());
    assert_eq!(enter(1), Ok(()));
}

#[test]
fn a_text_larger_than_the_queue_is_let_in_alone() {
    let queue = Queue::new(LIMITS);
    let (large, _first) = job(&[10, 10, 10, 10]);
    let (small, _second) = job(&[1]);
    assert_eq!(queue.try_enter(large), Ok(()));
    assert_eq!(queue.try_enter(small), Err(Refused::Full));
    assert_eq!(taken(&queue), [10]);
}

#[test]
fn those_in_line_enter_in_turn_and_before_any_newcomer() {
    let queue = Queue::new(LIMITS);
    let mut answers = Vec::new();
    let mut enter = |tokens: usize| {
        let (job, answer) = job(&[tokens]);
        answers.push(answer);
        queue.enter(job).unwrap()
    };
    assert!(enter(10).is_none() && enter(10).is_none());
    let mut large = enter(21).unwrap();
    let mut small = enter(1).unwrap();
    assert!(queue.is_full(), "a newcomer would fit, but others stand before it");
    assert_eq!(taken(&queue), [10]);
    assert!(large.try_recv().is_err(), "21 do not fit beside 10");
    assert_eq!(taken(&queue), [10]);
    assert_eq!((large.try_recv(), small.try_recv()), (Ok(()), Ok(())));
    assert_eq!((taken(&queue), taken(&queue)), (vec![21], vec![1]));
}

#[test]
fn who_left_is_left_out_of_the_line_and_of_the_queue() {
    let queue = Queue::new(LIMITS);
    let (first, gone) = job(&[10, 10, 10]);
    let (second, gone_too) = job(&[5]);
    let (third, _answer) = job(&[7]);
    queue.enter(first).unwrap();
    queue.enter(second).unwrap();
    queue.enter(third).unwrap();
    drop((gone, gone_too));
    assert_eq!(taken(&queue), [7]);
    assert!(!queue.is_full());
}

#[test]
fn stopping_answers_those_who_wait_and_refuses_newcomers() {
    let queue = Queue::new(QueueLimits { items: 1, ..LIMITS });
    let (inside, mut first) = job(&[1]);
    let (in_line, mut second) = job(&[1]);
    queue.enter(inside).unwrap();
    queue.enter(in_line).unwrap();
    queue.stop();
    for answer in [&mut first, &mut second] {
        assert!(matches!(answer.try_recv().unwrap(), Err(MlError::Unavailable { .. })));
    }
    assert_eq!(queue.try_enter(job(&[1]).0), Err(Refused::Stopped));
    assert!(queue.enter(job(&[1]).0).is_err() && queue.take(usize::MAX).is_none());
}

/// Room for windows of more than [`LONG`] tokens.
const ROOMY: QueueLimits = QueueLimits { items: 100, tokens: 100_000, batch_tokens: 1_000 };

/// The window sizes of a batch that is held as running.
fn sizes(batch: &Batch<'_>) -> Vec<usize> {
    batch.tasks.iter().map(|task| task.job.window(task.window).len()).collect()
}

fn enter_all(queue: &Queue, windows: &[usize]) -> Vec<Receiver<Reply>> {
    let enter = |tokens: &usize| {
        let (job, answer) = job(&[*tokens]);
        queue.try_enter(job).unwrap();
        answer
    };
    windows.iter().map(enter).collect()
}

#[test]
fn while_a_long_text_runs_the_other_workers_take_short_ones() {
    let queue = Queue::new(ROOMY);
    queue.serve(2);
    let _answers = enter_all(&queue, &[500, 500, 10, 10, 10]);
    let long = queue.take(256).unwrap();
    assert_eq!(sizes(&long), [500]);
    let short = queue.take(256).unwrap();
    assert_eq!(sizes(&short), [10, 10, 10], "not the second long one");
    drop(short);
    let second = queue.take(256).unwrap();
    assert_eq!(sizes(&second), [500], "nothing short waits any more");
}

#[test]
fn one_worker_alone_takes_long_and_short_texts_in_turn() {
    let queue = Queue::new(ROOMY);
    let _answers = enter_all(&queue, &[500, 500, 10, 500, 10]);
    let taken: Vec<Vec<usize>> = (0..4).map(|_| sizes(&queue.take(256).unwrap())).collect();
    assert_eq!(taken, [vec![500], vec![10, 10], vec![500], vec![500]]);
}

#[test]
fn workers_that_are_idle_share_what_waits() {
    let queue = Queue::new(ROOMY);
    queue.serve(2);
    let _answers = enter_all(&queue, &[10; 8]);
    let first = queue.take(usize::MAX).unwrap();
    let second = queue.take(usize::MAX).unwrap();
    assert_eq!((sizes(&first).len(), sizes(&second).len()), (4, 4));
}

#[test]
fn a_batch_may_use_all_cores_only_where_nothing_else_runs_or_waits() {
    let queue = Queue::new(ROOMY);
    queue.serve(2);
    let _answers = enter_all(&queue, &[50]);
    let alone = queue.take(256).unwrap();
    assert_eq!(alone.cores, Cores::All);
    let _more = enter_all(&queue, &[50]);
    assert_eq!(queue.take(256).unwrap().cores, Cores::Own, "another runs");
    drop(alone);
    let _more = enter_all(&queue, &[500, 50]);
    assert_eq!(queue.take(256).unwrap().cores, Cores::Own, "another waits");
}
