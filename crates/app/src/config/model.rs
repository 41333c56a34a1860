use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use application::ports::{LabelsSpec, ModelSpec};
use domain::value_objects::Sentiment;
use infra_ml::{LabelMapping, ModelSettings, ModelSource};
use serde::{Deserialize, Serialize};

use crate::config::Seconds;

/// Which model answers, and how it is run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
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

/// A key of a model's section whose value does not do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadKey {
    pub(crate) key: &'static str,
    pub(crate) reason: String,
}

impl BadKey {
    fn new(key: &'static str, reason: impl fmt::Display) -> Self {
        Self { key, reason: reason.to_string() }
    }

    /// The same in words, of the section `section`.
    pub(crate) fn within(&self, section: &str) -> String {
        format!("{section}.{}: {}", self.key, self.reason)
    }
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

impl TryFrom<ModelSpec> for ModelSection {
    type Error = BadKey;

    /// The section that says what `spec` says.
    fn try_from(spec: ModelSpec) -> Result<Self, BadKey> {
        let default = Self::default();
        let labels = spec.labels.map(|labels| match labels {
            LabelsSpec::Rule(word) => Labels::Word(word),
            LabelsSpec::Table(table) => Labels::Map(table),
        });
        let section = Self {
            path: Some(spec.path.into()),
            name: None,
            precision: spec.precision.unwrap_or(default.precision),
            device: spec.device.unwrap_or(default.device),
            window: number("window", spec.window)?,
            overlap: number("overlap", spec.overlap)?,
            labels: labels.unwrap_or(default.labels),
            threads: number("threads", spec.threads)?,
            max_batch_tokens: number("max_batch_tokens", spec.max_batch_tokens)?
                .unwrap_or(default.max_batch_tokens),
            max_queue_tokens: number("max_queue_tokens", spec.max_queue_tokens)?
                .unwrap_or(default.max_queue_tokens),
            max_queue_items: number("max_queue_items", spec.max_queue_items)?
                .unwrap_or(default.max_queue_items),
            max_wait: spec.max_wait.map_or(default.max_wait, Seconds),
        };
        section.validate()?;
        Ok(section)
    }
}

/// More cores than any machine of today has.
const MOST_THREADS: usize = 1_024;

/// A number as the section keeps it.
fn number<T: TryFrom<usize>>(key: &'static str, given: Option<i64>) -> Result<Option<T>, BadKey> {
    let Some(given) = given else { return Ok(None) };
    let number = usize::try_from(given).ok().and_then(|number| T::try_from(number).ok());
    number.map(Some).ok_or_else(|| BadKey::new(key, format_args!("{given} is too low or too high")))
}

impl ModelSection {
    pub(super) fn validate(&self) -> Result<(), BadKey> {
        if self.path.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            return Err(BadKey::new("path", "must not be empty"));
        }
        self.max_wait.check(0.1).map_err(|reason| BadKey::new("max_wait", reason))?;
        self.to_adapter(ModelSource::Folder(PathBuf::new()))?;
        if self.threads.is_some_and(|threads| threads.get() > MOST_THREADS) {
            return Err(BadKey::new("threads", format_args!("must be from 1 to {MOST_THREADS}")));
        }
        for (key, value) in [
            ("max_batch_tokens", self.max_batch_tokens),
            ("max_queue_tokens", self.max_queue_tokens),
            ("max_queue_items", self.max_queue_items),
        ] {
            if value == 0 {
                return Err(BadKey::new(key, "must be at least 1"));
            }
        }
        Ok(())
    }

    /// [`ModelSection::validate`] for a model beside the default, whose name is that of its section.
    pub(super) fn validate_named(&self) -> Result<(), BadKey> {
        if self.name.is_some() {
            return Err(BadKey::new("name", "is that of the section, and cannot be set"));
        }
        self.validate()
    }

    /// What the model's adapter is told, with the place that was found.
    ///
    /// # Errors
    /// A word that is none of a key's values.
    pub(crate) fn to_adapter(&self, source: ModelSource) -> Result<ModelSettings, BadKey> {
        Ok(ModelSettings {
            source,
            name: self.name.clone(),
            precision: self.precision.parse().map_err(|error| BadKey::new("precision", error))?,
            device: self.device.parse().map_err(|error| BadKey::new("device", error))?,
            window: self.window,
            overlap: self.overlap,
            labels: self.labels.to_adapter().map_err(|reason| BadKey::new("labels", reason))?,
            max_queue_items: self.max_queue_items,
            max_queue_tokens: self.max_queue_tokens,
            max_batch_tokens: self.max_batch_tokens,
            threads: self.threads,
            max_wait: self.max_wait.duration(),
        })
    }
}

