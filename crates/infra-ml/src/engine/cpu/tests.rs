//! The fast path against the reference logits of the bundled model, with every SIMD level of this machine.

mod folding;
mod memory;

use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use proptest::prelude::*;
use serde_json::Value;

use super::attention::{Attention, AttentionScratch};
use super::epilogue::Overwrite;
use super::linear::Linear;
use super::rows::Rows;
use super::scratch::BlockSizes;
use super::*;
use crate::architecture::{Architecture, BertLike, ConfigFile};
use crate::engine::candle::CandleEngine;
use crate::engine::largest_difference;
use crate::testing::{bundled_folder, small_model};

/// Token ids and the logits that PyTorch computes for them.
struct Case {
    ids: Vec<u32>,
    logits: Vec<f32>,
}

fn json(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(bundled_folder().join(name)).unwrap()).unwrap()
}

fn config_file(json: Value) -> ConfigFile {
    ConfigFile::new("config.json".into(), serde_json::from_value(json).unwrap())
}

fn cases() -> Vec<Case> {
    let reference = json("reference.json");
    let cases = reference["cases"].as_array().unwrap().iter();
    cases
        .map(|case| Case {
            ids: serde_json::from_value(case["input_ids"].clone()).unwrap(),
            logits: serde_json::from_value(case["logits"].clone()).unwrap(),
        })
        .collect()
}

fn bundled(level: SimdLevel, arithmetic: Arithmetic) -> Classifier {
    let bytes = std::fs::read(bundled_folder().join("model.safetensors")).unwrap();
    let config = config_file(json("config.json"));
    let Architecture::BertLike(config) = Architecture::read(&config).unwrap() else {
        panic!("not BERT-like")
    };
    let builder = VarBuilder::from_slice_safetensors(&bytes, DType::F32, &Device::Cpu).unwrap();
    Packing { level, arithmetic, embedding_dtype: DType::F16, fold_norms: false }
        .pack(builder, &config, 3)
        .unwrap()
}

fn forward(model: &Classifier, sequences: &[&[u32]]) -> Vec<Vec<f32>> {
    model.forward(&mut model.workspace(SIZES), sequences.iter().copied(), 1)
}

/// The largest difference of a logit from the reference, over all cases.
fn reference_difference(model: &Classifier, cases: &[Case]) -> f32 {
    let found: Vec<f32> = cases.iter().flat_map(|case| forward(model, &[&case.ids]).concat()).collect();
    let expected: Vec<f32> = cases.iter().flat_map(|case| case.logits.clone()).collect();
    largest_difference(&found, &expected)
}

/// The index of the greatest logit, and its margin over the next.
fn best(logits: &[f32]) -> (usize, f32) {
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|left, right| logits[*right].total_cmp(&logits[*left]));
    (order[0], logits[order[0]] - logits[order[1]])
}

/// Small, so that a batch has several blocks of each kind.
const SIZES: BlockSizes = BlockSizes { tokens: 40, ffn: 12, short: 30, long: 50 };

fn supported() -> impl Iterator<Item = SimdLevel> {
    SimdLevel::ALL.iter().copied().filter(|level| level.is_supported())
}

#[test]
fn f32_logits_equal_the_reference_at_every_simd_level() {
    for level in supported() {
        let difference = reference_difference(&bundled(level, Arithmetic::F32), &cases());
        println!("f32, {level:?}: {difference:.7}");
        assert!(difference < 1e-4, "{level:?}: {difference}");
    }
}

#[test]
fn int8_logits_are_within_the_reference_tolerance_at_every_simd_level() {
    let tolerance = json("reference.json")["tolerances"]["int8"].as_f64().unwrap() as f32;
    for level in supported() {
        let (model, cases) = (bundled(level, Arithmetic::Int8), cases());
        let difference = reference_difference(&model, &cases);
        println!("int8, {level:?}: {difference:.3}");
        assert!(difference < tolerance, "{level:?}: {difference}");
        for case in cases {
            let found = &forward(&model, &[&case.ids])[0];
            let (label, margin) = best(&case.logits);
            assert!(
                margin <= tolerance || best(found).0 == label,
                "{level:?}: {found:?} for {:?}",
                case.logits
            );
        }
    }
}

