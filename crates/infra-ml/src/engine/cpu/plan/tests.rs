use super::*;

const MEBIBYTE: usize = 1 << 20;

#[test]
fn each_core_of_a_batch_has_24_tokens() {
    let plan = Plan::new(64, MEBIBYTE, 32 * MEBIBYTE);
    for (tokens, cores) in [(1, 1), (47, 1), (48, 2), (71, 2), (72, 3), (256, 10), (512, 21), (5_000, 64)] {
        assert_eq!(plan.cores(Arithmetic::Int8, tokens), cores, "{tokens} tokens");
    }
}

#[test]
fn two_cores_share_a_batch_as_soon_as_it_repays_their_synchronization() {
    let plan = Plan::new(2, MEBIBYTE, 32 * MEBIBYTE);
    for (arithmetic, least) in [(Arithmetic::F32, 16), (Arithmetic::Int8, 48)] {
        assert_eq!([least - 1, least, 500].map(|tokens| plan.cores(arithmetic, tokens)), [1, 2, 2]);
    }
    assert_eq!(Plan::new(1, MEBIBYTE, 32 * MEBIBYTE).cores(Arithmetic::F32, 500), 1);
}

#[test]
fn a_model_that_the_cache_holds_may_run_one_text_a_worker() {
    assert_eq!(Plan::new(64, 16 * MEBIBYTE, 32 * MEBIBYTE).min_batch_tokens, 0);
}

#[test]
fn a_model_larger_than_the_cache_has_larger_batches_the_more_workers_load_its_weights() {
    let least = |workers| Plan::new(workers, 85 * MEBIBYTE, 32 * MEBIBYTE).min_batch_tokens;
    assert_eq!([2, 16, 64, 512].map(least), [3, 24, 96, 96]);
}

#[test]
fn few_workers_run_each_batch_on_a_core_of_its_own() {
    let plan = Plan::new(16, MEBIBYTE, 32 * MEBIBYTE);
    assert_eq!((plan.own_cores(512), plan.idle_workspaces()), (1, 16));
}

#[test]
fn many_workers_divide_large_batches() {
    let plan = Plan::new(64, MEBIBYTE, 32 * MEBIBYTE);
    assert_eq!([1, 72, 73, 510, 5_000].map(|tokens| plan.own_cores(tokens)), [1, 1, 2, 4, 4]);
    assert_eq!(plan.idle_workspaces(), 5);
}
