use std::error::Error;
use std::fs;

use candle_core::{DType, Device, Tensor};
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::load_error::{TokenizerError, WeightsError};
use crate::settings::{DeviceChoice, Precision};

/// A small model's folder with its `config.json` changed.
fn with_config(change: impl FnOnce(&mut Value)) -> TempDir {
    let folder = small_model::folder();
    let mut config = small_model::config_json();
    change(&mut config);
    small_model::write_json(folder.path(), "config.json", &config);
    folder
}

/// A small model's folder with its tensors changed.
fn with_tensors(change: impl FnOnce(&mut small_model::Tensors)) -> TempDir {
    let folder = small_model::folder();
    let mut tensors = small_model::tensors();
    change(&mut tensors);
    small_model::write_weights(folder.path(), &tensors);
    folder
}

fn with_file(name: &str, content: impl AsRef<[u8]>) -> TempDir {
    let folder = small_model::folder();
    fs::write(folder.path().join(name), content).unwrap();
    folder
}

/// Loads `folder`, which must be refused with a message that holds the folder's path and all of `words`.
fn refused(folder: &TempDir, words: &[&str]) -> LoadError {
    let error = load_from(folder.path()).err().unwrap();
    let message = error.to_string();
    assert!(message.contains(&folder.path().display().to_string()), "{message}");
    for word in words {
        assert!(message.contains(word), "{message:?} lacks {word:?}");
    }
    assert!(!message.ends_with('.'), "{message}");
    error
}

#[test]
fn a_folder_that_is_not_there_is_refused() {
    let error = load_from(Path::new("no/such/folder")).err().unwrap();
    assert!(matches!(error, LoadError::Folder(FolderError::FolderMissing { .. })));
    assert!(error.to_string().contains("no/such/folder") && error.to_string().contains("model.path"));
}

#[test]
fn each_missing_file_is_named() {
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        let folder = small_model::folder();
        fs::remove_file(folder.path().join(name)).unwrap();
        assert!(matches!(
            refused(&folder, &[name, "is missing"]),
            LoadError::Folder(FolderError::FileMissing { .. })
        ));
    }
}

#[test]
fn a_file_that_is_a_folder_cannot_be_read() {
    let folder = small_model::folder();
    fs::remove_file(folder.path().join("config.json")).unwrap();
    fs::create_dir(folder.path().join("config.json")).unwrap();
    assert!(matches!(
        refused(&folder, &["config.json", "cannot be read"]),
        LoadError::Folder(FolderError::FileUnreadable { .. })
    ));
}

#[test]
fn json_that_is_none_is_refused_with_its_place_as_the_cause() {
    for (name, content) in
        [("config.json", "{\"vocab_size\": "), ("config.json", "[]"), ("reference.json", "{}")]
    {
        let error = refused(&with_file(name, content), &[name, "fetch the file again"]);
        assert!(
            matches!(&error, LoadError::Folder(FolderError::Json { .. })) && error.source().is_some(),
            "{error}"
        );
    }
}

#[test]
fn another_architecture_is_refused_with_those_that_are_supported() {
    for (found, named) in [
        (json!(["MPNetForSequenceClassification"]), "MPNet"),
        (json!(["DebertaForSequenceClassification"]), "DebertaForSequenceClassification"),
        (json!(["BertModel"]), "BertModel"),
        (json!(["GPT2LMHeadModel", "T5ForConditionalGeneration"]), "GPT2LMHeadModel, T5"),
        (json!([]), "none"),
        (Value::Null, "none"),
    ] {
        let folder = with_config(|config| config["architectures"] = found);
        let error = refused(&folder, &[named, "XLMRobertaForSequenceClassification"]);
        assert!(matches!(error, LoadError::Config(ConfigError::Architecture { .. })));
    }
}

