mod broken_folders;
mod calibration;
mod candle_on_cpu;
mod families;
mod pytorch_weights;

use std::collections::BTreeMap;
use std::path::Path;

use application::ports::{LabelMappingOrigin, SelfTest};
use candle_core::DType;
use domain::value_objects::{ProblemType, Sentiment};
use serde_json::json;

use super::device::{BF16_TOLERANCE, F16_TOLERANCE};
use super::*;
use crate::engine::{Cores, TokenBatch, largest_difference};
use crate::load_error::ConfigError;
use crate::model_folder::FolderError;
use crate::settings::LabelMapping;
use crate::testing::{bundled_folder, small_model};

/// Loads the model of a folder, with its engines.
fn load_all(settings: &ModelSettings) -> Result<(Engines, ModelFrontEnd), LoadError> {
    let folder = ModelFolder::open(settings.path.as_ref().unwrap())?;
    super::load("model".to_owned(), settings, &folder, ModelOrigin::Folder)
}

fn load(settings: &ModelSettings) -> Result<ModelFrontEnd, LoadError> {
    load_all(settings).map(|(_, model)| model)
}

fn load_from(folder: &Path) -> Result<ModelFrontEnd, LoadError> {
    load(&ModelSettings::new(folder))
}

/// The engine of the bundled model on the CPU in `dtype`.
fn bundled_engine(dtype: DType) -> CandleEngine {
    let folder = ModelFolder::open(&bundled_folder()).unwrap();
    let config = HfConfig::read(&folder).unwrap();
    let weights = Weights::read(&folder, &config).unwrap();
    let builder = weights.builder(dtype, &candle_core::Device::Cpu);
    CandleEngine::load(builder, config.architecture(), 3).unwrap()
}

#[test]
fn the_bundled_model_gives_the_reference_logits() {
    let settings = ModelSettings { precision: Precision::F32, ..ModelSettings::new(bundled_folder()) };
    let model = load(&settings).unwrap();
    let SelfTest::Passed { cases, max_difference, tolerance } = model.info.self_test else {
        panic!("there is a reference");
    };
    assert_eq!((cases, tolerance), (57, 1e-3));
    assert!(max_difference < 1e-4, "{max_difference}");
    assert_eq!(model.info.model.name(), "model");
    assert_eq!(model.info.sha256, "f7a47327adc713a0bce0dfb17cd6466b84342b100ccfadf424b77bc8b54f3395");
    assert_eq!(model.info.model.revision(), "f7a47327adc7");
    assert_eq!((model.info.device.as_str(), model.info.precision.as_str()), ("cpu", "f32"));
    assert_eq!((model.info.window.tokens, model.info.window.overlap), (510, 0));
    let sentiments = [Sentiment::Negative, Sentiment::Neutral, Sentiment::Positive].map(Some);
    assert_eq!(
        model.info.labels.labels().iter().map(|label| label.sentiment).collect::<Vec<_>>(),
        sentiments
    );
}

#[test]
fn the_bundled_model_is_served_in_int8_where_that_is_fast_and_within_the_tolerance_of_its_reference() {
    let fast = SimdLevel::detect().has_fast_int8();
    let auto = load_from(&bundled_folder()).unwrap();
    assert_eq!(auto.info.precision, if fast { "int8" } else { "f32" });
    let int8 = ModelSettings { precision: Precision::Int8, ..ModelSettings::new(bundled_folder()) };
    let SelfTest::Passed { cases, max_difference, tolerance } = load(&int8).unwrap().info.self_test else {
        panic!("there is a reference");
    };
    assert_eq!((cases, tolerance), (57, 0.4));
    assert!(max_difference > 1e-3, "int8 was used: {max_difference}");
}

