//! The supported model architectures: how each reads its `config.json`, and which tensors its weights must have.
//!
//! An architecture with BERT's encoder, [`BertLike`], runs on the fast path, under its own tensor names and with its
//! own head; other encoders run on Candle's operations. To add an architecture, write the file that reads its
//! configuration, name it in [`SUPPORTED`] and [`Architecture::read`], and add a small model to
//! `tests/fixtures/make.py`.

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
mod tensor_spec;

pub(crate) use activation::Activation;
pub(crate) use bert_like::BertLike;
pub(crate) use config_file::ConfigFile;
pub(crate) use deberta::{Convolution, Deberta, RelativeAttention};
pub(crate) use modernbert::{Attention, ModernBert, Pooling};
pub(crate) use sizes::Sizes;
pub(crate) use tensor_spec::TensorSpec;

use crate::load_error::ConfigError;

/// An architecture with its sizes, read from `config.json` and checked.
#[derive(Debug, Clone)]
pub(crate) enum Architecture {
    /// BERT's encoder with the tensor names and the head of its family.
    BertLike(BertLike),
    /// DeBERTa, versions 2 and 3.
    Deberta(Deberta),
    /// ModernBERT.
    ModernBert(ModernBert),
}

/// The supported architectures, as `config.json` names them.
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
    /// Reads the first supported architecture that `config` names.
    ///
    /// # Errors
    /// If it names none of [`SUPPORTED`], or a value is missing or invalid.
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

    /// Whether it runs on the fast path, which also has int8.
    pub(crate) fn is_fast(&self) -> bool {
        matches!(self, Self::BertLike(_))
    }

    /// The number of tokens in the vocabulary.
    pub(crate) fn vocabulary(&self) -> usize {
        match self {
            Self::BertLike(model) => model.sizes.vocabulary,
            Self::Deberta(model) => model.sizes.vocabulary,
            Self::ModernBert(model) => model.sizes.vocabulary,
        }
    }

    /// The maximum length of a sequence in tokens, including special tokens.
    pub(crate) fn positions(&self) -> usize {
        match self {
            Self::BertLike(model) => model.positions(),
            Self::Deberta(model) => model.sizes.positions,
            Self::ModernBert(model) => model.sizes.positions,
        }
    }

    /// Every tensor that a model with `labels` outputs must have.
    pub(crate) fn tensors(&self, labels: usize) -> Box<dyn Iterator<Item = TensorSpec> + '_> {
        match self {
            Self::BertLike(model) => Box::new(model.tensors(labels)),
            Self::Deberta(model) => Box::new(model.tensors(labels)),
            Self::ModernBert(model) => Box::new(model.tensors(labels)),
        }
    }

    /// How the names of the encoder's tensors begin. Weights of the encoder alone lack it.
    pub(crate) fn encoder_prefix(&self) -> String {
        match self {
            Self::BertLike(model) => model.tensor_name("base."),
            Self::Deberta(_) => "deberta.".to_owned(),
            Self::ModernBert(_) => "model.".to_owned(),
        }
    }

    /// The name of the last layer's weight, `[labels, hidden]`.
    pub(crate) fn output_weight(&self) -> String {
        match self {
            Self::BertLike(model) => model.tensor_name("head.output.weight"),
            Self::Deberta(_) | Self::ModernBert(_) => "classifier.weight".to_owned(),
        }
    }
}