impl Labels {
    fn to_adapter(&self) -> Result<LabelMapping, String> {
        match self {
            Self::Word(word) if word == "auto" => Ok(LabelMapping::Auto),
            Self::Word(word) if word == "raw" => Ok(LabelMapping::Raw),
            Self::Word(word) => Err(format!("must be auto, raw or a table, not {word}")),
            Self::Map(table) => {
                let sentiment = |(label, name): (&String, &String)| {
                    let sentiment = Sentiment::parse("the sentiment", name);
                    Ok((label.clone(), sentiment.map_err(|error| format!("of {label}, {error}"))?))
                };
                Ok(LabelMapping::Map(table.iter().map(sentiment).collect::<Result<_, String>>()?))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_that_says_nothing_is_the_default_section() {
        let spec = ModelSpec { path: "x".to_owned(), ..ModelSpec::default() };
        let expected = ModelSection { path: Some("x".into()), ..ModelSection::default() };
        assert_eq!(ModelSection::try_from(spec), Ok(expected));
    }

    #[test]
    fn what_a_spec_says_is_what_the_section_says() {
        let spec = ModelSpec {
            path: "x".to_owned(),
            precision: Some("int8".to_owned()),
            device: Some("cpu".to_owned()),
            window: Some(100),
            overlap: Some(0),
            labels: Some(LabelsSpec::Rule("raw".to_owned())),
            threads: Some(3),
            max_batch_tokens: Some(4),
            max_queue_tokens: Some(5),
            max_queue_items: Some(6),
            max_wait: Some(7.5),
        };
        let source = ModelSource::Folder("x".into());
        let settings = ModelSection::try_from(spec).unwrap().to_adapter(source).unwrap();
        let expected = ModelSettings {
            precision: infra_ml::Precision::Int8,
            device: infra_ml::DeviceChoice::Cpu,
            window: Some(100),
            overlap: Some(0),
            labels: LabelMapping::Raw,
            threads: NonZeroUsize::new(3),
            max_batch_tokens: 4,
            max_queue_tokens: 5,
            max_queue_items: 6,
            max_wait: std::time::Duration::from_millis(7_500),
            ..ModelSettings::new("x")
        };
        assert_eq!(format!("{settings:?}"), format!("{expected:?}"));
    }

    #[test]
    fn a_value_that_does_not_do_is_told_with_its_key() {
        let refused = |change: fn(&mut ModelSpec)| {
            let mut spec = ModelSpec { path: "x".to_owned(), ..ModelSpec::default() };
            change(&mut spec);
            ModelSection::try_from(spec).unwrap_err()
        };
        let table = |sentiment: &str| {
            LabelsSpec::Table(BTreeMap::from([("LABEL_0".to_owned(), sentiment.to_owned())]))
        };
        assert_eq!(refused(|spec| spec.path.clear()).key, "path");
        assert_eq!(refused(|spec| spec.precision = Some("f31".into())).key, "precision");
        assert_eq!(refused(|spec| spec.device = Some("tpu".into())).key, "device");
        assert_eq!(refused(|spec| spec.window = Some(-1)).key, "window");
        assert_eq!(refused(|spec| spec.threads = Some(0)).key, "threads");
        assert_eq!(refused(|spec| spec.max_queue_items = Some(0)).key, "max_queue_items");
        assert_eq!(refused(|spec| spec.overlap = Some(i64::MAX)).key, "overlap");
        assert_eq!(refused(|spec| spec.threads = Some(1_025)).key, "threads");
        assert_eq!(refused(|spec| spec.max_wait = Some(0.0)).key, "max_wait");
        assert_eq!(refused(|spec| spec.labels = Some(LabelsSpec::Rule("odd".into()))).key, "labels");
        let mut spec = ModelSpec { path: "x".to_owned(), ..ModelSpec::default() };
        spec.labels = Some(table("glad"));
        let refused = ModelSection::try_from(spec).unwrap_err().within("model");
        assert!(refused.starts_with("model.labels: of LABEL_0, the sentiment must be one of"), "{refused}");
    }
}