#[test]
fn int8_that_fails_the_self_test_is_refused_where_it_is_configured_and_else_not_used() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        std::fs::copy(bundled_folder().join(file), folder.path().join(file)).unwrap();
    }
    let mut reference: serde_json::Value =
        serde_json::from_slice(&std::fs::read(bundled_folder().join("reference.json")).unwrap()).unwrap();
    reference["tolerances"]["int8"] = json!(0.01);
    small_model::write_json(folder.path(), "reference.json", &reference);
    assert_eq!(load_from(folder.path()).unwrap().info.precision, "f32");
    let int8 = ModelSettings { precision: Precision::Int8, ..ModelSettings::new(folder.path()) };
    assert!(matches!(load(&int8), Err(LoadError::Trial(TrialError::Logits { tolerance: 0.01, .. }))));
}

#[test]
fn each_configured_thread_has_an_engine() {
    let folder = small_model::folder();
    let settings = ModelSettings { threads: NonZeroUsize::new(3), ..ModelSettings::new(folder.path()) };
    assert_eq!(load_all(&settings).unwrap().0.len(), 3);
}

/// What CUDA runs in 16 bits must not overflow, whatever the padding; the same operations on the CPU show it.
#[test]
fn padded_batches_in_16_bits_stay_numbers_near_those_in_32() {
    let specials = [&[101][..], &[102]];
    let mut batch = TokenBatch::default();
    for middle in [&[1045, 2293, 2009][..], &[1037, 10634, 2143], &[2023, 2003, 1996, 5409, 2143, 1045], &[]]
    {
        batch.push(&[specials[0], middle, specials[1]]);
    }
    let exact = bundled_engine(DType::F32).forward(&batch, Cores::Own).unwrap();
    for (dtype, tolerance) in [(DType::F16, 1e-2), (DType::BF16, BF16_TOLERANCE)] {
        let rounded = bundled_engine(dtype).forward(&batch, Cores::Own).unwrap();
        for (rounded, exact) in rounded.iter().flatten().zip(exact.iter().flatten()) {
            assert!((rounded - exact).abs() < tolerance, "{rounded} in {dtype:?} is far from {exact}");
        }
    }
}

/// Rounding adds up over the tokens of a text, so the longest ones are the farthest from the reference.
#[test]
fn the_longest_reference_texts_in_16_bits_are_within_the_tolerances_of_the_self_test() {
    let reference = std::fs::read(bundled_folder().join("reference.json")).unwrap();
    let reference: serde_json::Value = serde_json::from_slice(&reference).unwrap();
    for (dtype, tolerance) in [(DType::F16, F16_TOLERANCE), (DType::BF16, BF16_TOLERANCE)] {
        let mut engine = bundled_engine(dtype);
        for case in reference["cases"].as_array().unwrap() {
            let ids: Vec<u32> = serde_json::from_value(case["input_ids"].clone()).unwrap();
            if ids.len() < 256 {
                continue;
            }
            let expected: Vec<f32> = serde_json::from_value(case["logits"].clone()).unwrap();
            let mut batch = TokenBatch::default();
            batch.push(&[&ids]);
            let found = engine.forward(&batch, Cores::Own).unwrap();
            let difference = largest_difference(&found[0], &expected);
            println!("{dtype:?}, {} tokens: {difference:.4}", ids.len());
            assert!(difference < tolerance, "{dtype:?}, {} tokens: {difference}", ids.len());
        }
    }
}

#[test]
fn a_small_model_without_a_reference_is_served_and_says_so() {
    let folder = small_model::folder();
    let model = load_from(folder.path()).unwrap();
    assert_eq!(model.info.self_test, SelfTest::Absent);
    small_model::write_json(folder.path(), "reference.json", &json!({ "cases": [] }));
    assert_eq!(load_from(folder.path()).unwrap().info.self_test, SelfTest::Absent);
    assert_eq!(model.info.window.tokens, 16);
    assert_eq!(model.info.labels.problem_type(), ProblemType::SingleLabel);
}

#[test]
fn f32_weights_and_old_names_of_layer_norms_are_read() {
    let folder = small_model::folder();
    let mut tensors = small_model::Tensors::new();
    for (name, tensor) in small_model::tensors() {
        let name =
            name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
        tensors.insert(name, tensor.to_dtype(DType::F32).unwrap());
    }
    small_model::write_weights(folder.path(), &tensors);
    assert!(load_from(folder.path()).is_ok());
}

