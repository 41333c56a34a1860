//! The kinds of models that are served: what `config.json` must say of each, and which tensors it then promises.
//!
//! A kind whose encoder is BERT's, [`BertLike`], runs on the fast path; it may call its tensors as it likes and have
//! a head of its own. What has another encoder is computed by Candle's operations. To add a kind, write the file that
//! reads its configuration, name it in [`Architecture::read`], and let `tests/fixtures/make.py` make a small one.

mod activation;
mod bert;
mod bert_like;
mod config_file;
mod deberta;
mod distilbert;
mod electra;
mod modernbert;
mod roberta;
mod sizes;

pub(crate) use activation::Activation;
pub(crate) use bert_like::BertLike;
pub(crate) use config_file::ConfigFile;
pub(crate) use deberta::{Convolution, Deberta, Relative};
pub(crate) use modernbert::{ModernBert, Pooling, Reach};

use crate::load_error::ConfigError;

/// A model's kind with its sizes, read from `config.json` and checked.
#[derive(Debug, Clone)]
pub(crate) enum Architecture {
    /// BERT's encoder, whatever its names and its head.
    BertLike(BertLike),
    /// DeBERTa, versions 2 and 3.
    Deberta(Deberta),
    /// ModernBERT.
    ModernBert(ModernBert),
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

    /// The same where there may be no bias.
    pub(crate) fn layer(name: &str, size: [usize; 2], bias: bool) -> impl Iterator<Item = Self> {
        Self::linear(name, size).into_iter().take(if bias { 2 } else { 1 })
    }
}

/// The architectures that can be served, as `config.json` names them.
pub(crate) const SUPPORTED: [&str; 8] = [
    "BertForSequenceClassification",
    "RobertaForSequenceClassification",
    "XLMRobertaForSequenceClassification",
    "CamembertForSequenceClassification",
    "DistilBertForSequenceClassification",
    "ElectraForSequenceClassification",
    "DebertaV2ForSequenceClassification",
    "ModernBertForSequenceClassification",
];

impl Architecture {
    /// Reads the architecture that `config` names first among those that are known.
    ///
    /// # Errors
    /// Where it names none of [`SUPPORTED`], or a value is missing or makes no sense.
    pub(crate) fn read(config: &ConfigFile) -> Result<Self, ConfigError> {
        let named = config.architectures();
        let Some(known) = named.iter().find_map(|name| SUPPORTED.iter().find(|known| *known == name)) else {
            return Err(ConfigError::Architecture {
                path: config.path().to_owned(),
                found: if named.is_empty() { "none".to_owned() } else { named.join(", ") },
                supported: SUPPORTED.join(", "),
            });
        };
        Ok(match *known {
            "BertForSequenceClassification" => Self::BertLike(bert::read(config)?),
            "DistilBertForSequenceClassification" => Self::BertLike(distilbert::read(config)?),
            "ElectraForSequenceClassification" => Self::BertLike(electra::read(config)?),
            "DebertaV2ForSequenceClassification" => Self::Deberta(deberta::read(config)?),
            "ModernBertForSequenceClassification" => Self::ModernBert(modernbert::read(config)?),
            _ => Self::BertLike(roberta::read(config)?),
        })
    }

    /// Whether it runs on the fast path, in bytes too.
    pub(crate) fn is_fast(&self) -> bool {
        matches!(self, Self::BertLike(_))
    }

    /// The tokens of its vocabulary.
    pub(crate) fn vocabulary(&self) -> usize {
        match self {
            Self::BertLike(model) => model.encoder.vocab_size,
            Self::Deberta(model) => model.sizes.vocabulary,
            Self::ModernBert(model) => model.sizes.vocabulary,
        }
    }

    /// The most tokens of a sequence, special tokens counted.
    pub(crate) fn positions(&self) -> usize {
        match self {
            Self::BertLike(model) => model.positions(),
            Self::Deberta(model) => model.sizes.positions,
            Self::ModernBert(model) => model.sizes.positions,
        }
    }

    /// Every tensor that a model of `labels` outputs must have, large ones not before those that tell sooner what is wrong.
    pub(crate) fn tensors(&self, labels: usize) -> Box<dyn Iterator<Item = TensorSpec> + '_> {
        match self {
            Self::BertLike(model) => Box::new(model.tensors(labels)),
            Self::Deberta(model) => Box::new(model.tensors(labels)),
            Self::ModernBert(model) => Box::new(model.tensors(labels)),
        }
    }

    /// The name of the weight whose rows are the outputs.
    pub(crate) fn outputs(&self) -> String {
        match self {
            Self::BertLike(model) => model.name("head.output.weight"),
            Self::Deberta(_) | Self::ModernBert(_) => "classifier.weight".to_owned(),
        }
    }
}
