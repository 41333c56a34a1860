use std::collections::BTreeMap;

use domain::value_objects::ProblemType;
use serde::Deserialize;

use crate::architecture::{Architecture, ConfigFile};
use crate::load_error::{ConfigError, LoadError};
use crate::model_folder::{ModelFolder, read_json};

/// What is needed of a Hugging Face `config.json`, checked.
#[derive(Debug, Clone)]
pub(super) struct HfConfig {
    architecture: Architecture,
    problem_type: ProblemType,
    labels: Vec<String>,
}

/// The keys that all architectures share.
#[derive(Deserialize)]
struct ClassifierKeys {
    problem_type: Option<String>,
    id2label: Option<BTreeMap<usize, String>>,
    num_labels: Option<usize>,
}

impl HfConfig {
    pub(super) fn read(folder: &ModelFolder) -> Result<Self, LoadError> {
        let path = folder.config();
        let json = read_json(&path)?;
        let config = ConfigFile::new(path, json);
        let architecture = Architecture::read(&config)?;
        let keys: ClassifierKeys = config.parse()?;
        let labels = labels(&config, &keys)?;
        let problem_type = problem_type(&config, keys.problem_type.as_deref(), labels.len())?;
        Ok(Self { architecture, problem_type, labels })
    }

    pub(super) fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The names of the outputs, in the order of the logits.
    pub(super) fn labels(&self) -> &[String] {
        &self.labels
    }

    pub(super) fn problem_type(&self) -> ProblemType {
        self.problem_type
    }
}

/// The names under the keys 0, 1, 2 …, with none left out; transformers' `LABEL_0`, `LABEL_1` … where there are none.
fn labels(config: &ConfigFile, keys: &ClassifierKeys) -> Result<Vec<String>, ConfigError> {
    let Some(names) = &keys.id2label else {
        let count = keys.num_labels.unwrap_or(2);
        config.check_sizes(&[("num_labels", count)])?;
        return Ok((0..count.min(MOST_LABELS)).map(|id| format!("LABEL_{id}")).collect());
    };
    if names.is_empty() || names.keys().enumerate().any(|(place, id)| place != *id) {
        let ids = names.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let expected = "its keys must be 0, 1, 2 … with none left out";
        return Err(config.refuse("id2label", &format!("[{ids}]"), expected));
    }
    Ok(names.values().cloned().collect())
}

/// More than any classifier has; a larger `num_labels` is found by the classifier's shape.
const MOST_LABELS: usize = 100_000;

/// As transformers' text-classification pipeline reads it: one output is a sigmoid, unless it is a regression.
fn problem_type(config: &ConfigFile, name: Option<&str>, labels: usize) -> Result<ProblemType, ConfigError> {
    match name {
        Some("multi_label_classification") => Ok(ProblemType::MultiLabel),
        Some("regression") => Ok(ProblemType::Regression),
        Some("single_label_classification") | None if labels == 1 => Ok(ProblemType::MultiLabel),
        Some("single_label_classification") | None => Ok(ProblemType::SingleLabel),
        Some(other) => {
            let expected =
                "single_label_classification, multi_label_classification and regression are supported";
            Err(config.refuse("problem_type", &other, expected))
        }
    }
}
