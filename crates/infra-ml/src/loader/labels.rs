use std::path::Path;

use domain::value_objects::{LabelSet, ModelLabel, Sentiment};

use crate::load_error::UnfitSetting;
use crate::loader::hf_config::HfConfig;
use crate::settings::LabelMapping;

/// The model's outputs with the sentiments that `mapping` gives them.
pub(super) fn label_set(
    path: &Path,
    config: &HfConfig,
    mapping: &LabelMapping,
) -> Result<LabelSet, UnfitSetting> {
    let names = config.labels();
    if let LabelMapping::Map(map) = mapping
        && let Some(label) = map.keys().find(|label| !names.contains(label))
    {
        let (label, labels) = (label.clone(), names.to_vec());
        return Err(UnfitSetting::LabelUnknown { path: path.to_owned(), label, labels });
    }
    let labels = names
        .iter()
        .map(|name| ModelLabel {
            name: name.clone(),
            sentiment: match mapping {
                LabelMapping::Auto => named_sentiment(name),
                LabelMapping::Raw => None,
                LabelMapping::Map(map) => map.get(name).copied(),
            },
        })
        .collect();
    let labels = LabelSet::new(config.problem_type(), labels);
    if !labels.is_mapped() && *mapping != LabelMapping::Raw {
        return Err(UnfitSetting::LabelsUnmapped { path: path.to_owned(), labels: names.to_vec() });
    }
    Ok(labels)
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
