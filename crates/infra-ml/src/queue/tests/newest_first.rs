//! Callers that give up after a while and retry, more of them than the model can serve.

use super::*;

const BATCH_TEXTS: usize = 10;
const TIMEOUT_TICKS: usize = 100;
const LARGE: QueueLimits = QueueLimits { items: 100_000, tokens: 1_000_000, batch_tokens: BATCH_TEXTS };

struct Caller {
    waiting: Waiting,
    since: usize,
}

/// The number of replies that `callers` receive in `ticks`, of which each runs one batch. A caller retries after a
/// reply and after [`TIMEOUT_TICKS`]; a batch replies at the end of its tick.
fn replies(callers: usize, ticks: usize) -> usize {
    let queue = queue(LARGE);
    let submit = |since| Caller { waiting: single(&queue, &[1]), since };
    let mut all: Vec<Caller> = Vec::new();
    let mut replies = 0;
    for tick in 0..ticks {
        // The callers do not all start at once.
        if all.len() < callers {
            all.extend((0..callers.div_ceil(TIMEOUT_TICKS)).map(|_| submit(tick)));
        }
        let batch = queue.take(usize::MAX).unwrap();
        for caller in &mut all {
            if tick - caller.since >= TIMEOUT_TICKS {
                *caller = submit(tick);
            }
        }
        for task in &batch.tasks {
            task.job.complete(task.window, vec![0.0]);
        }
        for caller in &mut all {
            if caller.waiting.reply.try_recv().is_ok() {
                replies += 1;
                *caller = submit(tick);
            }
        }
    }
    replies
}

#[test]
fn callers_that_time_out_and_retry_waste_at_most_a_tenth_of_the_throughput() {
    let ticks = 20 * TIMEOUT_TICKS;
    let max = ticks * BATCH_TEXTS;
    for overload in [1, 2, 5] {
        // More than can be served before they time out.
        let callers = overload * BATCH_TEXTS * TIMEOUT_TICKS + 2 * BATCH_TEXTS;
        let replies = replies(callers, ticks);
        assert!(replies * 10 >= max * 9, "{replies} of {max} with {callers} callers");
    }
}

#[test]
fn a_caller_that_gives_up_puts_the_newest_first_for_a_few_windows_only() {
    let queue = queue(LARGE);
    let dropped = single(&queue, &[1]);
    let waiting: Vec<Waiting> = (0..40).map(|_| single(&queue, &[1])).collect();
    drop(dropped);
    let oldest = &waiting[0].queued.job;
    let batches: Vec<Vec<Task>> = (0..2).map(|_| queue.take(usize::MAX).unwrap().tasks).collect();
    assert!(!batches[0].iter().any(|task| Arc::ptr_eq(&task.job, oldest)), "ten of the newest");
    assert!(batches[1].iter().any(|task| Arc::ptr_eq(&task.job, oldest)), "six more, then the oldest");
}

#[test]
fn a_caller_that_gives_up_when_nothing_else_waits_does_not_change_the_order() {
    let queue = queue(LARGE);
    drop(single(&queue, &[1]));
    let first = single(&queue, &[1]);
    let _others: Vec<Waiting> = (0..40).map(|_| single(&queue, &[1])).collect();
    let batch = queue.take(usize::MAX).unwrap();
    assert!(Arc::ptr_eq(&batch.tasks[0].job, &first.queued.job));
}
