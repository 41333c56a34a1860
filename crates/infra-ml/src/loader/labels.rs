//! Which sentiments a model's labels stand for: as configured, by their names, or as known of a published model.

use std::collections::BTreeMap;
use std::path::PathBuf;

use application::ports::LabelMappingOrigin;
use domain::value_objects::{LabelSet, ModelLabel, Sentiment};

use crate::load_error::{UnfitSetting, UnmappedLabels};
use crate::loader::hf_config::HfConfig;
use crate::loader::known_models::{KNOWN_MODELS, KnownModel};
use crate::settings::{LabelMapping, ModelSettings};

/// The model's outputs with their sentiments.
#[derive(Debug)]
pub(super) struct MappedLabels {
    pub(super) labels: LabelSet,
    /// What the sentiments are based on.
    pub(super) origin: LabelMappingOrigin,
}

/// What the sentiments of a model's labels are decided by, its weights aside.
pub(super) struct LabelRules<'a> {
    path: PathBuf,
    config: &'a HfConfig,
    settings: &'a ModelSettings,
    /// The repository that the model was fetched from.
    repo: Option<&'a str>,
    known: &'a [KnownModel],
}

impl<'a> LabelRules<'a> {
    /// The rules for a model whose `config.json` is at `path`, fetched from the repository `repo` if any.
    pub(super) fn new(
        path: PathBuf,
        config: &'a HfConfig,
        settings: &'a ModelSettings,
        repo: Option<&'a str>,
    ) -> Self {
        Self { path, config, settings, repo, known: KNOWN_MODELS }
    }

    /// Maps by everything but the weights. None where only their checksum can decide, which
    /// [`map_by_weights`](Self::map_by_weights) then does.
    pub(super) fn map_by_names(&self) -> Result<Option<MappedLabels>, UnfitSetting> {
        let (sentiments, origin) = match &self.settings.labels {
            LabelMapping::Raw => (vec![None; self.names().len()], LabelMappingOrigin::Raw),
            LabelMapping::Map(table) => (self.by_table(table)?, LabelMappingOrigin::Config),
            LabelMapping::Auto => match self.recognized() {
                Some(recognized) => recognized,
                None if self.may_be_known_weights() => return Ok(None),
                None => return Err(self.unmapped()),
            },
        };
        self.mapped(sentiments, origin).map(Some)
    }

    /// Maps by the weights. `has_weights` says whether a SHA-256 is theirs.
    pub(super) fn map_by_weights(
        &self,
        has_weights: impl Fn(&str) -> bool,
    ) -> Result<MappedLabels, UnfitSetting> {
        let is_known = |model: &&KnownModel| model.weights.iter().any(|sha256| has_weights(sha256));
        let known = self.known_models().find(is_known);
        let known = known.ok_or_else(|| self.unmapped())?;
        let origin = LabelMappingOrigin::KnownWeights { repo: known.repo.to_owned() };
        self.mapped(known.sentiments.iter().copied().map(Some).collect(), origin)
    }

    fn names(&self) -> &[String] {
        self.config.labels()
    }

    /// By the table of the settings, which may name only labels that the model has.
    fn by_table(&self, table: &BTreeMap<String, Sentiment>) -> Result<Vec<Option<Sentiment>>, UnfitSetting> {
        if let Some(label) = table.keys().find(|label| !self.names().contains(label)) {
            let (label, labels) = (label.clone(), self.names().to_vec());
            return Err(UnfitSetting::LabelUnknown { path: self.path.clone(), label, labels });
        }
        Ok(self.names().iter().map(|name| table.get(name).copied()).collect())
    }

    /// By the names of the labels, or else by the repository.
    fn recognized(&self) -> Option<(Vec<Option<Sentiment>>, LabelMappingOrigin)> {
        let named: Vec<_> = self.names().iter().map(|name| named_sentiment(name)).collect();
        if named.iter().any(Option::is_some) {
            return Some((named, LabelMappingOrigin::Names));
        }
        if let Some(stars) = star_sentiments(self.names()) {
            return Some((stars, LabelMappingOrigin::Stars));
        }
        let known = self.known_models().find(|model| Some(model.repo) == self.repo)?;
        let origin = LabelMappingOrigin::KnownRepository { repo: known.repo.to_owned() };
        Some((known.sentiments.iter().copied().map(Some).collect(), origin))
    }

    /// The known models that have labels of these names.
    fn known_models(&self) -> impl Iterator<Item = &KnownModel> {
        self.known.iter().filter(|model| model.has_labels(self.names()))
    }

    fn may_be_known_weights(&self) -> bool {
        self.known_models().any(|model| !model.weights.is_empty())
    }

    fn mapped(
        &self,
        sentiments: Vec<Option<Sentiment>>,
        origin: LabelMappingOrigin,
    ) -> Result<MappedLabels, UnfitSetting> {
        let labels = self.names().iter().zip(sentiments);
        let labels = labels.map(|(name, sentiment)| ModelLabel { name: name.clone(), sentiment }).collect();
        let labels = LabelSet::new(self.config.problem_type(), labels);
        if labels.is_mapped() || origin == LabelMappingOrigin::Raw {
            Ok(MappedLabels { labels, origin })
        } else {
            Err(self.unmapped())
        }
    }

    fn unmapped(&self) -> UnfitSetting {
        UnfitSetting::LabelsUnmapped(UnmappedLabels {
            path: self.path.clone(),
            labels: self.names().to_vec(),
            problem_type: self.config.problem_type(),
            place: self.settings.place.clone(),
        })
    }
}

/// The sentiment that a label is named after.
fn named_sentiment(name: &str) -> Option<Sentiment> {
    match name.to_lowercase().as_str() {
        "negative" | "neg" => Some(Sentiment::Negative),
        "neutral" | "neu" => Some(Sentiment::Neutral),
        "positive" | "pos" => Some(Sentiment::Positive),
        "mixed" => Some(Sentiment::Mixed),
        _ => None,
    }
}

/// The labels of a rating, in the form of `nlptown/bert-base-multilingual-uncased-sentiment`.
const STARS: [(&str, Sentiment); 5] = [
    ("1 star", Sentiment::Negative),
    ("2 stars", Sentiment::Negative),
    ("3 stars", Sentiment::Neutral),
    ("4 stars", Sentiment::Positive),
    ("5 stars", Sentiment::Positive),
];

/// The sentiments of a whole rating: each of its labels once, in any order and case. With fewer labels the middle of
/// the scale is unknown.
fn star_sentiments(names: &[String]) -> Option<Vec<Option<Sentiment>>> {
    let is_label = |(label, _): &&(&str, _)| names.iter().any(|name| name.eq_ignore_ascii_case(label));
    let is_whole = names.len() == STARS.len() && STARS.iter().filter(is_label).count() == STARS.len();
    let sentiment = |name: &String| {
        STARS.iter().find(|(label, _)| name.eq_ignore_ascii_case(label)).map(|(_, sentiment)| *sentiment)
    };
    is_whole.then(|| names.iter().map(sentiment).collect())
}

#[cfg(test)]
mod tests;
