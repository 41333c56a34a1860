//! The faults that a model folder may have.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::breaking::{config, edit, header, index, number, reference, remove, write};

/// A fault: its name, how it is made, and the words that the message must have in addition to the folder's path.
pub(super) type Case = (&'static str, fn(&Path), &'static [&'static str]);

pub(super) const FOLDERS_AND_FILES: [Case; 16] = [
    ("no folder", |folder| fs::remove_dir_all(folder).unwrap(), &["there is no model folder", "model.path"]),
    (
        "a file for a folder",
        |folder| {
            fs::remove_dir_all(folder).unwrap();
            fs::write(folder, "").unwrap();
        },
        &["there is no model folder", "model.path"],
    ),
    (
        "an empty folder",
        |folder| {
            for file in fs::read_dir(folder).unwrap() {
                fs::remove_file(file.unwrap().path()).unwrap();
            }
        },
        &["config.json is missing", "a model folder has"],
    ),
    ("no config", |folder| remove(folder, "config.json"), &["config.json is missing"]),
    ("no tokenizer", |folder| remove(folder, "tokenizer.json"), &["tokenizer.json is missing"]),
    ("no weights", |folder| remove(folder, "model.safetensors"), &["model.safetensors is missing"]),
    (
        "a folder for the config",
        |folder| {
            remove(folder, "config.json");
            fs::create_dir(folder.join("config.json")).unwrap();
        },
        &["config.json cannot be read", "see that it is a file"],
    ),
    (
        "a folder for the weights",
        |folder| {
            remove(folder, "model.safetensors");
            fs::create_dir(folder.join("model.safetensors")).unwrap();
        },
        &["model.safetensors cannot be read"],
    ),
    (
        "weights of PyTorch only",
        |folder| {
            fs::rename(folder.join("model.safetensors"), folder.join("tf_model.h5")).unwrap();
        },
        &["tf_model.h5", "save_pretrained"],
    ),
    (
        "weights of ONNX only",
        |folder| {
            fs::rename(folder.join("model.safetensors"), folder.join("model.onnx")).unwrap();
        },
        &["model.onnx", "save_pretrained"],
    ),
    ("a shard that is not there", |folder| index(folder, "b.safetensors"), &["b.safetensors is missing"]),
    ("a shard outside", |folder| index(folder, "../b.safetensors"), &["index.json", "../b.safetensors"]),
    (
        "an index of nothing",
        |folder| {
            remove(folder, "model.safetensors");
            write(folder, "model.safetensors.index.json", "{}");
        },
        &["index.json does not hold what it should", "weight_map"],
    ),
    (
        "shards without a tensor",
        |folder| {
            header(folder, |header| drop(header.remove("bert.pooler.dense.bias")));
            index(folder, "a.safetensors");
        },
        &["a.safetensors"],
    ),
    (
        "a reference that is none",
        |folder| write(folder, "reference.json", "[}"),
        &["reference.json does not"],
    ),
    (
        "a config in another encoding",
        |folder| write(folder, "config.json", [0xff, 0xfe, b'{', 0]),
        &["config.json"],
    ),
];

pub(super) const CONFIGURATIONS: [Case; 22] = [
    ("an empty config", |folder| write(folder, "config.json", ""), &["fetch the file again"]),
    ("half a config", |folder| write(folder, "config.json", "{\"vocab_size\": "), &["fetch the file again"]),
    ("a list for a config", |folder| write(folder, "config.json", "[]"), &["fetch the file again"]),
    (
        "no hidden size",
        |folder| {
            edit(folder, "config.json", |config| drop(config.as_object_mut().unwrap().remove("hidden_size")));
        },
        &["config.json", "missing field `hidden_size`"],
    ),
    (
        "a word for a number",
        |folder| config(folder, "vocab_size", json!("many")),
        &["config.json", "\"many\""],
    ),
    ("no architecture", |folder| config(folder, "architectures", json!(null)), &["architecture none"]),
    (
        "another task",
        |folder| config(folder, "architectures", json!(["GPT2LMHeadModel"])),
        &["GPT2LMHeadModel"],
    ),
    ("no head", |folder| config(folder, "architectures", json!(["BertModel"])), &["BertModel", "classifier"]),
    (
        "an encoder that is not served",
        |folder| config(folder, "architectures", json!(["MPNetForSequenceClassification"])),
        &["MPNetForSequenceClassification", "not served", "RobertaForSequenceClassification"],
    ),
    (
        "another architecture than the weights'",
        |folder| config(folder, "architectures", json!(["RobertaForSequenceClassification"])),
        &["roberta.embeddings.word_embeddings.weight", "does not belong"],
    ),
    (
        "heads that do not divide",
        |folder| config(folder, "num_attention_heads", json!(5)),
        &["num_attention_heads = 5"],
    ),
    (
        "no layers",
        |folder| config(folder, "num_hidden_layers", json!(0)),
        &["num_hidden_layers = 0", "at least 1"],
    ),
    (
        "more layers than there are",
        |folder| config(folder, "num_hidden_layers", json!(u64::MAX)),
        &["bert.encoder.layer.2.attention.self.query.weight"],
    ),
    (
        "an unknown activation",
        |folder| config(folder, "hidden_act", json!("swish")),
        &["hidden_act = swish", "relu"],
    ),
    (
        "an epsilon of 0",
        |folder| config(folder, "layer_norm_eps", json!(0.0)),
        &["layer_norm_eps = 0", "above 0"],
    ),
    (
        "relative positions",
        |folder| config(folder, "position_embedding_type", json!("relative_key")),
        &["position_embedding_type = relative_key", "absolute"],
    ),
    (
        "an unknown problem",
        |folder| config(folder, "problem_type", json!("ranking")),
        &["problem_type = ranking"],
    ),
    (
        "a label left out",
        |folder| config(folder, "id2label", json!({ "0": "a", "2": "b" })),
        &["id2label = [0, 2]"],
    ),
    (
        "too few labels",
        |folder| config(folder, "id2label", json!({ "0": "negative", "1": "positive" })),
        &["names 2 labels", "3 outputs", "correct id2label"],
    ),
    (
        "labels that are no sentiments",
        |folder| config(folder, "id2label", json!({ "0": "a", "1": "b", "2": "c" })),
        &["section [model]", "labels = { a = \"negative|neutral|positive\", b = ", "labels = \"raw\""],
    ),
    ("another vocabulary", |folder| config(folder, "vocab_size", json!(4_000)), &["word_embeddings", "4000"]),
    (
        "a size beyond all",
        |folder| config(folder, "intermediate_size", json!(1_u64 << 62)),
        &["intermediate.dense"],
    ),
];

pub(super) const WEIGHTS_AND_TOKENIZERS: [Case; 20] = [
    ("empty weights", |folder| write(folder, "model.safetensors", ""), &["fetch it again"]),
    (
        "a pointer for weights",
        |folder| {
            write(folder, "model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
        },
        &["not a whole safetensors file"],
    ),
    (
        "half the weights",
        |folder| {
            let bytes = fs::read(folder.join("model.safetensors")).unwrap();
            write(folder, "model.safetensors", &bytes[..bytes.len() / 2]);
        },
        &["not a whole safetensors file"],
    ),
    (
        "a header without end",
        |folder| write(folder, "model.safetensors", [0xff; 64]),
        &["not a whole safetensors file"],
    ),
    (
        "a tensor missing",
        |folder| {
            header(folder, |header| {
                let bias = header.remove("classifier.bias").unwrap();
                header.insert("classifier.bios".to_owned(), bias);
            });
        },
        &["has no tensor classifier.bias"],
    ),
    (
        "a tensor turned",
        |folder| {
            header(folder, |header| {
                header["bert.encoder.layer.0.intermediate.dense.weight"]["shape"] = json!([32, 48]);
            });
        },
        &["[32, 48]", "[48, 32]", "do not belong together"],
    ),
    (
        "whole numbers",
        |folder| {
            header(folder, |header| header["classifier.bias"]["dtype"] = json!("I32"));
        },
        &["classifier.bias in I32", "F16, BF16 or F32"],
    ),
    (
        "offsets beyond the end",
        |folder| {
            header(folder, |header| header["classifier.bias"]["data_offsets"] = json!([0, 1_u64 << 40]));
        },
        &["not a whole safetensors file"],
    ),
    (
        "no number",
        |folder| number(folder, "bert.pooler.dense.weight", f32::NAN),
        &["NaN", "bert.pooler.dense.weight"],
    ),
    (
        "infinity",
        |folder| number(folder, "classifier.weight", f32::INFINITY),
        &["infinity", "classifier.weight"],
    ),
    (
        "numbers that overflow",
        |folder| {
            remove(folder, "reference.json");
            for name in [
                "bert.encoder.layer.1.output.LayerNorm.bias",
                "bert.pooler.dense.weight",
                "classifier.weight",
            ] {
                number(folder, name, f32::MAX);
            }
            number(folder, "classifier.bias", f32::MAX);
        },
        &["no usable numbers"],
    ),
    (
        "weights that were changed",
        |folder| number(folder, "classifier.bias", 7.0),
        &["self-test failed", "differ by"],
    ),
    (
        "a tokenizer that is none",
        |folder| write(folder, "tokenizer.json", "{"),
        &["tokenizer.json is not a tokenizer"],
    ),
    (
        "a tokenizer of an unknown kind",
        |folder| {
            edit(folder, "tokenizer.json", |json| json["model"]["type"] = json!("Nonesuch"));
        },
        &["tokenizer.json is not a tokenizer"],
    ),
    (
        "a tokenizer that adds nothing",
        |folder| {
            edit(folder, "tokenizer.json", |json| json["post_processor"] = json!(null));
            write(folder, "tokenizer_config.json", r#"{ "tokenizer_class": "PreTrainedTokenizerFast" }"#);
        },
        &["no token before a text"],
    ),
    (
        "a tokenizer of a class that is not supported",
        |folder| write(folder, "tokenizer_config.json", r#"{ "tokenizer_class": "BertweetTokenizer" }"#),
        &["tokenizer_config.json names the tokenizer class BertweetTokenizer", "supported are BertTokenizer"],
    ),
    (
        "a vocabulary of another class",
        |folder| {
            remove(folder, "tokenizer.json");
            write(folder, "merges.txt", "");
        },
        &["vocab.txt is missing", "BertTokenizer is made from vocab.txt"],
    ),
    (
        "a tokenizer of too many tokens",
        |folder| {
            edit(folder, "tokenizer.json", |json| json["model"]["vocab"]["extra"] = json!(9_999));
        },
        &["token ids up to 9999", "do not belong together"],
    ),
    (
        "another tokenizer",
        |folder| reference(folder, "input_ids", json!([2, 7, 3])),
        &["text 3", "other tokens"],
    ),
    (
        "another reference",
        |folder| reference(folder, "logits", json!([9.0, 0.0, 0.0])),
        &["text 3", "differ by"],
    ),
];
