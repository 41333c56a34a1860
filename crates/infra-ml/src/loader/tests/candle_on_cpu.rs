//! Encoders off the fast path, on the CPU.

use super::families::{FAMILIES, family_settings, parts, references, token_batch};
use super::*;
use crate::engine::largest_difference;

fn off_the_fast_path() -> impl Iterator<Item = &'static str> {
    FAMILIES.into_iter().filter(|(_, fast)| !fast).map(|(name, _)| name)
}

#[test]
fn batches_on_the_cpu_are_bounded() {
    for name in off_the_fast_path() {
        let (engines, _) = load_all(&family_settings(name, Precision::F32)).unwrap();
        assert_eq!(engines[0].batch_tokens(), 128, "{name}");
    }
}

#[test]
fn all_workers_give_the_same_logits_alone_and_beside_one_another() {
    for name in off_the_fast_path() {
        let settings =
            ModelSettings { threads: NonZeroUsize::new(3), ..family_settings(name, Precision::F32) };
        let (mut engines, _) = load_all(&settings).unwrap();
        assert_eq!(engines.len(), 3, "{name}");
        let batch = token_batch(&references(name).0);
        let expected = engines[0].forward(&batch, Cores::All).unwrap();
        let all_found: Vec<_> = std::thread::scope(|scope| {
            let forward = |engine: &'_ mut Box<dyn Engine>| engine.forward(&batch, Cores::Own).unwrap();
            let running: Vec<_> =
                engines.iter_mut().map(|engine| scope.spawn(move || forward(engine))).collect();
            running.into_iter().map(|running| running.join().unwrap()).collect()
        });
        for found in all_found {
            for (found, expected) in found.iter().zip(&expected) {
                assert!(largest_difference(found, expected) < 1e-5, "{name}");
            }
        }
    }
}

#[test]
fn the_kernels_of_the_cpu_and_candles_operations_agree() {
    for name in off_the_fast_path() {
        let (config, weights) = parts(name);
        let builder = || weights.builder(DType::F32, &candle_core::Device::Cpu);
        let (architecture, labels) = (config.architecture(), config.labels().len());
        let mut kernels = CandleEngine::load(builder(), architecture, labels).unwrap();
        let mut plain = CandleEngine::load_plain(builder(), architecture, labels).unwrap();
        let (texts, _) = references(name);
        let most = architecture.positions().min(700);
        let lengths = [1, 2, 15, 16, 17, most - 9, most - 1, most];
        let long = texts.iter().max_by_key(|ids| ids.len()).unwrap().iter().cycle();
        let long: Vec<Vec<u32>> =
            lengths.iter().map(|length| long.clone().copied().take(*length).collect()).collect();
        let batch = token_batch(texts.iter().chain(&long));
        let expected = plain.forward(&batch, Cores::All).unwrap();
        for (number, (found, expected)) in
            kernels.forward(&batch, Cores::Own).unwrap().iter().zip(&expected).enumerate()
        {
            assert!(largest_difference(found, expected) < 1e-4, "{name}, text {number}");
        }
    }
}
