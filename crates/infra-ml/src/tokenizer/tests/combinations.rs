//! Every combination of tokenizer files loads, or is refused by the name of a file or class.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::layouts::{self, layouts};
use super::*;
use crate::load_error::TokenizerError;
use crate::model_folder::FolderError;

/// The files of tokenizers, and a layout that has each.
const FILES: [(&str, &str); 5] = [
    ("vocab.txt", "finbert"),
    ("vocab.json", "siebert"),
    ("merges.txt", "siebert"),
    ("sentencepiece.bpe.model", "camembert"),
    ("spm.model", "deberta-v3"),
];

/// Model types, a layout with a `tokenizer.json` for each, and the files that its class is made from without it.
const MODEL_TYPES: [(&str, &str, &[&str]); 8] = [
    ("bert", "bert-contradiction", &["vocab.txt"]),
    ("distilbert", "bert-contradiction", &["vocab.txt"]),
    ("electra", "bert-contradiction", &["vocab.txt"]),
    ("roberta", "roberta-contradiction", &["vocab.json", "merges.txt"]),
    ("xlm-roberta", "xlm-roberta-contradiction", &["sentencepiece.bpe.model"]),
    ("camembert", "xlm-roberta-contradiction", &["sentencepiece.bpe.model"]),
    ("deberta-v2", "deberta-contradiction", &["spm.model"]),
    ("modernbert", "modernbert", &["tokenizer.json"]),
];

/// A folder without a tokenizer whose `config.json` has the entry `key`.
fn folder(key: &str, value: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = json!({ "vocab_size": 2_000, key: value });
    small_model::write_json(folder.path(), "config.json", &config);
    fs::write(folder.path().join("model.safetensors"), "").unwrap();
    folder
}

fn copy(layout: &str, file: &str, folder: &Path) {
    fs::copy(layouts().join(layout).join(file), folder.join(file)).unwrap();
}

fn refusal(folder: &Path) -> LoadError {
    layouts::tokenizer(folder).err().unwrap()
}

#[test]
fn every_combination_of_files_loads_or_names_the_missing_one() {
    for (model_type, json_layout, needed) in MODEL_TYPES {
        for combination in 0..1_u32 << (FILES.len() + 1) {
            let is_there = |place: usize| combination >> place & 1 == 1;
            let folder = folder("model_type", model_type);
            let files = FILES.into_iter().enumerate().filter(|(place, _)| is_there(*place));
            let mut names = Vec::new();
            for (_, (file, layout)) in files {
                copy(layout, file, folder.path());
                names.push(file);
            }
            let has_json = is_there(FILES.len());
            if has_json {
                copy(json_layout, "tokenizer.json", folder.path());
            }
            let missing = needed.iter().find(|name| !names.contains(name));
            let case = format!("{model_type} with {names:?} and tokenizer.json: {has_json}");
            match (layouts::tokenizer(folder.path()), missing) {
                (Ok(tokenizer), missing) => {
                    assert!(has_json || missing.is_none(), "{case}");
                    assert!(!tokenizer.encode("good").unwrap().is_empty(), "{case}");
                }
                (Err(LoadError::Tokenizer(error @ TokenizerError::FileMissing { .. })), Some(missing)) => {
                    assert!(!has_json && !names.is_empty(), "{case}: {error}");
                    let beginning = format!("{} is missing", folder.path().join(missing).display());
                    assert!(error.to_string().starts_with(&beginning), "{case}: {error}");
                }
                (Err(LoadError::Folder(FolderError::FileMissing { path })), _) => {
                    assert!(names.is_empty() && path.ends_with("tokenizer.json"), "{case}");
                }
                (Err(error), _) => panic!("{case}: {error:?}"),
            }
        }
    }
}

