//! The scratch memory of many workers, as counted by its owners.

use super::*;

/// A batch of sequences of these many tokens.
fn batch(lengths: &[usize]) -> TokenBatch {
    let mut batch = TokenBatch::default();
    for length in lengths {
        let ids: Vec<u32> = (1_000..).take(*length).collect();
        batch.push(&[&ids]);
    }
    batch
}

/// The bytes reserved by all `engines`.
fn reserved(engines: &[CpuEngine]) -> usize {
    let own = engines.iter().map(|engine| engine.workspace.bytes()).sum::<usize>();
    own + engines[0].shared.idle().iter().map(Workspace::bytes).sum::<usize>()
}

fn engines(arithmetic: Arithmetic, workers: usize) -> Vec<CpuEngine> {
    CpuEngine::for_workers(bundled(SimdLevel::detect(), arithmetic), workers).unwrap()
}

/// The bytes that `workers` have reserved after each of them ran a batch of usual size, and some the longest window, on
/// their own core and on all.
fn reserved_after_load(arithmetic: Arithmetic, workers: usize) -> usize {
    let mut engines = engines(arithmetic, workers);
    let usual = batch(&vec![25; engines[0].batch_tokens() / 25]);
    for engine in &mut engines {
        assert_eq!(engine.forward(&usual, Cores::Own).unwrap().len(), usual.len());
    }
    for engine in engines.iter_mut().take(3) {
        for (load, cores) in
            [(&usual, Cores::All), (&batch(&[510]), Cores::All), (&batch(&[510]), Cores::Own)]
        {
            assert_eq!(engine.forward(load, cores).unwrap().len(), load.len());
        }
    }
    reserved(&engines)
}

#[test]
fn engines_reserve_nothing_before_their_first_batch() {
    assert_eq!(reserved(&engines(Arithmetic::Int8, 64)), 0);
}

#[test]
fn a_batch_on_all_cores_reserves_nothing_in_the_other_workers() {
    let mut engines = engines(Arithmetic::Int8, 64);
    for engine in engines.iter_mut().take(3) {
        engine.forward(&batch(&[510]), Cores::All).unwrap();
    }
    assert!(engines.iter().all(|engine| engine.workspace.bytes() == 0));
    assert_eq!(engines[0].shared.idle().len(), 1);
}

#[test]
fn scratch_memory_is_linear_in_the_workers() {
    for arithmetic in [Arithmetic::Int8, Arithmetic::F32] {
        // Where no cache holds the weights, blocks are larger.
        let is_cached = engines(arithmetic, 64)[0].shared.plan.min_batch_tokens == 0;
        let most_per_worker = if is_cached { 1_200_000 } else { 1_700_000 };
        let [small, large] = [16, 64].map(|workers| reserved_after_load(arithmetic, workers));
        println!("{arithmetic:?}: {small} bytes for 16 workers, {large} for 64");
        assert!(large <= 4 * small + small / 2, "{arithmetic:?}: {small} for 16 workers, {large} for 64");
        assert!(large <= 64 * most_per_worker, "{arithmetic:?}: {large}");
    }
}

#[test]
fn long_windows_of_many_workers_share_few_workspaces() {
    let mut engines = engines(Arithmetic::Int8, 20);
    let shared = Arc::clone(&engines[0].shared);
    let window = batch(&[510]);
    let alone = shared.model.forward(&mut shared.model.workspace(SIZES), window.sequences(), 1);
    std::thread::scope(|scope| {
        for engine in &mut engines {
            let (window, alone) = (&window, &alone);
            scope.spawn(move || assert_eq!(engine.forward(window, Cores::Own).unwrap(), *alone));
        }
    });
    assert!((1..=shared.plan.idle_workspaces()).contains(&shared.idle().len()));
    assert!(engines.iter().all(|engine| engine.workspace.bytes() == 0));
}
