mod script;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use application::ports::{
    Admission, Deadline, LabelMappingOrigin, MlError, MlGateway, ModelInfo, ModelOrigin, PrecisionReason,
    Queueing, SelfTest, WindowInfo,
};
use async_trait::async_trait;
use domain::value_objects::{
    InputText, LabelSet, ModelLabel, ModelOutput, ModelRef, ProblemType, ReadOptions, Sentiment, TenantId,
};
use tokio::sync::watch;

pub use script::MlFailure;
use script::Script;

/// A model that classifies by a script, fails on request, and holds outputs back until they are released.
///
/// A text that is not in the script gets logits by its words: `love` and `good` make it positive, `hate` and `bad`
/// negative, both or none neutral. Tokens are separated by white space, and a text is one window unless the options
/// ask for shorter ones.
#[derive(Debug)]
pub struct FakeMlGateway {
    model: Arc<ModelRef>,
    labels: Arc<LabelSet>,
    script: Mutex<Script>,
    calls: Mutex<Vec<MlCall>>,
    held: watch::Sender<Held>,
    load: watch::Sender<Load>,
    speed: Mutex<Option<f64>>,
}

/// One call of `classify`.
#[derive(Debug, Clone, PartialEq)]
pub struct MlCall {
    /// The tenant.
    pub tenant: TenantId,
    /// The texts.
    pub texts: Vec<String>,
    /// How they enter the queue.
    pub admission: Admission,
    /// When they must be classified.
    pub deadline: Deadline,
}

/// The texts whose outputs wait to be released.
#[derive(Debug, Default)]
struct Held {
    all: bool,
    texts: HashSet<String>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Load {
    now: usize,
    most: usize,
}

impl FakeMlGateway {
    /// The model `fake-model` at revision `r1`, with the labels `NEGATIVE`, `NEUTRAL` and `POSITIVE`, each mapped.
    pub fn new() -> Self {
        let labels = &Sentiment::ALL[..3];
        let labels = labels
            .iter()
            .map(|label| ModelLabel { name: label.as_str().to_uppercase(), sentiment: Some(*label) });
        Self::with_labels(LabelSet::new(ProblemType::SingleLabel, labels.collect()))
    }

    /// The same model under another name and revision.
    pub fn named(name: &str, revision: &str) -> Self {
        Self { model: Arc::new(ModelRef::new(name, revision)), ..Self::new() }
    }

    /// A model with other labels; texts that are not in the script get zeros.
    pub fn with_labels(labels: LabelSet) -> Self {
        Self {
            model: Arc::new(ModelRef::new("fake-model", "r1")),
            labels: Arc::new(labels),
            script: Mutex::default(),
            calls: Mutex::default(),
            held: watch::Sender::default(),
            load: watch::Sender::default(),
            speed: Mutex::default(),
        }
    }

    /// Sets the logits of `text`.
    pub fn set_logits(&self, text: &str, logits: &[f32]) {
        self.script().logits.insert(text.to_owned(), logits.to_vec());
    }

    /// Sets the tokens that the model computes in a second.
    pub fn set_tokens_per_second(&self, speed: f64) {
        *self.speed.lock().unwrap_or_else(PoisonError::into_inner) = Some(speed);
    }

    /// Marks the output of `text` as cached.
    pub fn cached(&self, text: &str) {
        self.script().cached.insert(text.to_owned());
    }

    /// Makes `text` fail, and no other text with it.
    pub fn fail(&self, text: &str, failure: MlFailure) {
        self.script().failures.insert(text.to_owned(), failure);
    }

    /// Undoes [`FakeMlGateway::fail`].
    pub fn recover(&self, text: &str) {
        self.script().failures.remove(text);
    }

    /// Makes every call fail as a whole; [`Admission::BulkNext`] is not refused by a full queue.
    pub fn refuse_all(&self, failure: MlFailure) {
        self.script().refusal = Some(failure);
    }

