use super::*;

const LARGE: QueueLimits = QueueLimits { items: 100, tokens: 100_000, batch_tokens: 1_000 };

/// A queue of 16 workers with as many texts of ten tokens.
fn sixteen_texts(min_batch_tokens: usize) -> (Arc<Queue>, Vec<Waiting>) {
    let queue = queue(LARGE);
    queue.set_workers(16);
    queue.set_min_batch_tokens(min_batch_tokens);
    let waiting = (0..16).map(|_| single(&queue, &[10])).collect();
    (queue, waiting)
}

#[test]
fn idle_workers_share_what_waits() {
    let (queue, _waiting) = sixteen_texts(0);
    let batches: Vec<Batch<'_>> = (0..16).map(|_| queue.take(256).unwrap()).collect();
    assert!(batches.iter().all(|batch| sizes(batch) == [10]));
}

#[test]
fn a_share_has_the_minimum_of_a_batch() {
    let (queue, _waiting) = sixteen_texts(96);
    let batches = [queue.take(256).unwrap(), queue.take(256).unwrap()];
    assert_eq!(batches.map(|batch| sizes(&batch).len()), [9, 7]);
}

#[test]
fn the_minimum_of_a_batch_is_below_its_maximum() {
    let (queue, _waiting) = sixteen_texts(96);
    assert_eq!(sizes(&queue.take(30).unwrap()).len(), 3);
}

#[test]
fn a_lone_text_does_not_wait_for_the_minimum_of_a_batch() {
    let queue = queue(LARGE);
    queue.set_workers(16);
    queue.set_min_batch_tokens(96);
    let _single = single(&queue, &[10]);
    assert_eq!(sizes(&queue.take(256).unwrap()), [10]);
}