#[test]
fn a_class_that_is_not_supported_is_refused_by_name_whatever_files_there_are() {
    let classes = ["BertweetTokenizer", "BertJapaneseTokenizer", "PhobertTokenizer", "HerbertTokenizerFast"];
    for class in classes.into_iter().chain(["LlamaTokenizerFast", "GPT2Tokenizer", "T5Tokenizer", "Nonesuch"])
    {
        for file in ["config.json", "tokenizer_config.json"] {
            for tokenizer in ["tokenizer.json", "vocab.txt"] {
                let folder = folder("model_type", "bert");
                copy("bert-contradiction", tokenizer, folder.path());
                let keys = json!({ "model_type": "bert", "vocab_size": 2_000, "tokenizer_class": class });
                small_model::write_json(folder.path(), file, &keys);
                let error = refusal(folder.path());
                assert!(matches!(error, LoadError::Tokenizer(TokenizerError::Class { .. })), "{error}");
                let message = error.to_string();
                for word in [file, class, "BertTokenizer, DistilBertTokenizer", "PreTrainedTokenizerFast"] {
                    assert!(message.contains(word), "{message} lacks {word}");
                }
            }
        }
    }
}

#[test]
fn the_class_of_the_tokenizers_configuration_is_used_before_that_of_the_model() {
    let folder = folder("tokenizer_class", "BertweetTokenizer");
    copy("siebert", "vocab.json", folder.path());
    copy("siebert", "merges.txt", folder.path());
    let class = |name: &str| {
        small_model::write_json(folder.path(), "tokenizer_config.json", &json!({ "tokenizer_class": name }));
        layouts::tokenizer(folder.path())
    };
    assert!(class("RobertaTokenizerFast").is_ok());
    assert!(matches!(
        class("BertTokenizerFast"),
        Err(LoadError::Tokenizer(TokenizerError::FileMissing { .. }))
    ));
    assert!(matches!(class(""), Err(LoadError::Tokenizer(TokenizerError::Class { .. }))));
}

#[test]
fn a_model_type_without_a_known_class_and_code_of_the_repository_are_refused() {
    let unknown = folder("model_type", "nezha");
    copy("finbert", "vocab.txt", unknown.path());
    let error = refusal(unknown.path());
    assert!(matches!(error, LoadError::Tokenizer(TokenizerError::ModelType { .. })), "{error}");
    let remote = folder("model_type", "bert");
    copy("finbert", "vocab.txt", remote.path());
    let keys = json!({ "auto_map": { "AutoTokenizer": ["tokenization.Own", null] } });
    small_model::write_json(remote.path(), "tokenizer_config.json", &keys);
    let error = refusal(remote.path());
    assert!(matches!(error, LoadError::Tokenizer(TokenizerError::RemoteCode { .. })), "{error}");
    // Nothing says how other files would be used.
    let untyped = folder("architecture", "none");
    copy("finbert", "vocab.txt", untyped.path());
    assert!(refusal(untyped.path()).to_string().contains("tokenizer.json is missing"));
}

#[test]
fn added_tokens_that_the_model_does_not_have_are_left_out() {
    let folder = folder("model_type", "bert");
    copy("finbert", "vocab.txt", folder.path());
    let added = json!({ "[MASK]": 4, "first-new": 1_359, "second-new": 1_360 });
    small_model::write_json(folder.path(), "added_tokens.json", &added);
    let read = |vocabulary| TextTokenizer::read(&ModelFolder::open(folder.path()).unwrap(), vocabulary);
    let tokenizer = read(1_360).unwrap();
    assert_eq!(tokenizer.encode("[MASK] first-new").unwrap(), [4, 1_359]);
    let without = tokenizer.encode("second-new").unwrap();
    assert!(without.len() > 1 && without.iter().all(|id| *id < 1_359), "{without:?}");
    assert_eq!(read(1_361).unwrap().encode("second-new").unwrap(), [1_360]);
    assert!(matches!(
        read(1_358),
        Err(LoadError::Tokenizer(TokenizerError::Vocabulary { largest: 1_358, .. }))
    ));
}

#[test]
fn the_bundled_model_has_the_same_tokens_from_its_vocabulary_alone() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["config.json", "tokenizer_config.json", "vocab.txt"] {
        fs::copy(crate::testing::bundled_folder().join(file), folder.path().join(file)).unwrap();
    }
    fs::write(folder.path().join("model.safetensors"), "").unwrap();
    let whole = layouts::tokenizer(&crate::testing::bundled_folder()).unwrap();
    let vocabulary = layouts::tokenizer(folder.path()).unwrap();
    assert_eq!(whole.specials(), vocabulary.specials());
    let texts: Vec<String> = layouts::read_json(layouts().join("corpus.json"));
    for text in texts {
        assert_eq!(whole.encode(&text).unwrap(), vocabulary.encode(&text).unwrap(), "{text:?}");
    }
}
