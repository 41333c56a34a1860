//! A model behind a cache and a gate.

use std::sync::{Arc, Mutex};

use application::ports::{Admission, Deadline, MlError, MlGateway, ModelInfo, Queueing};
use async_trait::async_trait;
use domain::value_objects::{InputText, ModelOutput, ReadOptions, TenantId, TextLimits};
use infra_local::CachedMlGateway;
use testkit::{ClassifyOne, FakeMlGateway, MemoryCache};
use tokio::sync::watch;
use tokio::time::timeout_at;

/// A fake model whose calls wait at a gate until their deadline, and whose model info can be changed.
pub(crate) struct Gate {
    pub(crate) model: FakeMlGateway,
    pub(crate) info: Mutex<Option<Arc<ModelInfo>>>,
    state: watch::Sender<GateState>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum GateState {
    Open,
    Shut,
    Panics,
}

impl Gate {
    pub(crate) fn open_to(model: FakeMlGateway) -> Self {
        let info = Mutex::new(model.info());
        Self { model, info, state: watch::Sender::new(GateState::Open) }
    }

    pub(crate) fn shut(&self) {
        self.state.send_replace(GateState::Shut);
    }

    pub(crate) fn open(&self) {
        self.state.send_replace(GateState::Open);
    }

    /// Makes the calls that wait at the gate panic.
    pub(crate) fn panic(&self) {
        self.state.send_replace(GateState::Panics);
    }

    async fn pass(&self) {
        let mut state = self.state.subscribe();
        let state = *state.wait_for(|state| *state != GateState::Shut).await.unwrap();
        assert_eq!(state, GateState::Open, "the test made the gate panic");
    }
}

#[async_trait]
impl MlGateway for Gate {
    async fn classify(
        &self,
        tenant: &TenantId,
        texts: &[&InputText],
        options: ReadOptions,
        queueing: Queueing,
    ) -> Result<Vec<Result<ModelOutput, MlError>>, MlError> {
        match queueing.deadline.instant() {
            None => self.pass().await,
            Some(instant) => {
                let passed = timeout_at(instant.into(), self.pass()).await;
                passed.map_err(|_elapsed| MlError::DeadlineExceeded)?;
            }
        }
        self.model.classify(tenant, texts, options, queueing).await
    }

    fn tokens_per_second(&self) -> Option<f64> {
        self.model.tokens_per_second()
    }

    fn info(&self) -> Option<Arc<ModelInfo>> {
        self.info.lock().unwrap().clone()
    }
}

/// A cache before a model whose gate is open.
pub(crate) struct World {
    pub(crate) gate: Arc<Gate>,
    pub(crate) cache: Arc<MemoryCache>,
    pub(crate) gateway: Arc<CachedMlGateway>,
}

impl World {
    pub(crate) fn new() -> Self {
        let gate = Arc::new(Gate::open_to(FakeMlGateway::new()));
        let cache = Arc::new(MemoryCache::new());
        let gateway = Arc::new(CachedMlGateway::new(gate.clone(), cache.clone()));
        Self { gate, cache, gateway }
    }

    pub(crate) fn model(&self) -> &FakeMlGateway {
        &self.gate.model
    }

    pub(crate) async fn predict(&self, words: &str) -> Result<ModelOutput, MlError> {
        self.predict_for(&TenantId::default(), words).await
    }

    pub(crate) async fn predict_for(&self, tenant: &TenantId, words: &str) -> Result<ModelOutput, MlError> {
        self.gateway.classify_one(tenant, &text(words), ReadOptions::default()).await
    }

    pub(crate) async fn predict_until(
        &self,
        words: &str,
        deadline: Deadline,
    ) -> Result<ModelOutput, MlError> {
        let queueing = Queueing { admission: Admission::Single, deadline };
        self.predict_batch(&[words], queueing).await?.remove(0)
    }

    pub(crate) async fn predict_batch(
        &self,
        words: &[&str],
        queueing: impl Into<Queueing>,
    ) -> Result<Vec<Result<ModelOutput, MlError>>, MlError> {
        let texts: Vec<InputText> = words.iter().map(|words| text(words)).collect();
        let texts: Vec<&InputText> = texts.iter().collect();
        self.gateway.classify(&TenantId::default(), &texts, ReadOptions::default(), queueing.into()).await
    }

    /// The texts of every call that reached the model.
    pub(crate) fn calls(&self) -> Vec<Vec<String>> {
        self.model().calls().into_iter().map(|call| call.texts).collect()
    }
}

pub(crate) fn text(words: &str) -> InputText {
    InputText::parse(words, TextLimits::default()).unwrap()
}

/// Whether each output came from the cache.
pub(crate) fn cached(outputs: &[Result<ModelOutput, MlError>]) -> Vec<bool> {
    outputs.iter().map(|output| output.as_ref().unwrap().cached).collect()
}
