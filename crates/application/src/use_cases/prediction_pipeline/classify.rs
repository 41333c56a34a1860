use domain::value_objects::{
    Granularity, InputText, ModelOutput, ModelRef, PredictionOptions, PredictionResult, ReadOptions,
    SentenceResult, TextSpan, Usage,
};

use crate::ports::{Admission, MlError, Queueing};
use crate::use_cases::prediction_pipeline::{RequestContext, ValidItem};

/// The texts given to the model at a time, so that one request does not fill its queue.
const CHUNK: usize = 64;

/// A classified item, before it becomes a prediction.
pub(in crate::use_cases) struct Classification {
    pub(in crate::use_cases) result: PredictionResult,
    pub(in crate::use_cases) model: ModelRef,
    pub(in crate::use_cases) usage: Usage,
    pub(in crate::use_cases) cached: bool,
    sentences: Vec<SentenceResult>,
}

impl Classification {
    fn new(output: &ModelOutput, options: &PredictionOptions) -> Self {
        Self {
            result: PredictionResult::from_output(output, options),
            model: output.model.as_ref().clone(),
            usage: output.usage,
            cached: output.cached,
            sentences: Vec::new(),
        }
    }

    fn add_sentence(&mut self, span: TextSpan, output: &ModelOutput, options: &PredictionOptions) {
        self.usage.windows = self.usage.windows.saturating_add(output.usage.windows);
        self.cached &= output.cached;
        self.sentences.push(SentenceResult::new(span, &PredictionResult::from_output(output, options)));
    }

    fn with_sentences(mut self) -> Self {
        let sentences = std::mem::take(&mut self.sentences);
        self.result = self.result.with_sentences(sentences);
        self
    }
}

/// Classifies `items` and, if the options ask for it, their sentences. The first texts enter the model's queue with
/// `admission`, further ones wait for room.
///
/// # Errors
/// The outer error concerns all items, an inner one a single item.
pub(in crate::use_cases) async fn classify(
    context: &RequestContext,
    items: &[&ValidItem],
    admission: Admission,
) -> Result<Vec<Result<Classification, MlError>>, MlError> {
    let texts: Vec<&InputText> = items.iter().map(|item| &item.text).collect();
    let outputs = classify_texts(context, &texts, context.options.read, admission).await?;
    let classify = |output: ModelOutput| Classification::new(&output, &context.options);
    let mut classified: Vec<_> = outputs.into_iter().map(|output| output.map(classify)).collect();
    if context.options.granularity == Granularity::Sentence {
        classify_sentences(context, items, &mut classified).await?;
        classified = classified.into_iter().map(|item| item.map(Classification::with_sentences)).collect();
    }
    Ok(classified)
}

/// Classifies the sentences of all items together and adds them to the items' classifications.
async fn classify_sentences(
    context: &RequestContext,
    items: &[&ValidItem],
    classified: &mut [Result<Classification, MlError>],
) -> Result<(), MlError> {
    let mut sentences = Vec::new();
    for (index, (item, classification)) in items.iter().zip(classified.iter_mut()).enumerate() {
        let Ok(classification) = classification else { continue };
        match item.sentences.as_slice() {
            // The only sentence is the whole text, which has just been classified.
            [whole] if whole.text == item.text => {
                let result = SentenceResult::new(whole.span, &classification.result);
                classification.sentences.push(result);
            }
            parts => sentences.extend(parts.iter().map(|sentence| (index, sentence))),
        }
    }
    let texts: Vec<&InputText> = sentences.iter().map(|(_, sentence)| &sentence.text).collect();
    let read = context.options.read.for_sentences();
    let outputs = classify_texts(context, &texts, read, Admission::BulkNext).await?;
    for ((index, sentence), output) in sentences.into_iter().zip(outputs) {
        match (output, &mut classified[index]) {
            (Ok(output), Ok(item)) => item.add_sentence(sentence.span, &output, &context.options),
            (Err(error), item @ Ok(_)) => *item = Err(error),
            (_, Err(_)) => {}
        }
    }
    Ok(())
}

/// One output or error for each of `texts`, which the model gets in chunks.
async fn classify_texts(
    context: &RequestContext,
    texts: &[&InputText],
    options: ReadOptions,
    mut admission: Admission,
) -> Result<Vec<Result<ModelOutput, MlError>>, MlError> {
    let mut outputs = Vec::with_capacity(texts.len());
    for chunk in texts.chunks(CHUNK) {
        let queueing = Queueing { admission, deadline: context.deadline };
        outputs.extend(context.model.classify(&context.tenant, chunk, options, queueing).await?);
        admission = Admission::BulkNext;
    }
    if outputs.len() == texts.len() { Ok(outputs) } else { Err(missing_output()) }
}

/// The error of a gateway that breaks its contract.
pub(in crate::use_cases) fn missing_output() -> MlError {
    MlError::inference_failed("the gateway did not return one output for each text")
}
