//! Texts that would miss their deadlines are refused.

use application::ports::Deadline;

use super::*;

const LARGE: QueueLimits = QueueLimits { items: 10_000, tokens: 1_000_000, batch_tokens: 1_000 };

/// A queue of a model with two workers that computes 1,000 tokens in a second.
fn measured() -> Arc<Queue> {
    let queue = queue(LARGE);
    queue.set_workers(2);
    queue.record_batch(500, Duration::from_secs(1), 1);
    assert_eq!(queue.tokens_per_second(), Some(1_000.0));
    queue
}

/// Texts of `tokens` in one window.
fn waiting(queue: &Arc<Queue>, count: usize, tokens: usize, admission: Admission) -> Vec<Waiting> {
    (0..count).map(|_| enter(queue, &[tokens], admission).unwrap()).collect()
}

/// Whether a text of these windows that has `seconds` is accepted.
fn is_accepted(queue: &Arc<Queue>, windows: &[usize], admission: Admission, seconds: u64) -> bool {
    let deadline = Deadline::AfterQueueing(Duration::from_secs(seconds));
    enter(queue, windows, Queueing { admission, deadline }).is_ok()
}

/// The fewest seconds with which a text of one token is accepted.
fn seconds_needed(queue: &Arc<Queue>, admission: Admission) -> Option<u64> {
    (0..100).find(|seconds| is_accepted(queue, &[1], admission, *seconds))
}

#[test]
fn a_text_that_would_wait_beyond_its_deadline_is_refused() {
    let queue = measured();
    assert_eq!(seconds_needed(&queue, Admission::Single), Some(0), "nothing waits");
    let _waiting = waiting(&queue, 40, 100, Admission::Single);
    assert_eq!(seconds_needed(&queue, Admission::Single), Some(5), "4 s, and a quarter more");
    let late =
        Queueing { admission: Admission::Single, deadline: Deadline::AfterQueueing(Duration::from_secs(4)) };
    assert!(queue.is_full(late) && !queue.is_full(Admission::Single.into()));
}

#[test]
fn before_the_first_measurement_only_the_fixed_limits_count() {
    let queue = queue(LARGE);
    let _waiting = waiting(&queue, 1_000, 100, Admission::Single);
    assert_eq!(seconds_needed(&queue, Admission::Single), Some(0));
}

#[test]
fn a_class_has_its_share_of_the_speed_while_the_other_waits() {
    let queue = measured();
    let _singles = waiting(&queue, 12, 100, Admission::Single);
    let _bulk = waiting(&queue, 2, 100, Admission::BulkNext);
    assert_eq!(seconds_needed(&queue, Admission::Single), Some(2), "1,200 of 750 tokens in a second");
    assert_eq!(seconds_needed(&queue, Admission::BulkStart), Some(1), "200 of 250 tokens in a second");
    let other = measured();
    let _bulk = waiting(&other, 12, 100, Admission::BulkNext);
    assert_eq!(seconds_needed(&other, Admission::Single), Some(0), "no single text waits");
    assert_eq!(seconds_needed(&measured(), Admission::BulkStart), Some(0));
}

#[test]
fn the_backlog_counts_for_the_start_of_a_batch_and_refuses_no_further_text() {
    let small = queue(QueueLimits { items: 1_000, tokens: 400, batch_tokens: 100 });
    small.record_batch(100, Duration::from_secs(1), 1);
    let backlog = waiting(&small, 8, 100, Admission::BulkNext);
    assert!(backlog.last().unwrap().is_in_backlog());
    assert_eq!(seconds_needed(&small, Admission::BulkStart), Some(10));
    assert!(is_accepted(&small, &[1], Admission::BulkNext, 0));
    drop(backlog);
    assert_eq!(seconds_needed(&small, Admission::BulkStart), Some(0));
}

#[test]
fn a_text_waits_for_as_many_windows_of_each_other_text_as_it_has_itself() {
    let queue = measured();
    let _long = single(&queue, &[400; 100]);
    assert!(is_accepted(&queue, &[1], Admission::Single, 1), "400 tokens are before it");
    let queue = measured();
    let _long = single(&queue, &[400; 100]);
    assert!(!is_accepted(&queue, &[400; 10], Admission::Single, 4), "4,000 tokens are before it");
    assert!(is_accepted(&queue, &[400; 10], Admission::Single, 5));
}

#[test]
fn what_was_taken_or_dropped_does_not_wait() {
    let queue = measured();
    let mut texts = vec![single(&queue, &[100, 100, 100])];
    texts.extend(waiting(&queue, 3, 100, Admission::Single));
    let batch = queue.take(200).unwrap();
    assert_eq!(sizes(&batch), [100, 100]);
    let waiting = || {
        let State { single, .. } = &*queue.state();
        (single.texts(), single.tokens(), single.next_tokens())
    };
    assert_eq!(waiting(), (3, 400, 300));
    drop((batch, texts));
    assert_eq!(waiting(), (0, 0, 0));
}

/// Three times as many texts arrive as the model computes: ten in each second.
#[test]
fn under_overload_the_accepted_texts_are_computed_before_their_deadlines_and_the_others_refused_at_once() {
    const DEADLINE: u64 = 100;
    const SECONDS: u64 = 1_000;
    let queue = queue(QueueLimits { batch_tokens: 10, ..LARGE });
    let deadline = Deadline::AfterQueueing(Duration::from_secs(DEADLINE));
    let queueing = Queueing { admission: Admission::Single, deadline };
    let mut waiting: Vec<(u64, Waiting)> = Vec::new();
    let (mut computed, mut longest) = (0, 0);
    for second in 0..SECONDS {
        waiting.extend((0..30).filter_map(|_| Some((second, enter(&queue, &[1], queueing).ok()?))));
        let batch = queue.take(usize::MAX).unwrap();
        for task in &batch.tasks {
            task.job.complete(task.window, vec![0.0]);
        }
        queue.record_batch(batch.tasks.len(), Duration::from_secs(1), 1);
        waiting.retain_mut(|(since, text)| {
            let is_waiting = text.reply.try_recv().is_err();
            if !is_waiting {
                (computed, longest) = (computed + 1, longest.max(second + 1 - *since));
            }
            is_waiting
        });
    }
    assert_eq!(computed, 10 * SECONDS, "the model is never idle");
    assert!((DEADLINE / 2..DEADLINE).contains(&longest), "{longest} s");
}
