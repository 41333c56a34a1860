use std::thread;
use std::time::Duration;

use super::*;

const LARGE: QueueLimits = QueueLimits { items: 100, tokens: 100_000, batch_tokens: 1_000 };

/// A queue with two workers in which a single text has just been computed and four long bulk texts wait.
fn after_a_single_text(reserve_time: Duration) -> (Arc<Queue>, Vec<Waiting>) {
    let queue = queue(LARGE);
    queue.set_workers(2);
    queue.state().reserve_time = reserve_time;
    let answered = single(&queue, &[10]);
    let batch = queue.take(256).unwrap();
    batch.tasks[0].job.complete(0, vec![0.0]);
    drop((batch, answered));
    let waiting = (0..4).map(|_| bulk(&queue, &[500])).collect();
    (queue, waiting)
}

#[test]
fn shortly_after_a_single_text_the_last_free_worker_takes_no_bulk() {
    let (queue, _bulk) = after_a_single_text(Duration::from_hours(1));
    let first = queue.take(256).unwrap();
    assert_eq!(sizes(&first), [500]);
    thread::scope(|scope| {
        // It takes the single text, whether that comes before or after the call.
        let last = scope.spawn(|| sizes(&queue.take(256).unwrap()));
        let _single = single(&queue, &[10]);
        assert_eq!(last.join().unwrap(), [10]);
    });
    drop(first);
    assert_eq!(sizes(&queue.take(256).unwrap()), [500], "the other worker continues with bulk");
}

#[test]
fn a_worker_that_waits_for_single_texts_ends_when_the_queue_is_stopped() {
    let (queue, _bulk) = after_a_single_text(Duration::from_hours(1));
    let _first = queue.take(256).unwrap();
    thread::scope(|scope| {
        let last = scope.spawn(|| queue.take(256).is_none());
        queue.stop();
        assert!(last.join().unwrap());
    });
}

#[test]
fn after_the_reserve_time_all_workers_take_bulk() {
    let (queue, _bulk) = after_a_single_text(Duration::from_millis(1));
    let batches = [queue.take(256).unwrap(), queue.take(256).unwrap()];
    assert!(batches.iter().all(|batch| sizes(batch) == [500]));
}

#[test]
fn without_single_texts_all_workers_take_bulk() {
    let queue = queue(LARGE);
    queue.set_workers(2);
    let _bulk: Vec<Waiting> = (0..2).map(|_| bulk(&queue, &[500])).collect();
    let batches = [queue.take(256).unwrap(), queue.take(256).unwrap()];
    assert!(batches.iter().all(|batch| sizes(batch) == [500]));
}

#[test]
fn a_single_worker_takes_bulk_at_any_time() {
    let (queue, _bulk) = after_a_single_text(Duration::from_hours(1));
    queue.set_workers(1);
    assert_eq!(sizes(&queue.take(256).unwrap()), [500]);
}

/// A queue with 16 workers in which `count` single texts have just been computed and 16 long bulk texts wait.
fn after_single_texts(count: usize) -> (Arc<Queue>, Vec<Waiting>) {
    let queue = queue(LARGE);
    queue.set_workers(16);
    queue.state().reserve_time = Duration::from_hours(1);
    let answered: Vec<Waiting> = (0..count).map(|_| single(&queue, &[10])).collect();
    let batches: Vec<Batch<'_>> = (0..count).map(|_| queue.take(10).unwrap()).collect();
    for batch in &batches {
        batch.tasks[0].job.complete(0, vec![0.0]);
    }
    drop((batches, answered));
    let waiting = (0..16).map(|_| bulk(&queue, &[500])).collect();
    (queue, waiting)
}

/// The workers that take bulk at once.
fn bulk_workers(queue: &Queue) -> usize {
    let mut batches = Vec::new();
    while queue.state().bulk_delay().is_none() && queue.depth() > 0 {
        batches.push(queue.take(256).unwrap());
    }
    batches.len()
}

#[test]
fn bulk_leaves_a_worker_free_for_each_single_text_that_came_at_once() {
    for (singles, workers) in [(0, 16), (1, 15), (4, 12), (12, 4), (40, 2)] {
        let (queue, _bulk) = after_single_texts(singles);
        assert_eq!(bulk_workers(&queue), workers, "after {singles} single texts");
    }
}

#[test]
fn the_reserve_shrinks_with_the_single_texts_that_come_at_once() {
    let (queue, _bulk) = after_single_texts(12);
    assert_eq!(queue.state().reserve(), 12);
    queue.state().reserve_time = Duration::ZERO;
    let _single = single(&queue, &[10]);
    assert_eq!(queue.state().reserve(), 1);
}
