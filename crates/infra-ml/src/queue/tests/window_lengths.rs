use super::*;

const LARGE: QueueLimits = QueueLimits { items: 100, tokens: 100_000, batch_tokens: 1_000 };

fn enter_all(queue: &Arc<Queue>, windows: &[usize]) -> Vec<Waiting> {
    windows.iter().map(|tokens| single(queue, &[*tokens])).collect()
}

#[test]
fn while_a_long_window_runs_the_other_workers_take_short_ones() {
    let queue = queue(LARGE);
    queue.set_workers(2);
    let _waiting = enter_all(&queue, &[500, 500, 10, 10, 10]);
    let long = queue.take(256).unwrap();
    assert_eq!(sizes(&long), [500]);
    let short = queue.take(256).unwrap();
    assert_eq!(sizes(&short), [10, 10, 10], "not the second long one");
    drop(short);
    let second = queue.take(256).unwrap();
    assert_eq!(sizes(&second), [500], "no short one waits");
}

#[test]
fn a_single_worker_alternates_between_long_and_short_windows() {
    let queue = queue(LARGE);
    let _waiting = enter_all(&queue, &[500, 500, 10, 500, 10]);
    let taken: Vec<Vec<usize>> = (0..4).map(|_| sizes(&queue.take(256).unwrap())).collect();
    assert_eq!(taken, [vec![500], vec![10, 10], vec![500], vec![500]]);
}

#[test]
fn idle_workers_share_what_waits_equally() {
    let queue = queue(LARGE);
    queue.set_workers(2);
    let _waiting = enter_all(&queue, &[10; 8]);
    let first = queue.take(usize::MAX).unwrap();
    let second = queue.take(usize::MAX).unwrap();
    assert_eq!((sizes(&first).len(), sizes(&second).len()), (4, 4));
}

#[test]
fn a_batch_uses_all_cores_only_if_nothing_else_runs_or_waits() {
    let queue = queue(LARGE);
    queue.set_workers(2);
    let _waiting = enter_all(&queue, &[50]);
    let alone = queue.take(256).unwrap();
    assert_eq!(alone.cores, Cores::All);
    let _more = enter_all(&queue, &[50]);
    assert_eq!(queue.take(256).unwrap().cores, Cores::Own, "another runs");
    drop(alone);
    let _more = enter_all(&queue, &[500, 50]);
    assert_eq!(queue.take(256).unwrap().cores, Cores::Own, "another waits");
}
