use std::thread;
use std::time::Duration;

use super::*;

const ROOMY: QueueLimits = QueueLimits { items: 100, tokens: 100_000, batch_tokens: 1_000 };

/// A queue of two workers in which a single text has just been answered and four long bulk texts wait.
fn after_a_single_text(reserved: Duration) -> (Arc<Queue>, Vec<Waiting>) {
    let queue = queue(ROOMY);
    queue.serve(2);
    queue.state().reserved = reserved;
    let answered = single(&queue, &[10]);
    let batch = queue.take(256).unwrap();
    batch.tasks[0].job.give(0, vec![0.0]);
    drop((batch, answered));
    let waiting = (0..4).map(|_| bulk(&queue, &[500])).collect();
    (queue, waiting)
}

#[test]
fn a_moment_after_a_single_text_the_last_worker_takes_no_bulk() {
    let (queue, _bulk) = after_a_single_text(Duration::from_hours(1));
    let first = queue.take(256).unwrap();
    assert_eq!(sizes(&first), [500]);
    thread::scope(|scope| {
        // It has waited for a single text, whether this one came before it or after.
        let last = scope.spawn(|| sizes(&queue.take(256).unwrap()));
        let _single = single(&queue, &[10]);
        assert_eq!(last.join().unwrap(), [10]);
    });
    drop(first);
    assert_eq!(sizes(&queue.take(256).unwrap()), [500], "the other one goes on with bulk");
}

#[test]
fn the_last_worker_that_leaves_bulk_alone_ends_when_the_queue_is_stopped() {
    let (queue, _bulk) = after_a_single_text(Duration::from_hours(1));
    let _first = queue.take(256).unwrap();
    thread::scope(|scope| {
        let last = scope.spawn(|| queue.take(256).is_none());
        queue.stop();
        assert!(last.join().unwrap());
    });
}

#[test]
fn when_the_moment_has_passed_all_workers_take_bulk() {
    let (queue, _bulk) = after_a_single_text(Duration::from_millis(1));
    let batches = [queue.take(256).unwrap(), queue.take(256).unwrap()];
    assert!(batches.iter().all(|batch| sizes(batch) == [500]));
}

#[test]
fn where_no_single_text_comes_all_workers_take_bulk() {
    let queue = queue(ROOMY);
    queue.serve(2);
    let _bulk: Vec<Waiting> = (0..2).map(|_| bulk(&queue, &[500])).collect();
    let batches = [queue.take(256).unwrap(), queue.take(256).unwrap()];
    assert!(batches.iter().all(|batch| sizes(batch) == [500]));
}

#[test]
fn one_worker_alone_takes_bulk_at_any_time() {
    let (queue, _bulk) = after_a_single_text(Duration::from_hours(1));
    queue.serve(1);
    assert_eq!(sizes(&queue.take(256).unwrap()), [500]);
}
