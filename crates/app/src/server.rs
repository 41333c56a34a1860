//! The life of the service: start, serve, drain, shut down.

mod announcement;
mod background;
pub(crate) mod exposure;
mod relay;
mod signals;

use std::sync::Arc;
use std::time::{Duration, Instant};

use application::action::chain;
use application::ports::DownloadProgress;
use cli::Failure;
use http_actix::{
    ApiState, BodyMemory, BoundSockets, Detached, EventFrames, Exports, HttpSettings, Offload, Servers,
    SpanContent,
};
use infra_local::BackgroundTasks;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::config::Settings;
use crate::container::{Container, Starting};
use crate::server::announcement::Announcement;
use crate::server::signals::{Signal, Signals};
use crate::telemetry::ServiceLog;

pub(crate) use announcement::describe;

/// Serves until a signal or the failure of a part, then drains and shuts down. The listener is open while the models
/// load, so that probes see a live service that is not ready yet. Downloads are reported to `progress`, or else to the
/// log.
///
/// # Errors
/// A failure of the setup (exit code 2): the store, a model, an address that is in use. A part that ended unexpectedly
/// (exit code 1): the server, the store's writer.
pub(crate) async fn run(
    settings: &Settings,
    metrics: PrometheusHandle,
    log: &ServiceLog,
    progress: Option<Arc<dyn DownloadProgress>>,
) -> Result<(), Failure> {
    let started = Instant::now();
    exposure::check(settings).map_err(Failure::set_up)?;
    let mut signals = Signals::listen()?;
    let connections = settings.server.connections_that_fit(store_files(settings)).map_err(Failure::set_up)?;
    // First of all, so that a second instance by mistake changes nothing.
    let sockets = BoundSockets::bind(&settings.server).map_err(Failure::set_up)?;
    // A store may take long to respond: a signal ends the start at any moment.
    let (container, starting) = tokio::select! {
        built = Container::build(settings, log.queue(), progress) => built.map_err(Failure::set_up)?,
        signal = signals.next() => {
            tracing::info!(?signal, "stopped before the start was complete");
            return Ok(());
        }
    };
    let (shutting_down, is_shutting_down) = watch::channel(false);
    let mut state = api_state(settings, &container, metrics.clone(), is_shutting_down);
    if log.terminal().is_some() {
        state.settings.span_content = SpanContent::Client;
    }
    let servers = Servers::start(sockets, &settings.server, connections, &state);
    let mut servers = servers.map_err(Failure::set_up)?;
    let announcement = Announcement { log: log.terminal(), started };
    announcement.listening(settings, &container, &servers);
    let background = background::start(&container, settings, metrics);
    let ready = || announcement.ready(&container);
    let reason = until_stop(&container, &mut servers, starting, &mut signals, ready).await;
    announcement.stopping(matches!(reason, Reason::Signal(Signal::Interrupt)));
    let service = Service { settings, container, servers, background, shutting_down };
    tokio::select! {
        () = service.shut_down(&reason) => tracing::info!("stopped"),
        signal = signals.next() => tracing::warn!(?signal, "a second signal: stopping at once"),
    }
    match reason {
        Reason::Signal(_) => Ok(()),
        Reason::Failed(failure) => Err(failure),
    }
}

/// The most files that the store has open.
pub(crate) fn store_files(settings: &Settings) -> u64 {
    u64::from(settings.store.max_connections) + u64::from(settings.store.readers)
}

/// Why the service stops.
enum Reason {
    Signal(Signal),
    Failed(Failure),
}

/// Calls `ready` when the models are loaded, and waits for a reason to stop.
async fn until_stop(
    container: &Container,
    servers: &mut Servers,
    starting: Starting,
    signals: &mut Signals,
    ready: impl FnOnce(),
) -> Reason {
    let failed_to_load = async {
        if let Err(error) = starting.finish().await {
            return error;
        }
        // Readiness is reported at once, not at the next check.
        let _ = container.use_cases.health.execute().await;
        ready();
        std::future::pending().await
    };
    let failure: Failure = tokio::select! {
        biased;
        signal = signals.next() => return Reason::Signal(signal),
        error = failed_to_load => return Reason::Failed(Failure::set_up(error)),
        error = servers.ended() => error.into(),
        () = container.store.writer_ended() => anyhow::anyhow!("the store's writer ended unexpectedly").into(),
    };
    tracing::error!(error = chain(failure.error()), "the service cannot continue");
    Reason::Failed(failure)
}

/// The running parts.
struct Service<'a> {
    settings: &'a Settings,
    container: Container,
    servers: Servers,
    background: BackgroundTasks,
    shutting_down: watch::Sender<bool>,
}

/// The longest that ending the background tasks, publishing waiting events and closing the store may take. With the
/// default `server.drain_delay` (5 s) and `server.shutdown_timeout` (15 s) a shutdown ends within 25 s of SIGTERM and
/// within 20 s of Ctrl-C.
const CLOSE_WITHIN: Duration = Duration::from_secs(4);

impl Service<'_> {
    /// Drains after SIGTERM, waits for requests in progress, and closes everything, each within its time limit.
    async fn shut_down(self, reason: &Reason) {
        let server = &self.settings.server;
        self.container.use_cases.health.drain();
        self.shutting_down.send_replace(true);
        self.container.events.feed.end();
        if matches!(reason, Reason::Signal(Signal::Terminate)) {
            tracing::info!(seconds = server.drain_delay.as_secs_f64(), "draining");
            sleep(server.drain_delay).await;
        }
        tracing::info!(seconds = server.shutdown_timeout.as_secs_f64(), "waiting for requests in progress");
        self.servers.stop(server.shutdown_timeout).await;
        let close = async {
            background::stop(self.background, &self.container).await;
            self.container.close().await;
        };
        if timeout(CLOSE_WITHIN, close).await.is_err() {
            tracing::warn!("the store was not closed in time; acknowledged predictions are stored");
        }
    }
}

fn api_state(
    settings: &Settings,
    container: &Container,
    metrics: PrometheusHandle,
    shutting_down: watch::Receiver<bool>,
) -> ApiState {
    let Settings { server, limits, cache, auth, .. } = settings;
    ApiState {
        use_cases: Arc::clone(&container.use_cases),
        settings: HttpSettings {
            protect_metrics: auth.is_required() && auth.protect_metrics,
            ..server.api(limits, cache.enabled)
        },
        body_memory: BodyMemory::new(server.max_body_memory),
        event_frames: EventFrames::new(),
        offload: Offload::new(),
        detached: Detached::on(Handle::current()),
        exports: Exports::default(),
        shutting_down,
        started: Instant::now(),
        version: env!("CARGO_PKG_VERSION"),
        render_metrics: Arc::new(move || metrics.render()),
    }
}
