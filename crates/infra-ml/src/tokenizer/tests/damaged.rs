//! Damaged files are refused, or make a tokenizer that can be used; nothing panics.

use std::fs;
use std::path::Path;

use application::action::chain;
use serde_json::Value;
use tempfile::TempDir;

use super::layouts::{self, layouts};
use super::*;

/// Layouts that have every kind of file together.
const LAYOUTS: [&str; 8] = [
    "finbert",
    "siebert",
    "bert-added-tokens",
    "camembert",
    "twitter-xlm-roberta",
    "deberta-punctuation",
    "bert-serialized",
    "xlm-roberta-contradiction",
];
const TEXTS: [&str; 5] =
    ["", "I love it! ½ ﬁ Ａ", "[MASK] <s> <mask>", "\u{0}\u{fffd}é👍🏽 これ", "▁ \u{3000}\r\n"];

/// Numbers that look random and are the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap()
    }
}

fn copy(layout: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(layouts().join(layout)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

/// The files of `folder` that a tokenizer is made from.
fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let others = ["config.json", "ids.json", "reference.json", "model.safetensors", "pytorch_model.bin"];
    let mut names: Vec<_> = names.filter(|name| !others.contains(&name.as_str())).collect();
    names.sort();
    names
}

/// Loads the folder and tokenizes some texts. Returns the message where it is refused.
fn try_load(folder: &Path, case: &str) -> Option<String> {
    match layouts::tokenizer(folder) {
        Ok(tokenizer) => {
            for text in TEXTS {
                let result = tokenizer.encode(text);
                assert!(!matches!(result, Err(InferenceError::TokenizerPanicked)), "{case}: {text:?}");
            }
            None
        }
        Err(error) => {
            let message = chain(&error);
            assert!(!message.contains("panicked"), "{case}: {message}");
            assert!(message.contains(&folder.display().to_string()), "{case}: {message}");
            Some(message)
        }
    }
}

#[test]
fn truncated_and_overwritten_files_do_not_panic() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for layout in LAYOUTS {
        let folder = copy(layout);
        for file in files(folder.path()) {
            let path = folder.path().join(&file);
            let whole = fs::read(&path).unwrap();
            for round in 0..16 {
                // Most of a SentencePiece model is its normalization table; its other parts are at the ends.
                let place = match round % 4 {
                    0 => random.below(whole.len()),
                    1 => random.below(whole.len().min(2_000)),
                    2 => whole.len() - 1 - random.below(whole.len().min(300)),
                    _ => random.below(whole.len().min(20_000)),
                };
                fs::write(&path, &whole[..place]).unwrap();
                try_load(folder.path(), &format!("{layout}/{file} cut at {place}"));
                let mut changed = whole.clone();
                changed[place] = random.below(256) as u8;
                fs::write(&path, &changed).unwrap();
                try_load(folder.path(), &format!("{layout}/{file} with {} at {place}", changed[place]));
            }
            fs::write(&path, whole).unwrap();
        }
    }
}

/// Replaces a random value below `value`.
fn replace(value: &mut Value, by: &Value, random: &mut Random) {
    let inner = match value {
        Value::Array(list) if !list.is_empty() => {
            let place = random.below(list.len());
            list.get_mut(place)
        }
        Value::Object(object) if !object.is_empty() => {
            let place = random.below(object.len());
            object.values_mut().nth(place)
        }
        _ => None,
    };
    match inner {
        Some(inner) if random.below(5) > 0 => replace(inner, by, random),
        Some(inner) => *inner = by.clone(),
        None => *value = by.clone(),
    }
}

#[test]
fn values_of_other_types_do_not_panic() {
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(3),
        json!(4_294_967_295_u32),
        json!(u64::MAX),
        json!(1e300),
        json!(""),
        json!(" "),
        json!("[CLS]"),
        json!("\u{0}"),
        json!("a".repeat(100_000)),
        json!([]),
        json!([[]]),
        json!({}),
        json!({ "content": "[SEP]", "__type": "AddedToken" }),
        json!([["a", 0.5], ["", 1]]),
    ];
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    for layout in LAYOUTS {
        let folder = copy(layout);
        for file in files(folder.path())
            .into_iter()
            .filter(|name| Path::new(name).extension() == Some("json".as_ref()))
        {
            let path = folder.path().join(&file);
            let whole = fs::read(&path).unwrap();
            for by in values.iter().cycle().take(34) {
                let mut changed = serde_json::from_slice(&whole).unwrap();
                replace(&mut changed, by, &mut random);
                fs::write(&path, changed.to_string()).unwrap();
                try_load(folder.path(), &format!("{layout}/{file} with {:.40}", by.to_string()));
            }
            fs::write(&path, whole).unwrap();
        }
    }
}

/// A layout, a file of it, an unusable content, and words of the refusal.
const UNUSABLE: [(&str, &str, &[u8], &str); 16] = [
    ("electra", "added_tokens.json", br#"{"a": 7, "b": 7}"#, "must be the only token of its id"),
    (
        "electra",
        "tokenizer_config.json",
        br#"{"extra_special_tokens": {"a": "a", "b": "b"}}"#,
        "extra_special_tokens must be",
    ),
    ("finbert", "vocab.txt", b"", "vocab.txt"),
    ("finbert", "vocab.txt", b"[CLS]\n[SEP]\n", "unknown token \"[UNK]\""),
    ("finbert", "vocab.txt", b"[UNK]\n\xFF\n", "vocab.txt"),
    (
        "finbert",
        "tokenizer_config.json",
        br#"{"do_lower_case": "yes"}"#,
        "do_lower_case must be true or false",
    ),
    ("electra", "tokenizer_config.json", br#"{"cls_token": null}"#, "cls_token must be a token"),
    (
        "electra",
        "tokenizer_config.json",
        br#"{"cls_token": {"content": "a"}}"#,
        "cls_token must be a string, or",
    ),
    (
        "finbert",
        "tokenizer_config.json",
        br#"{"added_tokens_decoder": {"-1": {"content": "a"}}}"#,
        "added_tokens_decoder",
    ),
    (
        "finbert",
        "special_tokens_map.json",
        br#"{"sep_token": 7}"#,
        "special_tokens_map.json: sep_token must be",
    ),
    ("siebert", "vocab.json", br#"{"a": -1}"#, "vocab.json"),
    ("siebert", "vocab.json", br#"{"a": 99999999999}"#, "vocab.json"),
    ("siebert", "merges.txt", b"#version: 0.2\na b c\n", "line 2 of merges.txt"),
    ("siebert", "merges.txt", b"nonesuch other\n", "the merge of \"nonesuch\" and \"other\""),
    ("camembert", "sentencepiece.bpe.model", b"\x0A\x00\x0A\x00", "token 5 is empty"),
    ("camembert", "sentencepiece.bpe.model", b"not a model", "sentencepiece.bpe.model is not a tokenizer"),
];

#[test]
fn unusable_vocabularies_are_refused_with_their_file() {
    for (layout, file, content, words) in UNUSABLE {
        let folder = copy(layout);
        fs::write(folder.path().join(file), content).unwrap();
        let message = try_load(folder.path(), file).unwrap_or_else(|| panic!("{file}: {words}"));
        assert!(message.contains(words), "{message} lacks {words}");
    }
}

#[test]
fn a_file_larger_than_any_tokenizer_is_refused_unread() {
    let folder = copy("finbert");
    let file = fs::File::options().write(true).open(folder.path().join("vocab.txt")).unwrap();
    file.set_len(1 << 40).unwrap();
    assert!(try_load(folder.path(), "vocab.txt").unwrap().contains("1099511627776 bytes"));
}
