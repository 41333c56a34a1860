use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use application::action::chain;
use tokio::sync::oneshot;

use crate::caught::catch_panic;
use crate::found;
use crate::gateway::{LoadedModel, LocalMlGateway, Served};
use crate::load_error::LoadError;
use crate::loader;
use crate::loading::Loading;
use crate::memory;
use crate::queue::{Queue, QueueLimits};
use crate::settings::ModelSettings;
use crate::stopping::{Stopping, stop};
use crate::worker::Worker;

pub(super) fn start(settings: ModelSettings) -> (Arc<LocalMlGateway>, Loading) {
    let limits = QueueLimits {
        items: settings.max_queue_items,
        tokens: settings.max_queue_tokens,
        batch_tokens: settings.max_batch_tokens,
    };
    let max_wait = settings.max_wait;
    start_with(limits, max_wait, move |stopping| {
        let found = found::find(&settings.source, stopping)?;
        loader::load(&settings, &found)
    })
}

/// Starts a gateway whose first worker's thread loads the model by `load`, then serves it with the others.
pub(super) fn start_with(
    limits: QueueLimits,
    max_wait: Duration,
    load: impl FnOnce(Stopping) -> Result<LoadedModel, LoadError> + Send + 'static,
) -> (Arc<LocalMlGateway>, Loading) {
    memory::prepare();
    let queue = Arc::new(Queue::new(limits));
    let model = Arc::new(OnceLock::new());
    let (told, outcome) = oneshot::channel();
    let (stop, stopping) = stop();
    let spawned = {
        let (queue, model) = (Arc::clone(&queue), Arc::clone(&model));
        thread::Builder::new().name("undertone-model".to_owned()).spawn(move || {
            let loaded =
                catch_panic(|| load(stopping)).unwrap_or_else(|reason| Err(LoadError::Panicked { reason }));
            let (workers, outcome) = match prepare(loaded, &queue, &model) {
                Ok(workers) => (workers, Ok(())),
                Err(error) => (Vec::new(), Err(error)),
            };
            if workers.is_empty() {
                queue.stop();
            }
            // What the loading took beside the model, and at the end the model itself.
            memory::give_back();
            // Nobody has to listen.
            let _ = told.send(outcome);
            run(workers);
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
    let gateway = LocalMlGateway { queue, model, max_wait, stop, worker: Mutex::new(worker) };
    (Arc::new(gateway), loading)
}

/// Hands the loaded model's parts to those who need them.
fn prepare(
    loaded: Result<LoadedModel, LoadError>,
    queue: &Arc<Queue>,
    model: &OnceLock<Served>,
) -> Result<Vec<Worker>, LoadError> {
    let LoadedModel { engines, tokenizer, windowing, info } = loaded?;
    if queue.is_stopped() {
        return Err(LoadError::Stopped);
    }
    let (specials, labels) = (tokenizer.specials().clone(), info.labels.labels().len());
    let served = Served { tokenizer, windowing, info: Arc::new(info) };
    model.set(served).map_err(|_| LoadError::Stopped)?;
    queue.serve(engines.len());
    let worker = |engine| Worker { engine, queue: Arc::clone(queue), specials: specials.clone(), labels };
    Ok(engines.into_iter().map(worker).collect())
}

/// Runs each worker on a thread of its own, the first on this one, until all have ended. One that gets no thread is
/// left out: the others do its work.
fn run(workers: Vec<Worker>) {
    thread::scope(|scope| {
        let mut workers = workers.into_iter();
        let first = workers.next();
        for worker in workers {
            let name = thread::Builder::new().name("undertone-model".to_owned());
            if let Err(error) = name.spawn_scoped(scope, move || worker.run()) {
                tracing::error!(reason = chain(&error), "a worker of the model got no thread");
            }
        }
        if let Some(first) = first {
            first.run();
        }
    });
}
