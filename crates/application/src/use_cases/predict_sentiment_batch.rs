use domain::entities::Prediction;
use domain::errors::{DomainError, Rule};
use domain::value_objects::InputText;

use crate::action::log_action;
use crate::dtos::{PredictSentimentBatchRequest, PredictSentimentBatchResponse, PredictSentimentResponse};
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

    /// The use case over `ports`.
    pub fn new(ports: PredictPorts) -> Self {
        Self { ports }
    }

    /// One answer or error an item; the answers are kept when this returns.
    ///
    /// # Errors
    /// About the whole batch: `Invalid` (more than 1,000 items, options that are not allowed, or an unknown model), `Saturated` (judged before the first item),
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
            let check = |item| Ok(self.ports.check(item, &inquiry.options)?);
            let checked: Vec<_> = request.items.into_iter().map(check).collect();
            let judged = read(&inquiry, &checked).await?;
            let (items, made) = self.make(checked, judged);
            self.ports.keep(&inquiry.tenant, &made).await?;
            Ok(PredictSentimentBatchResponse { items })
        })
        .await
    }

    /// The answers by item, and the predictions that are to be kept for them.
    fn make(
        &self,
        items: Vec<Result<CheckedItem, ApplicationError>>,
        judged: Vec<Result<Judgement, MlError>>,
    ) -> (Vec<Result<PredictSentimentResponse, ApplicationError>>, Vec<Prediction>) {
        let mut judged = judged.into_iter();
        let missing = || MlError::InferenceFailed { reason: "the model gave too few answers".into() };
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