#[test]
fn labels_without_sentiments_need_a_mapping_or_raw() {
    let folder = small_model::folder();
    let mut config = small_model::config_json();
    config["id2label"] = json!({ "0": "1 star", "1": "3 stars", "2": "5 stars" });
    small_model::write_json(folder.path(), "config.json", &config);
    let with = |labels| load(&ModelSettings { labels, ..ModelSettings::new(folder.path()) });

    let error = with(LabelMapping::Auto).err().unwrap().to_string();
    assert!(error.contains("\"3 stars\" = ") && error.contains("labels = \"raw\""), "{error}");
    let raw = with(LabelMapping::Raw).unwrap().info;
    assert_eq!((raw.labels.is_mapped(), &raw.label_mapping), (false, &LabelMappingOrigin::Raw));

    let map = |entries: [(&str, Sentiment); 2]| {
        LabelMapping::Map(BTreeMap::from(entries.map(|(label, sentiment)| (label.to_owned(), sentiment))))
    };
    let mapped = with(map([("1 star", Sentiment::Negative), ("5 stars", Sentiment::Positive)])).unwrap();
    let sentiments: Vec<_> = mapped.info.labels.labels().iter().map(|label| label.sentiment).collect();
    assert_eq!(sentiments, [Some(Sentiment::Negative), None, Some(Sentiment::Positive)]);
    assert_eq!(mapped.info.label_mapping, LabelMappingOrigin::Config);
    assert!(with(LabelMapping::Map(BTreeMap::new())).is_err(), "an empty table maps nothing");

    let error = with(map([("1 star", Sentiment::Negative), ("6 stars", Sentiment::Positive)])).err().unwrap();
    assert!(
        matches!(error, LoadError::Setting(UnfitSetting::LabelUnknown { label, .. }) if label == "6 stars")
    );
}

#[test]
fn a_multi_label_model_is_mapped_by_the_names_of_its_labels() {
    let folder = small_model::folder();
    let mut config = small_model::config_json();
    config["id2label"] = json!({ "0": "NEG", "1": "Neutral", "2": "mixed" });
    config["problem_type"] = json!("multi_label_classification");
    small_model::write_json(folder.path(), "config.json", &config);
    let info = load_from(folder.path()).unwrap().info;
    let sentiments: Vec<_> = info.labels.labels().iter().map(|label| label.sentiment).collect();
    assert_eq!(sentiments, [Sentiment::Negative, Sentiment::Neutral, Sentiment::Mixed].map(Some));
    assert_eq!(info.labels.problem_type(), ProblemType::MultiLabel);
    assert_eq!(info.label_mapping, LabelMappingOrigin::Names);
}

#[test]
fn labels_that_no_rule_maps_are_refused_before_the_weights_are_read() {
    let folder = small_model::folder();
    let mut config = small_model::config_json();
    config["id2label"] = json!({ "0": "LABEL_0", "1": "LABEL_1" });
    small_model::write_json(folder.path(), "config.json", &config);
    std::fs::write(folder.path().join("model.safetensors"), "no weights").unwrap();
    let refused = load_from(folder.path()).err().unwrap();
    assert!(matches!(refused, LoadError::Setting(UnfitSetting::LabelsUnmapped(_))), "{refused}");
}

#[test]
fn labels_without_names_are_refused_for_weights_that_are_not_known() {
    let folder = small_model::folder();
    let mut config = small_model::config_json();
    config["id2label"] = json!({ "0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2" });
    small_model::write_json(folder.path(), "config.json", &config);
    let refused = load_from(folder.path()).err().unwrap();
    assert!(matches!(refused, LoadError::Setting(UnfitSetting::LabelsUnmapped(_))), "{refused}");
}

#[test]
fn a_configured_window_is_used() {
    let folder = small_model::folder();
    let settings = ModelSettings { window: Some(10), overlap: Some(4), ..ModelSettings::new(folder.path()) };
    let info = load(&settings).unwrap().info;
    assert_eq!((info.window.tokens, info.window.overlap), (10, 4));
}
