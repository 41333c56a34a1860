use std::collections::BTreeMap;
use std::path::Path;

use candle_transformers::models::bert::{Config as BertConfig, HiddenAct, PositionEmbeddingType};
use domain::value_objects::ProblemType;
use serde::Deserialize;

use crate::load_error::LoadError;
use crate::loader::files::{ModelFolder, read_json};

/// The architecture that is served.
const ARCHITECTURE: &str = "BertForSequenceClassification";

/// What is needed of a Hugging Face `config.json`, checked.
#[derive(Debug, Clone)]
pub(super) struct HfConfig {
    raw: RawConfig,
    activation: HiddenAct,
    problem_type: ProblemType,
    labels: Vec<String>,
}

/// Absent values are as transformers has them for BERT.
#[derive(Debug, Clone, Deserialize)]
struct RawConfig {
    #[serde(default)]
    architectures: Vec<String>,
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    #[serde(default = "two")]
    type_vocab_size: usize,
    #[serde(default = "gelu")]
    hidden_act: String,
    #[serde(default = "layer_norm_eps")]
    layer_norm_eps: f64,
    position_embedding_type: Option<String>,
    problem_type: Option<String>,
    id2label: Option<BTreeMap<usize, String>>,
}

fn two() -> usize {
    2
}

fn gelu() -> String {
    "gelu".to_owned()
}

fn layer_norm_eps() -> f64 {
    1e-12
}

impl HfConfig {
    pub(super) fn read(folder: &ModelFolder) -> Result<Self, LoadError> {
        let path = folder.config();
        let raw: RawConfig = read_json(&path)?;
        if !raw.architectures.iter().any(|name| name == ARCHITECTURE) {
            let found =
                if raw.architectures.is_empty() { "none".into() } else { raw.architectures.join(", ") };
            return Err(LoadError::Architecture { path, found });
        }
        check_sizes(&path, &raw)?;
        let labels = labels(&path, raw.id2label.as_ref())?;
        let problem_type = problem_type(&path, raw.problem_type.as_deref(), labels.len())?;
        let activation = activation(&path, &raw.hidden_act)?;
        Ok(Self { raw, activation, problem_type, labels })
    }

    pub(super) fn vocabulary(&self) -> usize {
        self.raw.vocab_size
    }

    /// The most tokens of a sequence, special tokens counted.
    pub(super) fn positions(&self) -> usize {
        self.raw.max_position_embeddings
    }

    /// The names of the outputs, in the order of the logits.
    pub(super) fn labels(&self) -> &[String] {
        &self.labels
    }

    pub(super) fn problem_type(&self) -> ProblemType {
        self.problem_type
    }

    /// The same in Candle's words.
    pub(super) fn bert(&self) -> BertConfig {
        BertConfig {
            vocab_size: self.raw.vocab_size,
            hidden_size: self.raw.hidden_size,
            num_hidden_layers: self.raw.num_hidden_layers,
            num_attention_heads: self.raw.num_attention_heads,
            intermediate_size: self.raw.intermediate_size,
            hidden_act: self.activation,
            max_position_embeddings: self.raw.max_position_embeddings,
            type_vocab_size: self.raw.type_vocab_size,
            layer_norm_eps: self.raw.layer_norm_eps,
            position_embedding_type: PositionEmbeddingType::Absolute,
            ..BertConfig::default()
        }
    }
}

fn refuse(path: &Path, key: &'static str, value: &dyn ToString, expected: impl Into<String>) -> LoadError {
    LoadError::Config { path: path.to_owned(), key, value: value.to_string(), expected: expected.into() }
}

fn check_sizes(path: &Path, raw: &RawConfig) -> Result<(), LoadError> {
    let sizes = [
        ("vocab_size", raw.vocab_size),
        ("hidden_size", raw.hidden_size),
        ("num_hidden_layers", raw.num_hidden_layers),
        ("num_attention_heads", raw.num_attention_heads),
        ("intermediate_size", raw.intermediate_size),
        ("type_vocab_size", raw.type_vocab_size),
        ("max_position_embeddings", raw.max_position_embeddings),
    ];
    if let Some((key, value)) = sizes.into_iter().find(|(_, value)| *value == 0) {
        return Err(refuse(path, key, &value, "it must be at least 1"));
    }
    if !raw.hidden_size.is_multiple_of(raw.num_attention_heads) {
        let expected = format!("it must divide the hidden_size of {}", raw.hidden_size);
        return Err(refuse(path, "num_attention_heads", &raw.num_attention_heads, expected));
    }
    if !(raw.layer_norm_eps > 0.0 && raw.layer_norm_eps.is_finite()) {
        return Err(refuse(path, "layer_norm_eps", &raw.layer_norm_eps, "it must be above 0"));
    }
    match raw.position_embedding_type.as_deref() {
        None | Some("absolute") => Ok(()),
        Some(other) => Err(refuse(path, "position_embedding_type", &other, "only absolute is supported")),
    }
}

/// The names under the keys 0, 1, 2 …, with none left out; transformers' two where there are none.
fn labels(path: &Path, id2label: Option<&BTreeMap<usize, String>>) -> Result<Vec<String>, LoadError> {
    let Some(names) = id2label else { return Ok(vec!["LABEL_0".to_owned(), "LABEL_1".to_owned()]) };
    if names.is_empty() || names.keys().enumerate().any(|(place, id)| place != *id) {
        let ids = names.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return Err(refuse(
            path,
            "id2label",
            &format!("[{ids}]"),
            "its keys must be 0, 1, 2 … with none left out",
        ));
    }
    Ok(names.values().cloned().collect())
}

/// As transformers' text-classification pipeline reads it: one output without a type is a sigmoid.
fn problem_type(path: &Path, name: Option<&str>, labels: usize) -> Result<ProblemType, LoadError> {
    match name {
        Some("multi_label_classification") => Ok(ProblemType::MultiLabel),
        Some("regression") => Ok(ProblemType::Regression),
        None if labels == 1 => Ok(ProblemType::MultiLabel),
        Some("single_label_classification") | None => Ok(ProblemType::SingleLabel),
        Some(other) => {
            let expected =
                "single_label_classification, multi_label_classification and regression are supported";
            Err(refuse(path, "problem_type", &other, expected))
        }
    }
}

/// `gelu` is the exact one, with the error function, in transformers as in Candle.
fn activation(path: &Path, name: &str) -> Result<HiddenAct, LoadError> {
    match name {
        "gelu" => Ok(HiddenAct::Gelu),
        "gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" => Ok(HiddenAct::GeluApproximate),
        "relu" => Ok(HiddenAct::Relu),
        other => Err(refuse(path, "hidden_act", &other, "gelu, gelu_new and relu are supported")),
    }
}