#[test]
fn values_that_make_no_sense_are_refused_by_their_keys() {
    for (key, value) in [
        ("num_attention_heads", json!(0)),
        ("num_attention_heads", json!(3)),
        ("num_hidden_layers", json!(0)),
        ("hidden_act", json!("swish")),
        ("layer_norm_eps", json!(0.0)),
        ("position_embedding_type", json!("relative_key")),
        ("problem_type", json!("ranking")),
        ("id2label", json!({ "0": "negative", "2": "positive" })),
        ("id2label", json!({})),
    ] {
        let error = refused(&with_config(|config| config[key] = value), &[key]);
        assert!(matches!(error, LoadError::Config(ConfigError::Value { .. })), "{error}");
    }
}

#[test]
fn labels_that_do_not_match_the_classifier_are_refused() {
    let folder = with_config(|config| config["id2label"] = json!({ "0": "negative", "1": "positive" }));
    let error = refused(&folder, &["2 labels", "3 outputs", "id2label"]);
    assert!(matches!(error, LoadError::Weights(WeightsError::LabelCount { named: 2, outputs: 3, .. })));
}

#[test]
fn weights_that_are_no_safetensors_file_are_refused() {
    for content in [&b""[..], b"version https://git-lfs.github.com/spec/v1", &[0xff; 64]] {
        let error =
            refused(&with_file("model.safetensors", content), &["model.safetensors", "fetch it again"]);
        assert!(matches!(error, LoadError::Weights(WeightsError::Format { .. })));
    }
    let folder = small_model::folder();
    let whole = fs::read(folder.path().join("model.safetensors")).unwrap();
    let folder = with_file("model.safetensors", &whole[..whole.len() - 2]);
    assert!(matches!(
        refused(&folder, &["model.safetensors"]),
        LoadError::Weights(WeightsError::Format { .. })
    ));
}

#[test]
fn a_missing_tensor_is_named() {
    for name in
        ["bert.pooler.dense.bias", "bert.encoder.layer.0.output.LayerNorm.weight", "classifier.weight"]
    {
        let folder = with_tensors(|tensors| drop(tensors.remove(name)));
        assert!(matches!(refused(&folder, &[name]), LoadError::Weights(WeightsError::TensorMissing { .. })));
    }
    let folder = with_config(|config| config["num_hidden_layers"] = json!(u64::MAX / 2));
    let error = refused(&folder, &["bert.encoder.layer.1.attention.self.query.weight"]);
    assert!(matches!(error, LoadError::Weights(WeightsError::TensorMissing { .. })));
}

#[test]
fn a_tensor_of_another_shape_is_named() {
    let name = "bert.encoder.layer.0.intermediate.dense.weight";
    let folder = with_tensors(|tensors| {
        let turned = tensors[name].t().unwrap().contiguous().unwrap();
        tensors.insert(name.to_owned(), turned);
    });
    assert!(matches!(
        refused(&folder, &[name, "[8, 16]", "[16, 8]"]),
        LoadError::Weights(WeightsError::TensorShape { .. })
    ));
    let folder = with_config(|config| config["vocab_size"] = json!(4_000));
    assert!(matches!(
        refused(&folder, &["word_embeddings", "4000"]),
        LoadError::Weights(WeightsError::TensorShape { .. })
    ));
}

#[test]
fn a_tensor_of_another_type_is_named() {
    let folder = with_tensors(|tensors| {
        let bias = Tensor::zeros(3, DType::I64, &Device::Cpu).unwrap();
        tensors.insert("classifier.bias".to_owned(), bias);
    });
    assert!(matches!(
        refused(&folder, &["classifier.bias", "I64", "F32"]),
        LoadError::Weights(WeightsError::TensorType { .. })
    ));
}

