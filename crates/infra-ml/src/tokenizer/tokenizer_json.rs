use std::collections::HashMap;
use std::path::{Path, PathBuf};

use application::errors::BoxError;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use tokenizers::Tokenizer;
use tokenizers::normalizers::Precompiled;

use super::charsmap;
use super::token_spec::TokenSpec;
use super::unigram::check_pieces;
use crate::load_error::TokenizerError;
use crate::panic::catch_panic;

/// A `tokenizer.json`.
pub(super) struct TokenizerJson {
    path: PathBuf,
    text: String,
    json: Value,
}

/// An added token with its id.
#[derive(Deserialize)]
struct IdentifiedToken {
    id: u32,
    #[serde(flatten)]
    token: TokenSpec,
}

/// A merge, in the old form and in the new one, which allows spaces in tokens.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Joined(String),
    Pair(String, String),
}

impl TokenizerJson {
    pub(super) fn parse(path: &Path, bytes: Vec<u8>) -> Result<Self, TokenizerError> {
        let refuse = |source: BoxError| TokenizerError::Unusable { path: path.to_owned(), source };
        // Without the bytes, which the error would hold.
        let text = String::from_utf8(bytes).map_err(|error| refuse(error.utf8_error().into()))?;
        let json: Value = serde_json::from_str(&text).map_err(|source| refuse(source.into()))?;
        if !json.is_object() {
            return Err(refuse("it is not an object".into()));
        }
        Ok(Self { path: path.to_owned(), text, json })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn added_tokens(&self) -> Result<Vec<(u32, TokenSpec)>, TokenizerError> {
        let tokens: Vec<IdentifiedToken> = self.read(&self.json["added_tokens"], "added_tokens")?;
        Ok(tokens.into_iter().map(|token| (token.id, token.token)).collect())
    }

    /// The tokens of the model with their ids, where it is not a list.
    pub(super) fn vocabulary(&self) -> Result<HashMap<String, u32>, TokenizerError> {
        self.read(&self.json["model"]["vocab"], "vocab")
    }

    /// The tokens of a unigram model with their scores.
    pub(super) fn pieces(&self) -> Result<Vec<(String, f64)>, TokenizerError> {
        self.read(&self.json["model"]["vocab"], "vocab")
    }

    pub(super) fn merges(&self) -> Result<Vec<(String, String)>, TokenizerError> {
        let merges: Vec<Merge> = self.read(&self.json["model"]["merges"], "merges")?;
        let pair = |merge| match merge {
            Merge::Pair(left, right) => Some((left, right)),
            Merge::Joined(pair) => pair
                .split_once(' ')
                .filter(|(_, right)| !right.contains(' '))
                .map(|(left, right)| (left.into(), right.into())),
        };
        merges
            .into_iter()
            .map(pair)
            .collect::<Option<_>>()
            .ok_or_else(|| self.refuse("a merge is not of two tokens"))
    }

    /// The first normalization table of SentencePiece among the normalizers.
    pub(super) fn charsmap(&self) -> Result<Option<Precompiled>, TokenizerError> {
        let normalizer = &self.json["normalizer"];
        let list = match normalizer {
            Value::Object(_) if normalizer["type"] == "Sequence" => normalizer["normalizers"].as_array(),
            Value::Array(list) => Some(list),
            _ => None,
        };
        let mut normalizers = list.map_or(std::slice::from_ref(normalizer), Vec::as_slice).iter();
        let table = normalizers.find(|each| each["type"] == "Precompiled" && each.get(CHARSMAP).is_some());
        table.map(|each| self.decode_charsmap(&each[CHARSMAP])).transpose()
    }

    fn decode_charsmap(&self, value: &Value) -> Result<Precompiled, TokenizerError> {
        let bytes = BASE64_STANDARD.decode(value.as_str().unwrap_or_default());
        let bytes = bytes.map_err(|source| self.refuse(source))?;
        charsmap::parse(&bytes).map_err(|source| self.refuse(source))
    }

    /// Checks everything but the vocabulary, which the classes read themselves.
    pub(super) fn check_without_vocabulary(&self) -> Result<(), TokenizerError> {
        self.check_charsmaps(&self.json["normalizer"])?;
        let without = |value: &Value, keys: &[&str]| {
            let entries = value.as_object().into_iter().flatten();
            let others = entries.filter(|(key, _)| !keys.contains(&key.as_str()));
            Value::Object(others.map(|(key, value)| (key.clone(), value.clone())).collect())
        };
        let mut minimal = without(&self.json, &["model", "added_tokens"]);
        minimal["added_tokens"] = json!([]);
        minimal["model"] = without(&self.json["model"], &["vocab", "merges"]);
        if self.json["model"]["vocab"].is_array() {
            minimal["model"]["vocab"] = json!([["<unk>", 0.0]]);
            minimal["model"]["unk_id"] = json!(0);
        } else {
            minimal["model"]["vocab"] = json!({});
        }
        if self.json["model"].get("merges").is_some() {
            minimal["model"]["merges"] = json!([]);
        }
        self.deserialize(&minimal.to_string()).map(|_| ())
    }

    /// Returns the tokenizer of the file as it is.
    pub(super) fn tokenizer(&self) -> Result<Tokenizer, TokenizerError> {
        self.check_charsmaps(&self.json["normalizer"])?;
        if self.json["model"]["vocab"].is_array() {
            check_pieces(&self.pieces()?).map_err(|source| self.refuse(source))?;
        }
        self.deserialize(&self.text)
    }

    /// By `FromStr`, which the library compiles itself; reading bytes would compile all of its deserialization again.
    fn deserialize(&self, text: &str) -> Result<Tokenizer, TokenizerError> {
        match catch_panic(|| text.parse::<Tokenizer>()) {
            Ok(tokenizer) => tokenizer.map_err(|source| self.refuse(source)),
            Err(reason) => Err(self.refuse(format!("reading it panicked: {reason}"))),
        }
    }

    /// Checks every table below `value`: the library trusts their sizes and offsets.
    fn check_charsmaps(&self, value: &Value) -> Result<(), TokenizerError> {
        match value {
            Value::Object(object) => {
                if let Some(table) = object.get(CHARSMAP) {
                    self.decode_charsmap(table)?;
                }
                object.values().try_for_each(|value| self.check_charsmaps(value))
            }
            Value::Array(list) => list.iter().try_for_each(|value| self.check_charsmaps(value)),
            _ => Ok(()),
        }
    }

    fn read<'a, T: Deserialize<'a>>(&self, value: &'a Value, key: &str) -> Result<T, TokenizerError> {
        T::deserialize(value).map_err(|source| self.refuse(format!("{key}: {source}")))
    }

    fn refuse(&self, source: impl Into<BoxError>) -> TokenizerError {
        TokenizerError::Unusable { path: self.path.clone(), source: source.into() }
    }
}

const CHARSMAP: &str = "precompiled_charsmap";