#[test]
fn the_largest_int8_products_do_not_overflow_at_any_simd_level() {
    for level in supported() {
        let (inputs, outputs) = (64, level.panel_width());
        let weights = vec![1.0; inputs * outputs];
        let linear = Linear::new(level, Arithmetic::Int8, &weights, &vec![0.0; outputs], 1.0);
        let mut rows = Rows::new(inputs, Arithmetic::Int8);
        rows.reserve(1);
        let mut rows = rows.first(1);
        rows.values.fill(1.0);
        rows.values[0] = 0.0;
        rows.quantize(level);
        let mut out = vec![0.0; outputs];
        linear.apply(level, rows.as_ref(), Overwrite { out: &mut out, width: outputs });
        for sum in out {
            assert!((sum - 63.0).abs() < 1e-3, "{level:?}: {sum}");
        }
    }
}

#[test]
fn nan_and_infinity_never_give_a_finite_result() {
    for level in supported() {
        for (arithmetic, column) in [(Arithmetic::F32, 3), (Arithmetic::Int8, 3), (Arithmetic::Int8, 69)] {
            for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let linear = Linear::new(level, arithmetic, &[1.0; 70], &[0.0], 1.0);
                let mut rows = Rows::new(70, arithmetic);
                rows.reserve(1);
                let mut rows = rows.first(1);
                rows.values.fill(1.0);
                rows.values[column] = value;
                rows.quantize(level);
                let mut out = [0.0];
                linear.apply(level, rows.as_ref(), Overwrite { out: &mut out, width: 1 });
                assert!(!out[0].is_finite(), "{level:?} {arithmetic:?} {value}: {}", out[0]);
            }
        }
    }
}

/// The layer `[outputs, inputs]` applied to `rows`, `[rows, inputs]`, summed in f64: `[rows, outputs]`.
fn naive_linear(weights: &[f32], bias: &[f32], rows: &[f32], inputs: usize) -> Vec<f32> {
    let row = |row: &[f32]| -> Vec<f32> {
        let output = |(weights, bias): (&[f32], &f32)| {
            let sum: f64 = weights.iter().zip(row).map(|(weight, number)| f64::from(weight * number)).sum();
            sum as f32 + bias
        };
        weights.chunks_exact(inputs).zip(bias).map(output).collect()
    };
    rows.chunks_exact(inputs).flat_map(row).collect()
}

/// Pseudo-random numbers between -1 and 1.
fn random(count: usize, seed: u32) -> Vec<f32> {
    let next = |state: &mut u32| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some((*state >> 8) as f32 / 8_388_608.0 - 1.0)
    };
    (0..count).scan(seed, |state, _| next(state)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_linear_layer_of_any_shape_equals_the_naive_one(
        rows in 1_usize..20, inputs in 1_usize..90, outputs in 1_usize..150, seed: u32,
    ) {
        let weights = random(inputs * outputs, seed);
        let bias = random(outputs, seed ^ 1);
        let values = random(rows * inputs, seed ^ 2);
        let expected = naive_linear(&weights, &bias, &values, inputs);
        for level in supported() {
            for (arithmetic, tolerance) in [(Arithmetic::F32, 1e-4), (Arithmetic::Int8, 0.03 * inputs as f32)] {
                let linear = Linear::new(level, arithmetic, &weights, &bias, 1.0);
                let mut input = Rows::new(inputs, arithmetic);
                input.reserve(rows);
                let mut input = input.first(rows);
                input.values.copy_from_slice(&values);
                input.quantize(level);
                let mut out = vec![f32::NAN; rows * outputs];
                linear.apply(level, input.as_ref(), Overwrite { out: &mut out, width: outputs });
                let difference = largest_difference(&out, &expected);
                prop_assert!(difference < tolerance, "{level:?} {arithmetic:?}: {difference}");
            }
        }
    }

    #[test]
    fn attention_of_any_shape_equals_the_naive_one(
        tokens in 1_usize..150, heads in 1_usize..4, head_dim in 1_usize..70, seed: u32,
    ) {
        let width = heads * head_dim;
        let (queries, key_value) = (random(tokens * width, seed), random(tokens * 2 * width, seed ^ 1));
        let mut expected = vec![0.0; tokens * width];
        for (query, out) in queries.chunks_exact(width).zip(expected.chunks_exact_mut(width)) {
            for head in 0..heads {
                let own = head * head_dim..(head + 1) * head_dim;
                let scores: Vec<f64> = key_value.chunks_exact(2 * width).map(|row| {
                    let products = row[own.clone()].iter().zip(&query[own.clone()]);
                    products.map(|(key, query)| f64::from(key * query)).sum::<f64>().exp()
                }).collect();
                let sum: f64 = scores.iter().sum();
                for (score, row) in scores.iter().zip(key_value.chunks_exact(2 * width)) {
                    for (out, value) in out[own.clone()].iter_mut().zip(&row[width + own.start..][..head_dim]) {
                        *out += (score / sum) as f32 * value;
                    }
                }
            }
        }
        for level in supported() {
            let out = &mut vec![f32::NAN; tokens * width];
            let scratch = &mut AttentionScratch::new();
            Attention { queries: &queries, key_value: &key_value, heads, head_dim, out, scratch }.apply(level);
            let difference = largest_difference(out, &expected);
            prop_assert!(difference < 1e-4, "{level:?}: {difference}");
        }
    }
}

