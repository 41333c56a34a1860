use std::fmt;
use std::path::Path;

use serde_json::Value;

use super::ordered_object::OrderedObject;
use super::token_spec::Role;
use crate::load_error::TokenizerError;
use crate::model_folder::{MERGES, SENTENCEPIECE, SPM, TOKENIZER, VOCAB_JSON, VOCAB_TXT};

/// The class of transformers that makes the tokenizer. All but [`Self::Serialized`] take the vocabulary, from
/// `tokenizer.json` or from the class's own files, and normalize and split texts by rules of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenizerClass {
    Bert,
    Roberta,
    XlmRoberta,
    Camembert,
    DebertaV2,
    /// `tokenizer.json` as it is.
    Serialized,
}

/// The supported classes by their names in transformers, which may end in `Fast`.
const NAMES: [(&str, TokenizerClass); 11] = [
    ("BertTokenizer", TokenizerClass::Bert),
    ("DistilBertTokenizer", TokenizerClass::Bert),
    ("ElectraTokenizer", TokenizerClass::Bert),
    ("RobertaTokenizer", TokenizerClass::Roberta),
    ("XLMRobertaTokenizer", TokenizerClass::XlmRoberta),
    ("CamembertTokenizer", TokenizerClass::Camembert),
    ("DebertaV2Tokenizer", TokenizerClass::DebertaV2),
    ("PreTrainedTokenizer", TokenizerClass::Serialized),
    ("PreTrainedTokenizerFast", TokenizerClass::Serialized),
    ("TokenizersBackend", TokenizerClass::Serialized),
    ("PythonBackend", TokenizerClass::Serialized),
];

/// The class of each `model_type` of which no file names a class.
const MODEL_TYPES: [(&str, TokenizerClass); 8] = [
    ("bert", TokenizerClass::Bert),
    ("distilbert", TokenizerClass::Bert),
    ("electra", TokenizerClass::Bert),
    ("roberta", TokenizerClass::Roberta),
    ("xlm-roberta", TokenizerClass::XlmRoberta),
    ("camembert", TokenizerClass::Camembert),
    ("deberta-v2", TokenizerClass::DebertaV2),
    ("modernbert", TokenizerClass::Serialized),
];

/// The model type for which transformers ignores the class that the files name.
const CLASS_IGNORED: &str = "modernbert";

/// The string under `key` of the file `path`; none where it is absent, null or empty.
fn name<'a>(path: &Path, keys: &'a OrderedObject, key: &str) -> Result<Option<&'a str>, TokenizerError> {
    match keys.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) => Ok(Some(name.as_str()).filter(|name| !name.is_empty())),
        Some(_) => {
            let (path, key) = (path.to_owned(), key.to_owned());
            Err(TokenizerError::Setting { path, key, expected: "a string" })
        }
    }
}

impl TokenizerClass {
    /// Chooses as `AutoTokenizer` of transformers does: the class that `tokenizer_config.json` names, else the one
    /// that `config.json` names, else the one of the model type. A model without a type has its `tokenizer.json`.
    pub(super) fn choose(
        (config_path, config): (&Path, &OrderedObject),
        (tokenizer_path, tokenizer_config): (&Path, Option<&OrderedObject>),
    ) -> Result<Self, TokenizerError> {
        let model_type = name(config_path, config, "model_type")?;
        if model_type == Some(CLASS_IGNORED) {
            return Ok(Self::Serialized);
        }
        if let Some(keys) = tokenizer_config {
            refuse_remote_code(tokenizer_path, keys)?;
            if let Some(class) = name(tokenizer_path, keys, "tokenizer_class")? {
                return Self::named(tokenizer_path, class);
            }
        }
        if let Some(class) = name(config_path, config, "tokenizer_class")? {
            return Self::named(config_path, class);
        }
        let Some(model_type) = model_type else { return Ok(Self::Serialized) };
        match MODEL_TYPES.iter().find(|(name, _)| *name == model_type) {
            Some((_, class)) => Ok(*class),
            None => Err(TokenizerError::ModelType {
                path: config_path.to_owned(),
                model_type: model_type.to_owned(),
                supported: supported(),
            }),
        }
    }

    fn named(path: &Path, class: &str) -> Result<Self, TokenizerError> {
        let plain = class.strip_suffix("Fast").unwrap_or(class);
        match NAMES.iter().find(|(name, _)| *name == class || *name == plain) {
            Some((_, class)) => Ok(*class),
            None => Err(TokenizerError::Class {
                path: path.to_owned(),
                class: class.to_owned(),
                supported: supported(),
            }),
        }
    }

    /// The files that the class is made from where there is no `tokenizer.json`.
    pub(super) fn vocabulary_files(self) -> &'static [&'static str] {
        match self {
            Self::Bert => &[VOCAB_TXT],
            Self::Roberta => &[VOCAB_JSON, MERGES],
            Self::XlmRoberta | Self::Camembert => &[SENTENCEPIECE],
            Self::DebertaV2 => &[SPM],
            Self::Serialized => &[TOKENIZER],
        }
    }

    /// The token of `role` where no file sets it.
    pub(super) fn default_token(self, role: Role) -> Option<&'static str> {
        match self {
            Self::Bert => match role {
                Role::Bos | Role::Eos => None,
                _ => Some(role.bracketed()),
            },
            Self::DebertaV2 => Some(role.bracketed()),
            Self::Roberta | Self::XlmRoberta | Self::Camembert => Some(role.angled()),
            Self::Serialized => None,
        }
    }

    /// The roles of the tokens before and after a text; none where the post-processor of `tokenizer.json` adds them.
    pub(super) fn frame(self) -> Option<(Role, Role)> {
        match self {
            Self::Bert | Self::Roberta | Self::DebertaV2 => Some((Role::Cls, Role::Sep)),
            Self::XlmRoberta | Self::Camembert => Some((Role::Bos, Role::Eos)),
            Self::Serialized => None,
        }
    }
}

impl fmt::Display for TokenizerClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Bert => "BertTokenizer",
            Self::Roberta => "RobertaTokenizer",
            Self::XlmRoberta => "XLMRobertaTokenizer",
            Self::Camembert => "CamembertTokenizer",
            Self::DebertaV2 => "DebertaV2Tokenizer",
            Self::Serialized => "PreTrainedTokenizerFast",
        })
    }
}

/// The names of the supported classes, for messages.
fn supported() -> String {
    let names = NAMES.iter().map(|(name, _)| *name);
    names.filter(|name| name.ends_with("Tokenizer") || name.ends_with("Fast")).collect::<Vec<_>>().join(", ")
}

/// Refuses a tokenizer that is Python code of the repository.
fn refuse_remote_code(path: &Path, tokenizer_config: &OrderedObject) -> Result<(), TokenizerError> {
    let code = match tokenizer_config.get("auto_map") {
        Some(Value::Object(map)) => map.get("AutoTokenizer").is_some_and(|class| !class.is_null()),
        Some(Value::Array(classes)) => !classes.is_empty(),
        _ => false,
    };
    if code { Err(TokenizerError::RemoteCode { path: path.to_owned() }) } else { Ok(()) }
}
