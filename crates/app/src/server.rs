//! The life of the service: start, serve, drain, stop.

mod background;
mod signals;

use std::fmt::Debug;
use std::net::{TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::time::Instant;

use actix_web::HttpServer;
use actix_web::dev::ServerHandle;
use anyhow::Context;
use http_actix::{ApiState, BodyMemory, HttpSettings, Offload};
use infra_local::LogQueue;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::commands::Failure;
use crate::config::Settings;
use crate::container::{Container, Starting};
use crate::server::background::Background;
use crate::server::signals::{Signal, Signals};

/// Serves until a signal comes, then drains and stops. The listener is open while the models still load, so that
/// probes see a live service that is not ready yet.
///
/// # Errors
/// What was set up wrongly (exit code 2): the store, the model, an address that is taken.
pub(crate) async fn run(
    settings: &Settings,
    metrics: PrometheusHandle,
    log: &Arc<LogQueue>,
) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let (container, starting) = Container::build(settings, log).await.map_err(Failure::set_up)?;
    let container = Arc::new(container);
    let state = api_state(settings, &container, metrics.clone());
    let servers = Servers::bind(settings, &state).map_err(Failure::set_up)?;
    let background = Background::start(&container, settings, metrics);
    let outcome = serve(settings, &container, &servers, starting, &mut signals).await;
    servers.stop(true).await;
    background.stop(&container).await;
    container.close().await;
    tracing::info!("stopped");
    outcome
}

/// Waits for the models, then for a signal, then for the drain.
async fn serve(
    settings: &Settings,
    container: &Container,
    servers: &Servers,
    starting: Starting,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let signal = tokio::select! {
        loaded = starting.finish() => match loaded {
            Ok(()) => {
                // Readiness is told at once, not at the next check.
                let (_, signal) = tokio::join!(container.use_cases.health.execute(), signals.next());
                signal
            }
            Err(error) => return Err(Failure::set_up(error)),
        },
        signal = signals.next() => signal,
    };
    container.use_cases.health.drain();
    if signal == Signal::Terminate {
        tracing::info!(seconds = settings.server.drain_delay.0, "draining");
        tokio::select! {
            () = tokio::time::sleep(settings.server.drain_delay.duration()) => {}
            _ = signals.next() => servers.stop(false).await,
        }
    }
    Ok(())
}

/// What `Strict-Transport-Security` promises: a year.
const HSTS_MAX_AGE_S: u64 = 31_536_000;

fn api_state(settings: &Settings, container: &Container, metrics: PrometheusHandle) -> ApiState {
    ApiState {
        use_cases: Arc::clone(&container.use_cases),
        settings: HttpSettings {
            max_body_bytes: settings.limits.max_body_bytes,
            max_batch_body_bytes: settings.limits.max_batch_body_bytes,
            max_line_bytes: settings.limits.max_body_bytes,
            max_text_chars: settings.limits.max_chars,
            cors_origins: settings.server.cors_origins.clone(),
            hsts_max_age_s: settings.server.hsts.then_some(HSTS_MAX_AGE_S),
            admin_split: settings.server.admin_address.is_some(),
            cache_status: settings.cache.enabled,
            ..HttpSettings::default()
        },
        body_memory: BodyMemory::new(settings.server.max_body_memory),
        offload: Offload::new(),
        started: Instant::now(),
        version: env!("CARGO_PKG_VERSION"),
        render_metrics: Arc::new(move || metrics.render()),
    }
}

/// Starts an actix server over a factory of applications: a macro because the applications' types cannot be named.
macro_rules! start {
    ($settings:expr, $listener:expr, $application:expr) => {{
        let server = &$settings.server;
        let workers = match server.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            workers => workers,
        };
        let running = HttpServer::new(move || $application)
            .workers(workers)
            .keep_alive(server.keep_alive.duration())
            .shutdown_timeout(server.shutdown_timeout.0.ceil() as u64)
            .disable_signals()
            .listen($listener)
            .context("the listener cannot be used")?
            .run();
        let handle = running.handle();
        tokio::spawn(running);
        handle
    }};
}

/// The public listener, and the admin one where it is configured.
struct Servers {
    handles: Vec<ServerHandle>,
}

impl Servers {
    fn bind(settings: &Settings, state: &ApiState) -> anyhow::Result<Self> {
        let server = &settings.server;
        let listener = listen((server.host.as_str(), server.port))?;
        tracing::info!(address = %listener.local_addr().context("the listener has no address")?, "listening");
        let public = state.clone();
        let mut handles = vec![start!(settings, listener, http_actix::api(public.clone()))];
        if let Some(address) = server.admin_address {
            let listener = listen(address)?;
            tracing::info!(admin_address = %listener.local_addr()?, "listening for administrators");
            let admin = state.clone();
            handles.push(start!(settings, listener, http_actix::admin_api(admin.clone())));
        }
        Ok(Self { handles })
    }

    async fn stop(&self, graceful: bool) {
        for handle in &self.handles {
            handle.stop(graceful).await;
        }
    }
}

fn listen(address: impl ToSocketAddrs + Debug) -> anyhow::Result<TcpListener> {
    TcpListener::bind(&address).with_context(|| format!("{address:?} cannot be listened on"))
}
