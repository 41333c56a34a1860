//! Callers who give up after a while and ask again, more of them than can be served in that time.

use super::*;

const TEXTS_OF_A_BATCH: usize = 10;
const PATIENCE: usize = 100;
const ROOMY: QueueLimits = QueueLimits { items: 100_000, tokens: 1_000_000, batch_tokens: TEXTS_OF_A_BATCH };

struct Caller {
    waiting: Waiting,
    came: usize,
}

/// How many answers `callers` get in `ticks`, in each of which one batch is run. A caller asks again after an answer and
/// after [`PATIENCE`]; a batch answers at the end of its tick those who are still there.
fn answers(callers: usize, ticks: usize) -> usize {
    let queue = queue(ROOMY);
    let ask = |came| Caller { waiting: single(&queue, &[1]), came };
    let mut all: Vec<Caller> = Vec::new();
    let mut answered = 0;
    for tick in 0..ticks {
        // They do not all come at once.
        if all.len() < callers {
            all.extend((0..callers.div_ceil(PATIENCE)).map(|_| ask(tick)));
        }
        let batch = queue.take(usize::MAX).unwrap();
        for caller in &mut all {
            if tick - caller.came >= PATIENCE {
                *caller = ask(tick);
            }
        }
        for task in &batch.tasks {
            task.job.give(task.window, vec![0.0]);
        }
        for caller in &mut all {
            if caller.waiting.answer.try_recv().is_ok() {
                answered += 1;
                *caller = ask(tick);
            }
        }
    }
    answered
}

#[test]
fn callers_who_give_up_and_ask_again_leave_nine_tenths_of_what_the_model_can_do() {
    let ticks = 20 * PATIENCE;
    let most = ticks * TEXTS_OF_A_BATCH;
    for overload in [1, 2, 5] {
        // As many as can be served within their patience, and some more.
        let callers = overload * TEXTS_OF_A_BATCH * PATIENCE + 2 * TEXTS_OF_A_BATCH;
        let answered = answers(callers, ticks);
        assert!(answered * 10 >= most * 9, "{answered} of {most} with {callers} callers");
    }
}

#[test]
fn one_who_gives_up_puts_the_newest_first_for_no_more_than_a_few_texts() {
    let queue = queue(ROOMY);
    let gone = single(&queue, &[1]);
    let waiting: Vec<Waiting> = (0..40).map(|_| single(&queue, &[1])).collect();
    drop(gone);
    let oldest = &waiting[0].queued.job;
    let batches: Vec<Vec<Task>> = (0..2).map(|_| queue.take(usize::MAX).unwrap().tasks).collect();
    assert!(!batches[0].iter().any(|task| Arc::ptr_eq(&task.job, oldest)), "ten of the newest");
    assert!(batches[1].iter().any(|task| Arc::ptr_eq(&task.job, oldest)), "six more, then the oldest");
}

#[test]
fn nobody_is_hurried_by_one_who_left_when_nothing_waited() {
    let queue = queue(ROOMY);
    drop(single(&queue, &[1]));
    let first = single(&queue, &[1]);
    let _others: Vec<Waiting> = (0..40).map(|_| single(&queue, &[1])).collect();
    let batch = queue.take(usize::MAX).unwrap();
    assert!(Arc::ptr_eq(&batch.tasks[0].job, &first.queued.job));
}
