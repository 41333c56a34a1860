use domain::errors::{DomainError, Rule};
use domain::policies::sentences;
use domain::value_objects::{Granularity, InputText, Metadata, PredictionOptions, Reference, TextSpan};

use crate::dtos::PredictItem;
use crate::use_cases::prediction_pipeline::PredictionPorts;

/// The most sentences of a text that are classified separately.
const MAX_SENTENCES: usize = 1_000;

/// An item that may be classified and stored.
pub(in crate::use_cases) struct ValidItem {
    pub(in crate::use_cases) text: InputText,
    pub(in crate::use_cases) reference: Option<Reference>,
    pub(in crate::use_cases) metadata: Metadata,
    /// Its sentences, if the options ask for them.
    pub(in crate::use_cases) sentences: Vec<ValidSentence>,
}

/// One sentence of an item, to be classified separately.
pub(in crate::use_cases) struct ValidSentence {
    pub(in crate::use_cases) text: InputText,
    pub(in crate::use_cases) span: TextSpan,
}

/// Validates an item's text, reference, metadata and number of sentences, in this order.
pub(in crate::use_cases) async fn validate(
    ports: &PredictionPorts,
    item: PredictItem,
    options: &PredictionOptions,
) -> Result<ValidItem, DomainError> {
    let text = InputText::parse(item.text, ports.limits)?;
    let reference = item.reference.map(Reference::parse).transpose()?;
    let metadata = Metadata::try_new(item.metadata)?;
    let sentences = match options.granularity {
        Granularity::Document => Vec::new(),
        Granularity::Sentence => split(ports, &text).await?,
    };
    Ok(ValidItem { text, reference, metadata, sentences })
}

async fn split(ports: &PredictionPorts, text: &InputText) -> Result<Vec<ValidSentence>, DomainError> {
    let ranges = ports.sentences.split(text.as_str()).await;
    let found = sentences(text.as_str(), &ranges);
    if found.len() > MAX_SENTENCES {
        let rule = Rule::TooManySentences { max: MAX_SENTENCES, actual: found.len() };
        return Err(DomainError::violation("text", rule));
    }
    let valid = found.into_iter().map(|sentence| {
        Ok(ValidSentence { text: InputText::parse(sentence.text, ports.limits)?, span: sentence.span })
    });
    valid.collect()
}
