use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::caught::catch_panic;
use crate::gateway::{LoadedModel, LocalMlGateway, Served};
use crate::load_error::LoadError;
use crate::loader;
use crate::loading::Loading;
use crate::queue::{Queue, QueueLimits};
use crate::settings::ModelSettings;
use crate::worker::Worker;

pub(super) fn start(settings: ModelSettings) -> (Arc<LocalMlGateway>, Loading) {
    let limits = QueueLimits {
        items: settings.max_queue_items,
        tokens: settings.max_queue_tokens,
        batch_tokens: settings.max_batch_tokens,
    };
    let max_wait = settings.max_wait;
    start_with(limits, max_wait, move || loader::load(&settings))
}

/// Starts a gateway whose worker thread first loads its model by `load`, then serves it.
pub(super) fn start_with(
    limits: QueueLimits,
    max_wait: Duration,
    load: impl FnOnce() -> Result<LoadedModel, LoadError> + Send + 'static,
) -> (Arc<LocalMlGateway>, Loading) {
    let queue = Arc::new(Queue::new(limits));
    let model = Arc::new(OnceLock::new());
    let (told, outcome) = oneshot::channel();
    let spawned = {
        let (queue, model) = (Arc::clone(&queue), Arc::clone(&model));
        thread::Builder::new().name("undertone-model".to_owned()).spawn(move || {
            let loaded = catch_panic(load).unwrap_or_else(|reason| Err(LoadError::Panicked { reason }));
            let (worker, outcome) = match prepare(loaded, &queue, &model) {
                Ok(worker) => (Some(worker), Ok(())),
                Err(error) => (None, Err(error)),
            };
            if worker.is_none() {
                queue.stop();
            }
            // Nobody has to listen.
            let _ = told.send(outcome);
            if let Some(worker) = worker {
                worker.run();
            }
        })
    };
    let (worker, loading) = match spawned {
        Ok(worker) => (Some(worker), Loading::new(outcome)),
        Err(source) => {
            queue.stop();
            (None, Loading::failed(LoadError::Thread { source }))
        }
    };
    let gateway = LocalMlGateway { queue, model, max_wait, worker: Mutex::new(worker) };
    (Arc::new(gateway), loading)
}

/// Hands the loaded model's parts to those who need them.
fn prepare(
    loaded: Result<LoadedModel, LoadError>,
    queue: &Arc<Queue>,
    model: &OnceLock<Served>,
) -> Result<Worker, LoadError> {
    let LoadedModel { engine, tokenizer, windowing, info } = loaded?;
    if queue.is_stopped() {
        return Err(LoadError::Stopped);
    }
    let (specials, labels) = (tokenizer.specials().clone(), info.labels.labels().len());
    let served = Served { tokenizer, windowing, info: Arc::new(info) };
    model.set(served).map_err(|_| LoadError::Stopped)?;
    Ok(Worker { engine, queue: Arc::clone(queue), specials, labels })
}