    /// Undoes [`FakeMlGateway::refuse_all`].
    pub fn admit_all(&self) {
        self.script().refusal = None;
    }

    /// Holds the output of `text` back until [`FakeMlGateway::release`].
    pub fn hold(&self, text: &str) {
        self.held.send_modify(|held| {
            held.texts.insert(text.to_owned());
        });
    }

    /// Holds every output back until [`FakeMlGateway::release_all`].
    pub fn hold_all(&self) {
        self.held.send_modify(|held| held.all = true);
    }

    /// Releases the output of `text`.
    pub fn release(&self, text: &str) {
        self.held.send_modify(|held| {
            held.texts.remove(text);
        });
    }

    /// Releases every output.
    pub fn release_all(&self) {
        self.held.send_replace(Held::default());
    }

    /// Waits until `count` texts are in work at the same time.
    pub async fn until_in_work(&self, count: usize) {
        // The sender lives as long as `self`.
        let _ = self.load.subscribe().wait_for(|load| load.now == count).await;
    }

    /// The texts in work now.
    pub fn in_work(&self) -> usize {
        self.load.borrow().now
    }

    /// The largest number of texts that were in work at the same time.
    pub fn most_in_work(&self) -> usize {
        self.load.borrow().most
    }

    /// Every call, in order.
    pub fn calls(&self) -> Vec<MlCall> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn enter(
        &self,
        tenant: &TenantId,
        texts: &[&InputText],
        Queueing { admission, deadline }: Queueing,
    ) -> Result<InWork<'_>, MlError> {
        let texts: Vec<_> = texts.iter().map(|text| text.as_str().to_owned()).collect();
        let count = texts.len();
        let call = MlCall { tenant: tenant.clone(), texts, admission, deadline };
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        match self.script().refusal {
            Some(MlFailure::Saturated) if admission == Admission::BulkNext => {}
            Some(failure) => return Err(failure.into()),
            None => {}
        }
        self.load.send_modify(|load| {
            load.now += count;
            load.most = load.most.max(load.now);
        });
        Ok(InWork { gateway: self, count })
    }

    async fn output(&self, text: &InputText, options: ReadOptions) -> Result<ModelOutput, MlError> {
        let text = text.as_str();
        let is_free = |held: &Held| !held.all && !held.texts.contains(text);
        // The sender lives as long as `self`.
        let _ = self.held.subscribe().wait_for(is_free).await;
        self.script().output(text, options, &self.model, &self.labels)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for FakeMlGateway {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts texts as in work until it is dropped.
struct InWork<'a> {
    gateway: &'a FakeMlGateway,
    count: usize,
}

impl Drop for InWork<'_> {
    fn drop(&mut self) {
        self.gateway.load.send_modify(|load| load.now -= self.count);
    }
}

#[async_trait]
impl MlGateway for FakeMlGateway {
    async fn classify(
        &self,
        tenant: &TenantId,
        texts: &[&InputText],
        options: ReadOptions,
        queueing: Queueing,
    ) -> Result<Vec<Result<ModelOutput, MlError>>, MlError> {
        let _in_work = self.enter(tenant, texts, queueing)?;
        let mut outputs = Vec::with_capacity(texts.len());
        for text in texts {
            outputs.push(self.output(text, options).await);
        }
        Ok(outputs)
    }

    fn tokens_per_second(&self) -> Option<f64> {
        *self.speed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn info(&self) -> Option<Arc<ModelInfo>> {
        Some(Arc::new(ModelInfo {
            model: Arc::clone(&self.model),
            labels: Arc::clone(&self.labels),
            label_mapping: LabelMappingOrigin::Names,
            window: WindowInfo { tokens: 510, overlap: 64 },
            device: "fake".to_owned(),
            precision: "f32".to_owned(),
            precision_reason: PrecisionReason::Configured,
            kernel: "fake".to_owned(),
            calibration: None,
            sha256: "0".repeat(64),
            source: ModelOrigin::Folder,
            self_test: SelfTest::Absent,
        }))
    }
}
