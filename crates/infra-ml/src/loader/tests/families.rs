//! Small models of every kind that is served, against the logits that transformers gives them.
//! `tests/fixtures/make.py` makes them.

use super::*;
use crate::load_error::WeightsError;
use crate::settings::DeviceChoice;

/// The folders, and whether they run on the fast path.
pub(super) const FAMILIES: [(&str, bool); 13] = [
    ("bert", true),
    ("bert-regression", true),
    ("camembert", true),
    ("deberta-v2", false),
    ("deberta-v2-conv", false),
    ("deberta-v2-own", false),
    ("distilbert", true),
    ("electra", true),
    ("modernbert", false),
    ("modernbert-biases", false),
    ("modernbert-cls", false),
    ("roberta", true),
    ("xlm-roberta", true),
];

/// Above what was measured on these models with any set of instructions, at most 0.12.
const INT8_TOLERANCE: f32 = 0.15;
/// Random weights carry the rounding of 16 bits farther than trained ones.
const F16_TOLERANCE: f32 = 2e-2;

pub(super) fn fixture(name: &str) -> std::path::PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", name].iter().collect()
}

pub(super) fn family_settings(name: &str, precision: Precision) -> ModelSettings {
    let settings = ModelSettings::new(fixture(name));
    ModelSettings { precision, device: DeviceChoice::Cpu, labels: LabelMapping::Raw, ..settings }
}

fn load_family(name: &str, precision: Precision) -> Result<ModelFrontEnd, LoadError> {
    load(&family_settings(name, precision))
}

/// The token ids of the reference's texts, special tokens included, and their logits.
pub(super) fn references(name: &str) -> (Vec<Vec<u32>>, Vec<Vec<f32>>) {
    references_in(&fixture(name))
}

/// [`references`] of the folder.
pub(super) fn references_in(folder: &Path) -> (Vec<Vec<u32>>, Vec<Vec<f32>>) {
    let json = std::fs::read(folder.join("reference.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let ids = |value: &serde_json::Value| serde_json::from_value(value.clone()).unwrap();
    let logits = |value: &serde_json::Value| serde_json::from_value(value.clone()).unwrap();
    let cases = json["cases"].as_array().unwrap().iter();
    cases.map(|case| (ids(&case["input_ids"]), logits(&case["logits"]))).unzip()
}

pub(super) fn token_batch<'a>(sequences: impl IntoIterator<Item = &'a Vec<u32>>) -> TokenBatch {
    let mut batch = TokenBatch::default();
    for ids in sequences {
        batch.push(&[ids]);
    }
    batch
}

#[test]
fn every_folder_of_small_models_is_in_the_list() {
    let fixtures = std::fs::read_dir(fixture("")).unwrap().map(|entry| entry.unwrap().path());
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
        assert!(cases >= 13, "{name}");
        assert!(max_difference < 1e-4, "{name}: {max_difference}");
    }
}

/// `tests/layouts/make.py` makes them, some with weights that PyTorch wrote.
#[test]
fn every_published_layout_gives_the_logits_of_transformers() {
    let layouts: std::path::PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "layouts"].iter().collect();
    let folders = std::fs::read_dir(layouts).unwrap().map(|entry| entry.unwrap().path());
    for folder in folders.filter(|path| path.join("config.json").exists()) {
        let settings = ModelSettings::new(&folder);
        let settings = ModelSettings {
            precision: Precision::F32,
            device: DeviceChoice::Cpu,
            labels: LabelMapping::Raw,
            ..settings
        };
        let SelfTest::Passed { cases, max_difference, .. } = load(&settings).unwrap().info.self_test else {
            panic!("{} has a reference", folder.display());
        };
        assert!(cases >= 13 && max_difference < 1e-4, "{}: {max_difference}", folder.display());
    }
}

#[test]
fn every_kind_gives_a_text_in_a_batch_the_logits_that_it_has_alone() {
    for (name, _) in FAMILIES {
        let engine = &mut load_all(&family_settings(name, Precision::F32)).unwrap().0[0];
        let (mut texts, _) = references(name);
        // Texts of about one length are padded to one width.
        let longest = texts.iter().max_by_key(|ids| ids.len()).unwrap().clone();
        texts.extend((0..4).map(|less| longest[..longest.len() - less].to_vec()));
        let together = engine.forward(&token_batch(&texts), Cores::Own).unwrap();
        for (ids, in_batch) in texts.iter().zip(&together) {
            let alone = &engine.forward(&token_batch([ids]), Cores::All).unwrap()[0];
            for (alone, in_batch) in alone.iter().zip(in_batch) {
                assert!((alone - in_batch).abs() < 1e-4, "{name}: {alone} and {in_batch}");
            }
        }
    }
}

