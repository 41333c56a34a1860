use super::*;

const LARGE: QueueLimits = QueueLimits { items: 10_000, tokens: 1_000_000, batch_tokens: 40 };

fn many(count: usize, admission: Admission, windows: &[usize], queue: &Arc<Queue>) -> Vec<Waiting> {
    (0..count).map(|_| enter(queue, windows, admission).unwrap()).collect()
}

/// The classes of the windows of the next batch.
fn classes(queue: &Queue) -> Vec<Class> {
    queue.take(usize::MAX).unwrap().tasks.iter().map(|task| task.job.class()).collect()
}

#[test]
fn while_both_classes_wait_one_token_in_four_is_bulk() {
    let queue = queue(LARGE);
    let _bulk = many(1_000, Admission::BulkNext, &[10], &queue);
    let _singles = many(40, Admission::Single, &[10], &queue);
    for _ in 0..13 {
        assert_eq!(classes(&queue), [Class::Single, Class::Single, Class::Single, Class::Bulk]);
    }
}

#[test]
fn a_single_text_waits_for_no_bulk_text_that_came_before_it() {
    let queue = queue(LARGE);
    let _bulk = many(1_000, Admission::BulkNext, &[10], &queue);
    assert_eq!(classes(&queue), [Class::Bulk; 4]);
    let _single = single(&queue, &[10]);
    assert_eq!(classes(&queue), [Class::Single, Class::Bulk, Class::Bulk, Class::Bulk]);
    assert_eq!(classes(&queue), [Class::Bulk; 4], "bulk fills the batch where no single text waits");
}

#[test]
fn a_long_bulk_window_runs_after_three_times_its_tokens_of_single_texts() {
    let queue = queue(LARGE);
    let _bulk = many(10, Admission::BulkNext, &[500, 500], &queue);
    let _singles = many(10, Admission::Single, &[250], &queue);
    let taken: Vec<Class> = (0..16).flat_map(|_| classes(&queue)).collect();
    let index = |nth: usize| taken.iter().enumerate().filter(|(_, class)| **class == Class::Bulk).nth(nth);
    assert_eq!(index(0).map(|(index, _)| index), Some(6), "after 1,500 tokens");
    assert_eq!(taken.iter().filter(|class| **class == Class::Single).count(), 10);
}

#[test]
fn bulk_gains_no_credit_while_none_waits() {
    let queue = queue(LARGE);
    let _singles = many(40, Admission::Single, &[10], &queue);
    assert_eq!(classes(&queue), [Class::Single; 4]);
    let _bulk = many(10, Admission::BulkNext, &[10], &queue);
    assert_eq!(classes(&queue), [Class::Single, Class::Single, Class::Single, Class::Bulk]);
}
