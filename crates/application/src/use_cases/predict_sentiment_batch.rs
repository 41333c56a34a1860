use domain::entities::Prediction;
use domain::errors::{DomainError, Rule};
use domain::value_objects::{InputText, PredictionOptions};

use crate::action::{log_action, log_failed_items};
use crate::dtos::{
    PredictItem, PredictSentimentBatchRequest, PredictSentimentBatchResponse, PredictSentimentResponse,
};
use crate::errors::ApplicationError;
use crate::ports::{Admission, MlError};
use crate::use_cases::PredictPorts;
use crate::use_cases::inquiry::Inquiry;
use crate::use_cases::judgement::{CHUNK, Judgement};
use crate::use_cases::predict_ports::CheckedItem;

/// Judges many texts and keeps the answers in one write set; a bad item fails alone.
pub struct PredictSentimentBatchUseCase {
    ports: PredictPorts,
}

impl PredictSentimentBatchUseCase {
    /// The most items of a batch.
    pub const MAX_ITEMS: usize = 1_000;
    /// The most sentences of all items together, where they are judged one by one.
    pub const MAX_SENTENCES: usize = 10_000;

    /// The use case over `ports`.
    pub fn new(ports: PredictPorts) -> Self {
        Self { ports }
    }

    /// One answer or error an item; the answers are kept when this returns.
    ///
    /// # Errors
    /// About the whole batch: `Invalid` (more than 1,000 items or 10,000 sentences, options that are not allowed, or an unknown model), `Saturated` (judged before the first item),
    /// `Unavailable`.
    pub async fn execute(
        &self,
        request: PredictSentimentBatchRequest,
    ) -> Result<PredictSentimentBatchResponse, ApplicationError> {
        log_action("PredictSentimentBatchUseCase.execute", async {
            let count = request.items.len();
            if count > Self::MAX_ITEMS {
                let rule = Rule::TooMany { max: Self::MAX_ITEMS, actual: count };
                return Err(DomainError::violation("items", rule).into());
            }
            let model = request.model.as_deref();
            let inquiry = self.ports.inquire(request.tenant, model, &request.options)?;
            let checked = self.check(request.items, &inquiry.options).await?;
            let judged = read(&inquiry, &checked).await?;
            let (items, made) = self.make(checked, judged);
            let failures = items.iter().filter_map(|item| item.as_ref().err());
            log_failed_items("PredictSentimentBatchUseCase.execute", failures);
            self.ports.keep(&inquiry.tenant, &made).await?;
            Ok(PredictSentimentBatchResponse { items })
        })
        .await
    }

    /// The items, each checked by itself, and their sentences together.
    async fn check(
        &self,
        items: Vec<PredictItem>,
        options: &PredictionOptions,
    ) -> Result<Vec<Result<CheckedItem, ApplicationError>>, DomainError> {
        let mut checked = Vec::with_capacity(items.len());
        let mut sentences = 0;
        for item in items {
            let item = self.ports.check(item, options).await;
            sentences += item.as_ref().map_or(0, |item| item.sentences.len());
            // Those of a large batch would need a gigabyte before they are all cut.
            if sentences > Self::MAX_SENTENCES {
                let rule = Rule::TooManySentences { max: Self::MAX_SENTENCES, actual: sentences };
                return Err(DomainError::violation("items", rule));
            }
            checked.push(item.map_err(ApplicationError::from));
        }
        Ok(checked)
    }

    /// The answers by item, and the predictions that are to be kept for them.
    fn make(
        &self,
        items: Vec<Result<CheckedItem, ApplicationError>>,
        judged: Vec<Result<Judgement, MlError>>,
    ) -> (Vec<Result<PredictSentimentResponse, ApplicationError>>, Vec<Prediction>) {
        let mut judged = judged.into_iter();
        let missing = || MlError::inference_failed("the model returned too few outputs");
        let mut made = Vec::with_capacity(items.len());
        let answers = items
            .into_iter()
            .map(|item| {
                let item = item?;
                let judgement = judged.next().unwrap_or_else(|| Err(missing()))?;
                let prediction = self.ports.make(item, judgement);
                let answer = PredictSentimentResponse::from(&prediction);
                made.push(prediction);
                Ok(answer)
            })
            .collect();
        (answers, made)
    }
}

/// What was found out about the good items, in their order.
async fn read(
    inquiry: &Inquiry,
    items: &[Result<CheckedItem, ApplicationError>],
) -> Result<Vec<Result<Judgement, MlError>>, ApplicationError> {
    let items: Vec<&CheckedItem> = items.iter().flatten().collect();
    let texts: Vec<&InputText> = items.iter().map(|item| &item.text).collect();
    let Inquiry { tenant, model, options } = inquiry;
    let mut outputs = Vec::with_capacity(texts.len());
    let mut admission = Admission::Refuse;
    for chunk in texts.chunks(CHUNK) {
        outputs.extend(model.predict_batch(tenant, chunk, options.read, admission).await?);
        admission = Admission::Wait;
    }
    Ok(inquiry.judge(&items, outputs).await?)
}
