use std::collections::BTreeMap;

use application::ports::LabelsSpec;
use domain::value_objects::Sentiment;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the model's labels become sentiments.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "LabelsValue", into = "LabelsValue")]
pub enum LabelMapping {
    /// By their names, in any case: `negative` or `neg`, `neutral` or `neu`, `positive` or `pos`, `mixed`; or `1 star`
    /// to `5 stars`. `LABEL_0`, `LABEL_1` … only for models that are known. Other models are refused.
    #[default]
    Auto,
    /// Not at all: predictions carry the model's own labels and no sentiment.
    Raw,
    /// By the model's own names; labels not named stand for no sentiment.
    Map(BTreeMap<String, Sentiment>),
}

/// The form of [`LabelMapping`] in the configuration.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum LabelsValue {
    Rule(String),
    Table(BTreeMap<String, String>),
}

impl TryFrom<LabelsSpec> for LabelMapping {
    type Error = String;

    fn try_from(spec: LabelsSpec) -> Result<Self, Self::Error> {
        match spec {
            LabelsSpec::Rule(rule) if rule == "auto" => Ok(Self::Auto),
            LabelsSpec::Rule(rule) if rule == "raw" => Ok(Self::Raw),
            LabelsSpec::Rule(rule) => Err(format!("must be auto, raw or a table, not {rule}")),
            LabelsSpec::Table(table) => {
                let sentiment = |(label, name): (String, String)| {
                    let sentiment = Sentiment::parse("the sentiment", &name);
                    sentiment
                        .map_err(|error| format!("of {label}, {error}"))
                        .map(|sentiment| (label.clone(), sentiment))
                };
                Ok(Self::Map(table.into_iter().map(sentiment).collect::<Result<_, _>>()?))
            }
        }
    }
}

impl TryFrom<LabelsValue> for LabelMapping {
    type Error = String;

    fn try_from(value: LabelsValue) -> Result<Self, Self::Error> {
        Self::try_from(match value {
            LabelsValue::Rule(rule) => LabelsSpec::Rule(rule),
            LabelsValue::Table(table) => LabelsSpec::Table(table),
        })
    }
}

impl From<LabelMapping> for LabelsValue {
    fn from(labels: LabelMapping) -> Self {
        match labels {
            LabelMapping::Auto => Self::Rule("auto".to_owned()),
            LabelMapping::Raw => Self::Rule("raw".to_owned()),
            LabelMapping::Map(map) => Self::Table(
                map.into_iter().map(|(label, sentiment)| (label, sentiment.as_str().to_owned())).collect(),
            ),
        }
    }
}
