use std::collections::HashMap;
use std::fs;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The vocabulary of the small model: four special tokens, then words, some of which control the fake engine.
pub(crate) const WORDS: [&str; 10] =
    ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "good", "bad", "panic", "nan", "error", "word"];
pub(crate) const VOCABULARY: usize = WORDS.len();

const HIDDEN: usize = 8;
const INTERMEDIATE: usize = 16;
const POSITIONS: usize = 18;

/// Tensors by name.
pub(crate) type Tensors = HashMap<String, Tensor>;

/// Creates a folder with a model of one layer and random weights.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_json(folder.path(), "config.json", &config_json());
    write_json(folder.path(), "tokenizer.json", &tokenizer_json());
    write_weights(folder.path(), &tensors());
    folder
}

pub(crate) fn write_json(folder: &Path, name: &str, json: &Value) {
    fs::write(folder.join(name), json.to_string()).unwrap();
}

pub(crate) fn write_weights(folder: &Path, tensors: &Tensors) {
    candle_core::safetensors::save(tensors, folder.join("model.safetensors")).unwrap();
}

pub(crate) fn config_json() -> Value {
    json!({
        "architectures": ["BertForSequenceClassification"],
        "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": INTERMEDIATE, "max_position_embeddings": POSITIONS, "type_vocab_size": 2, "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "id2label": { "0": "negative", "1": "neutral", "2": "positive" }
    })
}

/// A tokenizer that splits at white space; each word is a token.
pub(crate) fn tokenizer_json() -> Value {
    let vocabulary: HashMap<&str, usize> = WORDS.iter().enumerate().map(|(id, word)| (*word, id)).collect();
    let special = |id: usize| {
        json!({
            "id": id, "content": WORDS[id], "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true
        })
    };
    let piece = |id: usize| json!({ "SpecialToken": { "id": WORDS[id], "type_id": 0 } });
    let known = |id: usize| json!({ "id": WORDS[id], "ids": [id], "tokens": [WORDS[id]] });
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [special(0), special(1), special(2), special(3)],
        "normalizer": null, "pre_tokenizer": { "type": "WhitespaceSplit" }, "decoder": null,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [piece(1), { "Sequence": { "id": "A", "type_id": 0 } }, piece(2)],
            "pair": [{ "Sequence": { "id": "A", "type_id": 0 } }, { "Sequence": { "id": "B", "type_id": 1 } }],
            "special_tokens": { "[CLS]": known(1), "[SEP]": known(2) }
        },
        "model": { "type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]" }
    })
}

pub(crate) fn tensors() -> Tensors {
    let mut tensors = Tensors::new();
    let mut add = |name: &str, shape: &[usize]| {
        let tensor = Tensor::randn(0.0_f32, 0.5, shape, &Device::Cpu).unwrap().to_dtype(DType::F16).unwrap();
        tensors.insert(name.to_owned(), tensor);
    };
    add("bert.embeddings.word_embeddings.weight", &[VOCABULARY, HIDDEN]);
    add("bert.embeddings.position_embeddings.weight", &[POSITIONS, HIDDEN]);
    add("bert.embeddings.token_type_embeddings.weight", &[2, HIDDEN]);
    let layer = "bert.encoder.layer.0";
    for norm in ["bert.embeddings", &format!("{layer}.attention.output"), &format!("{layer}.output")] {
        add(&format!("{norm}.LayerNorm.weight"), &[HIDDEN]);
        add(&format!("{norm}.LayerNorm.bias"), &[HIDDEN]);
    }
    for (linear, outputs, inputs) in [
        (format!("{layer}.attention.self.query"), HIDDEN, HIDDEN),
        (format!("{layer}.attention.self.key"), HIDDEN, HIDDEN),
        (format!("{layer}.attention.self.value"), HIDDEN, HIDDEN),
        (format!("{layer}.attention.output.dense"), HIDDEN, HIDDEN),
        (format!("{layer}.intermediate.dense"), INTERMEDIATE, HIDDEN),
        (format!("{layer}.output.dense"), HIDDEN, INTERMEDIATE),
        ("bert.pooler.dense".to_owned(), HIDDEN, HIDDEN),
        ("classifier".to_owned(), 3, HIDDEN),
    ] {
        add(&format!("{linear}.weight"), &[outputs, inputs]);
        add(&format!("{linear}.bias"), &[outputs]);
    }
    tensors
}