#[test]
fn a_nan_in_the_weights_is_found_wherever_it_is() {
    for dtype in [DType::F16, DType::BF16, DType::F32] {
        let folder = with_tensors(|tensors| {
            let bias = Tensor::new(&[0.0_f32, f32::NAN, 0.0], &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
            tensors.insert("classifier.bias".to_owned(), bias);
        });
        assert!(matches!(
            refused(&folder, &["NaN", "classifier.bias"]),
            LoadError::Weights(WeightsError::TensorNotFinite { .. })
        ));
    }
}

#[test]
fn weights_whose_sums_overflow_are_found_by_the_trial_run() {
    let folder = with_tensors(|tensors| {
        for name in ["bert.pooler.dense.bias", "classifier.weight"] {
            let shape = tensors[name].shape().clone();
            let huge = Tensor::full(3.0e38_f32, shape, &Device::Cpu).unwrap();
            tensors.insert(name.to_owned(), huge);
        }
    });
    assert!(matches!(
        refused(&folder, &["no usable numbers"]),
        LoadError::Trial(TrialError::NotUsable { .. })
    ));
}

#[test]
fn a_tokenizer_that_is_none_is_refused() {
    for content in ["", "{}", "[1, 2]", "{\"version\": \"1.0\", \"model\": {\"type\": \"Nonesuch\"}}"] {
        let error = refused(&with_file("tokenizer.json", content), &["tokenizer.json"]);
        assert!(matches!(error, LoadError::Tokenizer(TokenizerError::Unusable { .. })), "{error}");
    }
}

#[test]
fn a_tokenizer_without_special_tokens_is_refused() {
    let mut json = small_model::tokenizer_json();
    json["post_processor"] = Value::Null;
    let error = refused(&with_file("tokenizer.json", json.to_string()), &["tokenizer.json"]);
    assert!(error.source().unwrap().to_string().contains("no token before a text"));
}

#[test]
fn a_tokenizer_of_a_larger_vocabulary_is_refused() {
    let mut json = small_model::tokenizer_json();
    json["model"]["vocab"]["extra"] = json!(10);
    let error = refused(&with_file("tokenizer.json", json.to_string()), &["up to 10", "10 tokens"]);
    assert!(matches!(error, LoadError::Tokenizer(TokenizerError::Vocabulary { .. })));
}

#[test]
fn a_model_that_drifts_from_its_reference_is_refused() {
    let case = |ids: Value, logits: Value| json!({ "cases": [{ "text": "good", "input_ids": ids, "logits": logits }] });
    let other_tokens = case(json!([1, 5, 2]), json!([0.0, 0.0, 0.0]));
    let error = refused(&with_file("reference.json", other_tokens.to_string()), &["text 0", "tokens"]);
    assert!(matches!(error, LoadError::Trial(TrialError::Tokens { .. })));
    for logits in [json!([90.0, 90.0, 90.0]), json!([0.0])] {
        let other_logits = case(json!([1, 4, 2]), logits);
        let error = refused(&with_file("reference.json", other_logits.to_string()), &["text 0", "0.001"]);
        assert!(matches!(error, LoadError::Trial(TrialError::Logits { .. })));
    }
}

#[test]
fn a_model_without_room_for_a_token_is_refused() {
    let folder = with_config(|config| config["max_position_embeddings"] = json!(2));
    assert!(matches!(
        load_from(folder.path()),
        Err(LoadError::Setting(UnfitSetting::Window { most: 0, .. }))
    ));
}

#[test]
fn settings_that_do_not_fit_the_model_or_the_machine_are_refused() {
    let folder = small_model::folder();
    let settings = ModelSettings::new(folder.path());
    let window = load(&ModelSettings { window: Some(17), ..settings.clone() });
    assert!(matches!(window, Err(LoadError::Setting(UnfitSetting::Window { window: 17, most: 16 }))));
    let overlap = load(&ModelSettings { window: Some(4), overlap: Some(4), ..settings.clone() });
    assert!(matches!(overlap, Err(LoadError::Setting(UnfitSetting::Overlap { overlap: 4, window: 4 }))));
    let precision = load(&ModelSettings { precision: Precision::F16, device: DeviceChoice::Cpu, ..settings });
    assert!(matches!(precision, Err(LoadError::Setting(UnfitSetting::Precision { .. }))));
}
