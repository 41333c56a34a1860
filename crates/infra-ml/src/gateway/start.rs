use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use application::action::chain;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::engine_health::EngineHealth;
use crate::gateway::LocalMlGateway;
use crate::load_error::LoadError;
use crate::loader::{Engines, ModelFrontEnd};
use crate::loading::Loading;
use crate::memory;
use crate::panic::catch_panic;
use crate::queue::{Queue, QueueLimits};
use crate::worker::Worker;

/// Starts a gateway whose first worker's thread loads the model by `load`, then serves it with the others.
pub(crate) fn start(
    limits: QueueLimits,
    load: impl FnOnce(&CancellationToken) -> Result<(Engines, ModelFrontEnd), LoadError> + Send + 'static,
) -> (Arc<LocalMlGateway>, Loading) {
    memory::prepare();
    let queue = Arc::new(Queue::new(limits));
    let model = Arc::new(OnceLock::new());
    let health = Arc::new(EngineHealth::default());
    let cancel = CancellationToken::new();
    let (finished, outcome) = oneshot::channel();
    let spawned = {
        let (queue, model, cancel) = (Arc::clone(&queue), Arc::clone(&model), cancel.clone());
        let health = Arc::clone(&health);
        thread::Builder::new().name("undertone-model".to_owned()).spawn(move || {
            let loaded =
                catch_panic(|| load(&cancel)).unwrap_or_else(|reason| Err(LoadError::Panicked { reason }));
            let (workers, outcome) = match prepare(loaded, &queue, &model, &health) {
                Ok(workers) => (workers, Ok(())),
                Err(error) => (Vec::new(), Err(error)),
            };
            if workers.is_empty() {
                queue.stop();
            }
            // Frees what only the loading needed.
            memory::give_back();
            // The receiver may be dropped.
            let _ = finished.send(outcome);
            run(workers);
            // Frees the model itself.
            drop((queue, model));
            memory::give_back();
        })
    };
    let (worker, loading) = match spawned {
        Ok(worker) => (Some(worker), Loading::new(outcome)),
        Err(source) => {
            queue.stop();
            (None, Loading::failed(LoadError::Thread { source }))
        }
    };
    let gateway = LocalMlGateway { queue, model, health, cancel, worker: Mutex::new(worker) };
    (Arc::new(gateway), loading)
}

/// Publishes the loaded model to the gateway, and makes a worker for each engine.
fn prepare(
    loaded: Result<(Engines, ModelFrontEnd), LoadError>,
    queue: &Arc<Queue>,
    model: &OnceLock<ModelFrontEnd>,
    health: &Arc<EngineHealth>,
) -> Result<Vec<Worker>, LoadError> {
    let (engines, loaded) = loaded?;
    if queue.is_stopped() {
        return Err(LoadError::Stopped);
    }
    let (specials, labels) = (loaded.tokenizer.specials().clone(), loaded.info.labels.labels().len());
    model.set(loaded).map_err(|_| LoadError::Stopped)?;
    queue.set_workers(engines.len());
    queue.set_min_batch_tokens(engines.first().map_or(0, |engine| engine.min_batch_tokens()));
    let worker = |engine| {
        let (queue, health, specials) = (Arc::clone(queue), Arc::clone(health), specials.clone());
        Worker { engine, queue, health, specials, labels }
    };
    Ok(engines.into_iter().map(worker).collect())
}

/// Runs each worker on a thread of its own, the first on this one, until all have ended. Without a thread for one, the
/// others do its work.
fn run(workers: Vec<Worker>) {
    thread::scope(|scope| {
        let mut workers = workers.into_iter();
        let first = workers.next();
        for worker in workers {
            let thread = thread::Builder::new().name("undertone-model".to_owned());
            if let Err(error) = thread.spawn_scoped(scope, move || worker.run()) {
                tracing::error!(reason = chain(&error), "cannot start a thread for a worker of the model");
            }
        }
        if let Some(first) = first {
            first.run();
        }
    });
}