#[test]
fn logits_do_not_depend_on_the_rest_of_the_batch_or_the_number_of_cores() {
    let cases = cases();
    let sequences: Vec<&[u32]> = cases.iter().map(|case| &case.ids[..]).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    for arithmetic in [Arithmetic::F32, Arithmetic::Int8] {
        let model = bundled(SimdLevel::detect(), arithmetic);
        let alone: Vec<Vec<f32>> =
            sequences.iter().map(|sequence| forward(&model, &[sequence]).remove(0)).collect();
        assert_eq!(forward(&model, &sequences), alone, "together");
        let mut workspace = model.workspace(SIZES);
        for cores in [2, 3] {
            let parallel = pool.install(|| model.forward(&mut workspace, sequences.iter().copied(), cores));
            assert_eq!(parallel, alone, "on {cores} cores");
        }
        let reused = model.forward(&mut workspace, sequences[..1].iter().copied(), 1);
        assert_eq!(reused, alone[..1], "in a used workspace");
    }
}

#[test]
fn the_fast_path_and_candle_agree_on_a_small_model() {
    let folder = small_model::folder();
    let bytes = std::fs::read(folder.path().join("model.safetensors")).unwrap();
    for activation in ["gelu", "gelu_new", "relu"] {
        let mut config = small_model::config_json();
        config["hidden_act"] = activation.into();
        let architecture = Architecture::read(&config_file(config)).unwrap();
        let Architecture::BertLike(model) = &architecture else { panic!("not BERT-like") };
        let builder = VarBuilder::from_slice_safetensors(&bytes, DType::F32, &Device::Cpu).unwrap();
        let mut batch = TokenBatch::default();
        for ids in [&[1, 4, 2][..], &[1, 5, 6, 7, 2], &[1, 2]] {
            batch.push(&[ids]);
        }
        let expected = CandleEngine::load(builder.clone(), &architecture, 3)
            .unwrap()
            .forward(&batch, Cores::Own)
            .unwrap();
        for level in supported() {
            let arithmetic = Arithmetic::F32;
            let packing = Packing { level, arithmetic, embedding_dtype: DType::F16, fold_norms: false };
            let model = packing.pack(builder.clone(), model, 3).unwrap();
            let found =
                CpuEngine::for_workers(model, 1).unwrap().remove(0).forward(&batch, Cores::All).unwrap();
            for (found, expected) in found.iter().zip(&expected) {
                assert!(largest_difference(found, expected) < 1e-4, "{level:?} {activation}");
            }
        }
    }
}

#[test]
fn an_empty_batch_has_no_logits() {
    assert!(forward(&bundled(SimdLevel::detect(), Arithmetic::F32), &[]).is_empty());
}

#[test]
fn unknown_tokens_and_those_beyond_the_last_position_do_not_depend_on_the_batch_before() {
    let before: Vec<u32> = (1_000..1_600).collect();
    let too_long: Vec<u32> = (2_000..2_600).collect();
    for arithmetic in [Arithmetic::F32, Arithmetic::Int8] {
        let model = bundled(SimdLevel::detect(), arithmetic);
        for ids in [&[101, u32::MAX, 102][..], &too_long] {
            let fresh = forward(&model, &[ids]);
            assert!(fresh[0].iter().all(|logit| logit.is_finite()), "{fresh:?}");
            let mut workspace = model.workspace(SIZES);
            model.forward(&mut workspace, [&before[..]].into_iter(), 1);
            assert_eq!(model.forward(&mut workspace, [ids].into_iter(), 1), fresh, "{arithmetic:?}");
        }
    }
}
