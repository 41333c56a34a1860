//! The kinds of models that are served: what `config.json` must say of each, and which tensors it then promises.
//!
//! A kind whose encoder is BERT's, [`BertLike`], runs on the fast path; it may call its tensors as it likes and have
//! a head of its own. What has another encoder is computed by Candle's operations. To add a kind, write the file that
//! reads its configuration, name it in [`Architecture::read`], and let `tests/fixtures/make.py` make a small one.

mod bert;
mod bert_like;
mod config_file;
mod distilbert;
mod electra;
mod roberta;

pub(crate) use bert_like::{BertLike, HeadActivation};
pub(crate) use config_file::ConfigFile;

use crate::load_error::LoadError;

/// A model's kind with its sizes, read from `config.json` and checked.
#[derive(Debug, Clone)]
pub(crate) enum Architecture {
    /// BERT's encoder, whatever its names and its head.
    BertLike(BertLike),
}

/// A tensor that a model must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TensorSpec {
    /// Its name in the file.
    pub(crate) name: String,
    /// The name that old checkpoints have for it, where there is one.
    pub(crate) old_name: Option<String>,
    /// Its shape.
    pub(crate) shape: Vec<usize>,
}

impl TensorSpec {
    pub(crate) fn new(name: impl Into<String>, shape: &[usize]) -> Self {
        Self { name: name.into(), old_name: None, shape: shape.to_vec() }
    }

    /// The weight and the bias of the layer norm `name`, which old checkpoints call `gamma` and `beta`.
    pub(crate) fn norm(name: &str, size: usize) -> [Self; 2] {
        [("weight", "gamma"), ("bias", "beta")].map(|(new, old)| Self {
            name: format!("{name}.{new}"),
            old_name: Some(format!("{name}.{old}")),
            shape: vec![size],
        })
    }

    /// The weight `[outputs, inputs]` and the bias `[outputs]` of the layer `name`.
    pub(crate) fn linear(name: &str, [outputs, inputs]: [usize; 2]) -> [Self; 2] {
        [
            Self::new(format!("{name}.weight"), &[outputs, inputs]),
            Self::new(format!("{name}.bias"), &[outputs]),
        ]
    }
}

/// The architectures that can be served, as `config.json` names them.
pub(crate) const SUPPORTED: [&str; 6] = [
    "BertForSequenceClassification",
    "RobertaForSequenceClassification",
    "XLMRobertaForSequenceClassification",
    "CamembertForSequenceClassification",
    "DistilBertForSequenceClassification",
    "ElectraForSequenceClassification",
];

impl Architecture {
    /// Reads the architecture that `config` names first among those that are known.
    ///
    /// # Errors
    /// Where it names none of [`SUPPORTED`], or a value is missing or makes no sense.
    pub(crate) fn read(config: &ConfigFile) -> Result<Self, LoadError> {
        let named = config.architectures();
        let Some(known) = named.iter().find_map(|name| SUPPORTED.iter().find(|known| *known == name)) else {
            return Err(LoadError::Architecture {
                path: config.path().to_owned(),
                found: if named.is_empty() { "none".to_owned() } else { named.join(", ") },
            });
        };
        Ok(Self::BertLike(match *known {
            "BertForSequenceClassification" => bert::read(config)?,
            "DistilBertForSequenceClassification" => distilbert::read(config)?,
            "ElectraForSequenceClassification" => electra::read(config)?,
            _ => roberta::read(config)?,
        }))
    }

    /// The tokens of its vocabulary.
    pub(crate) fn vocabulary(&self) -> usize {
        match self {
            Self::BertLike(model) => model.encoder.vocab_size,
        }
    }

    /// The most tokens of a sequence, special tokens counted.
    pub(crate) fn positions(&self) -> usize {
        match self {
            Self::BertLike(model) => model.positions(),
        }
    }

    /// Every tensor that a model of `labels` outputs must have, large ones not before those that tell sooner what is wrong.
    pub(crate) fn tensors(&self, labels: usize) -> Box<dyn Iterator<Item = TensorSpec> + '_> {
        match self {
            Self::BertLike(model) => Box::new(model.tensors(labels)),
        }
    }

    /// The name of the weight whose rows are the outputs.
    pub(crate) fn outputs(&self) -> String {
        match self {
            Self::BertLike(model) => model.name("head.output.weight"),
        }
    }
}
