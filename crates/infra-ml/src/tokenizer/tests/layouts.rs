//! Tokenizers in the layouts of published models, against the token ids of transformers. `tests/layouts/make.py` makes
//! them.

use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::*;

/// What transformers gives.
#[derive(Deserialize)]
struct Expected {
    /// The ids of the first texts.
    ids: Vec<Vec<u32>>,
    /// Eight hexadecimal digits for each text.
    hashes: String,
}

pub(super) fn layouts() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "layouts"].iter().collect()
}

/// The folders of all layouts.
pub(super) fn folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(layouts()).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|path| path.join("config.json").exists()).collect();
    folders.sort();
    folders
}

pub(super) fn read_json<T: serde::de::DeserializeOwned>(path: PathBuf) -> T {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Reads the tokenizer in `folder` for a model of the vocabulary that its `config.json` states.
pub(super) fn tokenizer(folder: &std::path::Path) -> Result<TextTokenizer, LoadError> {
    let config: Value = read_json(folder.join("config.json"));
    let vocabulary = usize::try_from(config["vocab_size"].as_u64().unwrap()).unwrap();
    TextTokenizer::read(&ModelFolder::open(folder)?, vocabulary)
}

fn hash(ids: &[u32]) -> String {
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    hex::encode(&Sha256::digest(bytes)[..4])
}

#[test]
fn every_layout_gives_the_token_ids_of_transformers() {
    let texts: Vec<String> = read_json(layouts().join("corpus.json"));
    assert!(texts.len() >= 2_000);
    let folders = folders();
    assert!(folders.len() >= 23);
    let mut differences = Vec::new();
    for folder in folders {
        let expected: Expected = read_json(folder.join("ids.json"));
        assert_eq!(expected.hashes.len(), texts.len() * 8);
        let tokenizer = tokenizer(&folder).unwrap();
        for (number, text) in texts.iter().enumerate() {
            let ids = tokenizer.encode(text).unwrap();
            if hash(&ids) != expected.hashes[number * 8..][..8] {
                let name = folder.file_name().unwrap().to_owned();
                differences.push((name, number, text, ids, expected.ids.get(number).cloned()));
            }
        }
    }
    let shown = &differences[..differences.len().min(20)];
    assert!(differences.is_empty(), "{} differences, the first: {shown:#?}", differences.len());
}

#[test]
fn every_layout_adds_the_special_tokens_of_transformers() {
    for folder in folders() {
        let reference: Value = read_json(folder.join("reference.json"));
        let tokenizer = tokenizer(&folder).unwrap();
        let SpecialTokens { before, after } = tokenizer.specials();
        for case in reference["cases"].as_array().unwrap() {
            let ids = tokenizer.encode(case["text"].as_str().unwrap()).unwrap();
            let ids = [before.as_slice(), &ids, after].concat();
            assert_eq!(serde_json::json!(ids), case["input_ids"], "{}", folder.display());
        }
    }
}
