//! Small models of every kind that is served, against the logits that transformers gives them. `tests/fixtures/make.py`
//! makes them.

use super::*;
use crate::settings::DeviceChoice;

/// The folders, and whether they run on the fast path.
const FAMILIES: [(&str, bool); 7] = [
    ("bert", true),
    ("bert-regression", true),
    ("camembert", true),
    ("distilbert", true),
    ("electra", true),
    ("roberta", true),
    ("xlm-roberta", true),
];

/// Above what was measured on these models with any set of instructions, at most 0.12.
const INT8_TOLERANCE: f32 = 0.15;

fn folder(name: &str) -> std::path::PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", name].iter().collect()
}

fn load_family(name: &str, precision: Precision) -> Result<LoadedModel, LoadError> {
    let settings = ModelSettings::new(folder(name));
    load(&ModelSettings { precision, device: DeviceChoice::Cpu, labels: LabelMapping::Raw, ..settings })
}

/// The token ids of the reference's texts, special tokens included, and their logits.
fn references(name: &str) -> (Vec<Vec<u32>>, Vec<Vec<f32>>) {
    let json = std::fs::read(folder(name).join("reference.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let ids = |value: &serde_json::Value| serde_json::from_value(value.clone()).unwrap();
    let logits = |value: &serde_json::Value| serde_json::from_value(value.clone()).unwrap();
    let cases = json["cases"].as_array().unwrap().iter();
    cases.map(|case| (ids(&case["input_ids"]), logits(&case["logits"]))).unzip()
}

fn batch<'a>(sequences: impl IntoIterator<Item = &'a Vec<u32>>) -> TokenBatch {
    let mut batch = TokenBatch::default();
    for ids in sequences {
        batch.push(&[ids]);
    }
    batch
}

#[test]
fn every_folder_of_small_models_is_in_the_list() {
    let fixtures = std::fs::read_dir(folder("")).unwrap().map(|entry| entry.unwrap().path());
    let names = fixtures.filter(|path| path.is_dir());
    let mut names: Vec<_> =
        names.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names, FAMILIES.map(|(name, _)| name));
}

#[test]
fn every_kind_gives_the_tokens_and_logits_of_transformers() {
    for (name, _) in FAMILIES {
        let model = load_family(name, Precision::F32).unwrap();
        let SelfTest::Passed { cases, max_difference, .. } = model.info.self_test else {
            panic!("{name} has a reference");
        };
        assert_eq!(cases, 13, "{name}");
        assert!(max_difference < 1e-4, "{name}: {max_difference}");
    }
}

#[test]
fn every_kind_gives_a_text_in_a_batch_the_logits_that_it_has_alone() {
    for (name, _) in FAMILIES {
        let engine = &mut load_family(name, Precision::F32).unwrap().engines[0];
        let (texts, _) = references(name);
        let together = engine.forward(&batch(&texts), Cores::Own).unwrap();
        for (ids, in_batch) in texts.iter().zip(&together) {
            let alone = &engine.forward(&batch([ids]), Cores::All).unwrap()[0];
            for (alone, in_batch) in alone.iter().zip(in_batch) {
                assert!((alone - in_batch).abs() < 1e-4, "{name}: {alone} and {in_batch}");
            }
        }
    }
}

/// What the loader makes engines of.
fn parts(name: &str) -> (HfConfig, Weights) {
    let folder = ModelFolder::open(&folder(name)).unwrap();
    let config = HfConfig::read(&folder).unwrap();
    let weights = Weights::read(&folder, &config).unwrap();
    (config, weights)
}

fn assert_near(name: &str, engine: &mut dyn Engine, tolerance: f32) {
    let (texts, expected) = references(name);
    let found = engine.forward(&batch(&texts), Cores::Own).unwrap();
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        assert!((found - expected).abs() < tolerance, "{name}: {found} for {expected}");
    }
}

#[test]
fn every_kind_on_the_fast_path_is_near_with_every_set_of_instructions() {
    for (name, _) in FAMILIES.into_iter().filter(|(_, fast)| *fast) {
        let (config, weights) = parts(name);
        let Architecture::BertLike(model) = config.architecture();
        for level in Level::ALL.iter().copied().filter(|level| level.is_supported()) {
            for (arithmetic, tolerance) in [(Arithmetic::F32, 1e-4), (Arithmetic::Int8, INT8_TOLERANCE)] {
                let builder = weights.builder(DType::F32, &candle_core::Device::Cpu).unwrap();
                let packing = Packing { level, arithmetic, words: DType::F32 };
                let classifier = packing.pack(builder, model, config.labels().len()).unwrap();
                assert_near(name, &mut CpuEngine::new(Arc::new(classifier), None), tolerance);
            }
        }
    }
}

/// The operations that run on CUDA.
#[test]
fn every_kind_is_near_in_candles_operations_in_32_and_in_16_bits() {
    for (name, _) in FAMILIES {
        let (config, weights) = parts(name);
        for (dtype, tolerance) in [(DType::F32, 1e-4), (DType::F16, F16_TOLERANCE)] {
            let builder = weights.builder(dtype, &candle_core::Device::Cpu).unwrap();
            let engine = CandleEngine::load(builder, config.architecture(), config.labels().len());
            assert_near(name, &mut engine.unwrap(), tolerance);
        }
    }
}

#[test]
fn the_type_of_problem_and_the_labels_are_those_of_the_configuration() {
    let of = |name| load_family(name, Precision::F32).unwrap().info.labels;
    assert_eq!(of("bert-regression").problem_type(), ProblemType::Regression);
    assert_eq!(of("electra").problem_type(), ProblemType::MultiLabel);
    assert_eq!(of("xlm-roberta").problem_type(), ProblemType::SingleLabel);
    let labels = of("xlm-roberta");
    let names: Vec<_> = labels.labels().iter().map(|label| label.name.as_str()).collect();
    assert_eq!(names, ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"]);
}