/// What the loader makes engines of.
pub(super) fn parts(name: &str) -> (HfConfig, Weights) {
    let folder = ModelFolder::open(&fixture(name)).unwrap();
    let config = HfConfig::read(&folder).unwrap();
    let weights = Weights::read(&folder, &config).unwrap();
    (config, weights)
}

fn assert_near(name: &str, engine: &mut dyn Engine, tolerance: f32) {
    let (texts, expected) = references(name);
    let found = engine.forward(&token_batch(&texts), Cores::Own).unwrap();
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        assert!((found - expected).abs() < tolerance, "{name}: {found} for {expected}");
    }
}

#[test]
fn every_kind_on_the_fast_path_is_near_with_every_set_of_instructions() {
    for (name, _) in FAMILIES.into_iter().filter(|(_, fast)| *fast) {
        let (config, weights) = parts(name);
        let Architecture::BertLike(model) = config.architecture() else { panic!("{name} is fast") };
        for level in SimdLevel::ALL.iter().copied().filter(|level| level.is_supported()) {
            for (arithmetic, tolerance) in [(Arithmetic::F32, 1e-4), (Arithmetic::Int8, INT8_TOLERANCE)] {
                let builder = weights.builder(DType::F32, &candle_core::Device::Cpu);
                let packing = Packing { level, arithmetic, embedding_dtype: DType::F32, fold_norms: false };
                let classifier = packing.pack(builder, model, config.labels().len()).unwrap();
                assert_near(name, &mut CpuEngine::for_workers(classifier, 1).unwrap().remove(0), tolerance);
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
            let builder = weights.builder(dtype, &candle_core::Device::Cpu);
            let engine = CandleEngine::load_plain(builder, config.architecture(), config.labels().len());
            assert_near(name, &mut engine.unwrap(), tolerance);
        }
    }
}

#[test]
fn the_type_of_problem_and_the_labels_are_those_of_the_configuration() {
    let of = |name| load_family(name, Precision::F32).unwrap().info.labels.clone();
    assert_eq!(of("bert-regression").problem_type(), ProblemType::Regression);
    assert_eq!(of("electra").problem_type(), ProblemType::MultiLabel);
    assert_eq!(of("xlm-roberta").problem_type(), ProblemType::SingleLabel);
    let labels = of("xlm-roberta");
    let names: Vec<_> = labels.labels().iter().map(|label| label.name.as_str()).collect();
    assert_eq!(names, ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"]);
}

/// A copy of a small model with its configuration changed.
fn changed(
    name: &str,
    change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>),
) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(fixture(name)).unwrap() {
        let path = file.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    let mut config =
        serde_json::from_slice(&std::fs::read(copy.path().join("config.json")).unwrap()).unwrap();
    change(&mut config);
    small_model::write_json(copy.path(), "config.json", &config.into());
    copy
}

fn load_changed(folder: &tempfile::TempDir) -> Result<ModelFrontEnd, LoadError> {
    load(&ModelSettings { labels: LabelMapping::Raw, ..ModelSettings::new(folder.path()) })
}

#[test]
fn what_a_configuration_says_in_older_words_means_the_same() {
    let old = changed("modernbert", |config| {
        config.remove("layer_types");
        config.remove("rope_parameters");
        config.insert("global_rope_theta".to_owned(), json!(160_000.0));
        config.insert("local_rope_theta".to_owned(), json!(10_000.0));
    });
    let in_one_word = changed("deberta-v2", |config| config["pos_att_type"] = json!("C2P | p2c"));
    let with_one_theta = changed("modernbert", |config| {
        config["rope_parameters"] = json!({ "full_attention": { "rope_theta": 160_000.0 } });
    });
    for folder in [old, in_one_word, with_one_theta] {
        assert!(matches!(load_changed(&folder).unwrap().info.self_test, SelfTest::Passed { .. }));
    }
}

#[test]
fn what_is_not_supported_is_refused_by_its_key() {
    for (name, key, value) in [
        ("deberta-v2", "attention_head_size", json!(16)),
        ("deberta-v2", "pooler_hidden_size", json!(16)),
        ("deberta-v2", "hidden_act", json!("swish")),
        ("deberta-v2", "num_attention_heads", json!(5)),
        ("deberta-v2", "layer_norm_eps", json!(-1.0)),
        ("deberta-v2", "max_position_embeddings", json!(2_049)),
        ("deberta-v2", "position_buckets", json!(1)),
        ("deberta-v2", "max_relative_positions", json!(5)),
        ("deberta-v2-conv", "conv_kernel_size", json!(2)),
        ("deberta-v2-conv", "conv_groups", json!(5)),
        ("deberta-v2-conv", "conv_act", json!("mish")),
        ("modernbert", "layer_types", json!(["full_attention"])),
        ("modernbert", "layer_types", json!(vec!["chunked_attention"; 4])),
        ("modernbert", "classifier_pooling", json!("max")),
        ("modernbert", "rope_scaling", json!({ "type": "linear", "factor": 2.0 })),
        (
            "modernbert",
            "rope_parameters",
            json!({ "full_attention": { "rope_theta": 1e4, "rope_type": "yarn" } }),
        ),
        ("modernbert", "rope_parameters", json!({ "sliding_attention": { "rope_theta": 0.0 } })),
        ("modernbert", "num_attention_heads", json!(32)),
        ("modernbert", "classifier_activation", json!("swish")),
        ("modernbert", "max_position_embeddings", json!(1_u64 << 40)),
        ("electra", "embedding_size", json!(0)),
        ("distilbert", "n_heads", json!(5)),
        ("distilbert", "activation", json!("swish")),
    ] {
        let error =
            load_changed(&changed(name, |config| drop(config.insert(key.to_owned(), value)))).err().unwrap();
        let message = error.to_string();
        let word = if key.starts_with("rope") { "rope_t" } else { key };
        assert!(
            matches!(error, LoadError::Config(ConfigError::Value { .. })) && message.contains(word),
            "{name} {key}: {message}"
        );
    }
}

#[test]
fn tensors_that_a_configuration_asks_for_must_be_there() {
    for (name, key, value, tensor) in [
        ("deberta-v2", "share_att_key", json!(false), "layer.0.attention.self.pos_key_proj.weight"),
        ("deberta-v2", "conv_kernel_size", json!(3), "deberta.encoder.conv.conv.weight"),
        ("deberta-v2", "position_biased_input", json!(true), "deberta.embeddings.position_embeddings.weight"),
        ("deberta-v2", "type_vocab_size", json!(2), "deberta.embeddings.token_type_embeddings.weight"),
        ("modernbert", "norm_bias", json!(true), "model.embeddings.norm.bias"),
        ("modernbert", "mlp_bias", json!(true), "model.layers.0.mlp.Wi.bias"),
    ] {
        let error =
            load_changed(&changed(name, |config| drop(config.insert(key.to_owned(), value)))).err().unwrap();
        assert!(
            matches!(&error, LoadError::Weights(WeightsError::TensorMissing { name, .. }) if name.ends_with(tensor)),
            "{error}"
        );
    }
}

#[test]
fn scores_are_scaled_by_all_terms_that_are_named_as_transformers_does() {
    for relative in [true, false] {
        let folder = changed("deberta-v2", |config| config["relative_attention"] = json!(relative));
        let config = HfConfig::read(&ModelFolder::open(folder.path()).unwrap()).unwrap();
        let Architecture::Deberta(model) = config.architecture() else { panic!("it is DeBERTa") };
        assert!((model.scale - 24_f64.sqrt()).abs() < 1e-9, "{} of heads of 8", model.scale);
    }
}

#[test]
fn rotary_positions_in_another_form_are_not_passed_over() {
    let flat = json!({ "rope_theta": 10_000.0, "rope_type": "default" });
    let folder = changed("modernbert", |config| config["rope_parameters"] = flat);
    assert!(matches!(load_changed(&folder), Err(LoadError::Config(ConfigError::Keys { .. }))));
}

#[test]
fn a_tensor_in_two_files_is_refused() {
    let folder = changed("bert-regression", |_| {});
    let shard = |number| folder.path().join(format!("model-{number:05}-of-00005.safetensors"));
    std::fs::copy(shard(1), shard(2)).unwrap();
    assert!(matches!(load_changed(&folder), Err(LoadError::Weights(WeightsError::TensorTwice { .. }))));
}

#[test]
fn int8_is_refused_off_the_fast_path_and_not_chosen_there() {
    for (name, fast) in FAMILIES {
        let int8 = load_family(name, Precision::Int8);
        assert_eq!(int8.is_ok(), fast, "{name}");
        if !fast {
            let error = int8.err().unwrap();
            assert!(matches!(error, LoadError::Setting(UnfitSetting::Int8Unsupported { .. })));
            assert_eq!(load_family(name, Precision::Auto).unwrap().info.precision, "f32");
        }
    }
}
