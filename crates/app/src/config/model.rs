use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Context;
use domain::value_objects::Sentiment;
use infra_ml::{LabelMapping, ModelSettings, ModelSource};
use serde::{Deserialize, Serialize};

use crate::config::Seconds;

/// Which model answers, and how it is run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelSection {
    pub(crate) path: Option<PathBuf>,
    pub(crate) name: Option<String>,
    pub(crate) precision: String,
    pub(crate) device: String,
    pub(crate) window: Option<u32>,
    pub(crate) overlap: Option<u32>,
    pub(crate) labels: Labels,
    pub(crate) threads: Option<NonZeroUsize>,
    pub(crate) max_batch_tokens: usize,
    pub(crate) max_queue_tokens: usize,
    pub(crate) max_queue_items: usize,
    pub(crate) max_wait: Seconds,
}

/// How the model's labels become sentiments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Labels {
    /// `auto` (by their names) or `raw` (not at all).
    Word(String),
    /// A sentiment for each label named.
    Map(BTreeMap<String, String>),
}

impl Default for ModelSection {
    fn default() -> Self {
        Self {
            path: None,
            name: None,
            precision: "auto".to_owned(),
            device: "auto".to_owned(),
            window: None,
            overlap: None,
            labels: Labels::Word("auto".to_owned()),
            threads: None,
            max_batch_tokens: 2_048,
            max_queue_tokens: 65_536,
            max_queue_items: 1_024,
            max_wait: Seconds(30.0),
        }
    }
}

impl ModelSection {
    pub(super) fn validate(&self) -> Result<(), String> {
        self.max_wait.validate("model.max_wait", 0.1)?;
        self.to_adapter(ModelSource::Folder(PathBuf::new())).map_err(|error| format!("{error:#}"))?;
        for (key, value) in [
            ("model.max_batch_tokens", self.max_batch_tokens),
            ("model.max_queue_tokens", self.max_queue_tokens),
            ("model.max_queue_items", self.max_queue_items),
        ] {
            if value == 0 {
                return Err(format!("{key} must be at least 1"));
            }
        }
        Ok(())
    }

    /// What the model's adapter is told, with the place that was found.
    ///
    /// # Errors
    /// A word that is none of a key's values.
    pub(crate) fn to_adapter(&self, source: ModelSource) -> anyhow::Result<ModelSettings> {
        Ok(ModelSettings {
            source,
            name: self.name.clone(),
            precision: self.precision.parse().context("model.precision")?,
            device: self.device.parse().context("model.device")?,
            window: self.window,
            overlap: self.overlap,
            labels: self.labels.to_adapter()?,
            max_queue_items: self.max_queue_items,
            max_queue_tokens: self.max_queue_tokens,
            max_batch_tokens: self.max_batch_tokens,
            threads: self.threads,
            max_wait: self.max_wait.duration(),
        })
    }
}

impl Labels {
    fn to_adapter(&self) -> anyhow::Result<LabelMapping> {
        match self {
            Self::Word(word) if word == "auto" => Ok(LabelMapping::Auto),
            Self::Word(word) if word == "raw" => Ok(LabelMapping::Raw),
            Self::Word(word) => anyhow::bail!("model.labels must be auto, raw or a table, not {word}"),
            Self::Map(table) => {
                let sentiment = |(label, name): (&String, &String)| {
                    Ok((label.clone(), Sentiment::parse("model.labels", name)?))
                };
                Ok(LabelMapping::Map(table.iter().map(sentiment).collect::<anyhow::Result<_>>()?))
            }
        }
    }
}
