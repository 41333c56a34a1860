use domain::errors::{DomainError, Rule};
use domain::policies::sentences;
use domain::value_objects::{
    Granularity, InputText, ModelOutput, ModelRef, PredictionOptions, PredictionResult, SentenceResult,
    TextSpan, Usage,
};

use crate::ports::{Admission, MlError};
use crate::use_cases::PredictPorts;
use crate::use_cases::inquiry::Inquiry;
use crate::use_cases::predict_ports::CheckedItem;

/// The most sentences of a text that are judged one by one.
pub(super) const MAX_SENTENCES: usize = 1_000;

/// The texts given to the model at a time, so that one request does not fill its queue.
pub(super) const CHUNK: usize = 64;

/// One sentence of an item, to be read by itself.
pub(super) struct CheckedSentence {
    text: InputText,
    span: TextSpan,
}

/// What was found out about an item, and what that took.
pub(super) struct Judgement {
    pub(super) result: PredictionResult,
    pub(super) model: ModelRef,
    pub(super) usage: Usage,
    pub(super) cached: bool,
    sentences: Vec<SentenceResult>,
}

impl Judgement {
    fn new(output: &ModelOutput, options: &PredictionOptions) -> Self {
        Self {
            result: PredictionResult::judge(output, options),
            model: output.model.as_ref().clone(),
            usage: output.usage,
            cached: output.cached,
            sentences: Vec::new(),
        }
    }

    fn add(&mut self, span: TextSpan, output: &ModelOutput, options: &PredictionOptions) {
        self.usage.windows = self.usage.windows.saturating_add(output.usage.windows);
        self.cached &= output.cached;
        self.sentences.push(SentenceResult::new(span, &PredictionResult::judge(output, options)));
    }

    fn finish(mut self) -> Self {
        self.result = self.result.with_sentences(self.sentences);
        self.sentences = Vec::new();
        self
    }
}

impl PredictPorts {
    /// The sentences of `text`, where they are asked for.
    pub(super) async fn cut(
        &self,
        text: &InputText,
        options: &PredictionOptions,
    ) -> Result<Vec<CheckedSentence>, DomainError> {
        if options.granularity == Granularity::Document {
            return Ok(Vec::new());
        }
        let cuts = self.sentences.split(text.as_str()).await;
        let found = sentences(text.as_str(), &cuts);
        if found.len() > MAX_SENTENCES {
            return Err(DomainError::violation(
                "text",
                Rule::TooManySentences { max: MAX_SENTENCES, actual: found.len() },
            ));
        }
        let checked = found.into_iter().map(|sentence| {
            Ok(CheckedSentence { text: InputText::parse(sentence.text, self.limits)?, span: sentence.span })
        });
        checked.collect()
    }
}

impl Inquiry {
    /// [`Inquiry::judge`] for one item.
    pub(super) async fn judge_one(
        &self,
        item: &CheckedItem,
        output: Result<ModelOutput, MlError>,
    ) -> Result<Judgement, MlError> {
        let mut judged = self.judge(&[item], vec![output]).await?;
        judged.pop().unwrap_or_else(|| Err(missing()))
    }

    /// Judges what the model said about `items`; where sentences are asked for, reads those of all items together.
    ///
    /// # Errors
    /// The outer error is about all items, the inner ones about one each.
    pub(super) async fn judge(
        &self,
        items: &[&CheckedItem],
        outputs: Vec<Result<ModelOutput, MlError>>,
    ) -> Result<Vec<Result<Judgement, MlError>>, MlError> {
        let Self { tenant, model, options } = self;
        let mut outputs = outputs.into_iter();
        let mut judged = Vec::with_capacity(items.len());
        let mut waiting = Vec::new();
        for (place, item) in items.iter().enumerate() {
            let output = outputs.next().unwrap_or_else(|| Err(missing()));
            judged.push(output.map(|output| {
                let mut judgement = Judgement::new(&output, options);
                match item.sentences.as_slice() {
                    // The text was just read.
                    [all] if all.text == item.text => {
                        judgement.sentences.push(SentenceResult::new(all.span, &judgement.result));
                    }
                    sentences => waiting.extend(sentences.iter().map(|sentence| (place, sentence))),
                }
                judgement
            }));
        }
        for chunk in waiting.chunks(CHUNK) {
            let texts: Vec<&InputText> = chunk.iter().map(|(_, sentence)| &sentence.text).collect();
            let read = options.read.of_sentences();
            let mut outputs = model.predict_batch(tenant, &texts, read, Admission::Wait).await?.into_iter();
            for (place, sentence) in chunk {
                match (outputs.next().unwrap_or_else(|| Err(missing())), &mut judged[*place]) {
                    (Ok(output), Ok(judgement)) => judgement.add(sentence.span, &output, options),
                    (Err(error), item @ Ok(_)) => *item = Err(error),
                    (_, Err(_)) => {}
                }
            }
        }
        if options.granularity == Granularity::Sentence {
            judged = judged.into_iter().map(|item| item.map(Judgement::finish)).collect();
        }
        Ok(judged)
    }
}

/// The error of a text that the model left out.
fn missing() -> MlError {
    MlError::inference_failed("the model returned too few outputs")
}
