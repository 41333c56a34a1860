use std::fmt::Debug;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use actix_http::body::MessageBody;
use actix_http::{HttpService, Request, Response};
use actix_server::Server;
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config,
};
use actix_web::dev::AppConfig;
use actix_web::rt::net::TcpStream;
use anyhow::Context;
use futures_util::future::ready;

use crate::config::ServerSettings;
use crate::server::timed_stream::{ClientTimeouts, TimedStream};

/// Starts a server of `application` on `listener`, to be polled until it ends; it takes `max_connections` at a time,
/// over all of its workers.
///
/// `actix_web::HttpServer` does the same, but hands connections to actix-http as they are: there is no place in it for
/// [`TimedStream`].
pub(super) fn start<F, I, S, B>(
    listener: TcpListener,
    settings: &ServerSettings,
    max_connections: usize,
    application: F,
) -> anyhow::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let workers = match settings.workers {
        0 => thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let workers = workers.min(max_connections);
    let timeouts = client_timeouts(settings);
    let (keep_alive, disconnect) = (settings.keep_alive.duration(), settings.disconnect_timeout.duration());
    let builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(max_connections / workers)
        .shutdown_timeout(settings.shutdown_timeout.0.ceil() as u64)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let service = move || {
        let stopping = stopping.clone();
        let application =
            application().into_factory().map_err(|error: S::Error| error.into().error_response());
        let http = HttpService::build()
            .keep_alive(keep_alive)
            .client_request_timeout(timeouts.head)
            .client_disconnect_timeout(disconnect)
            .h1_allow_half_closed(false)
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .on_connect_ext(|stream: &TimedStream<TcpStream>, data| {
                data.insert(stream.state().clone());
            })
            .h1(map_config(application, |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| {
            // Answers are small and complete: none waits for the client to acknowledge the one before.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY cannot be set");
            }
            let peer = stream.peer_addr().ok();
            ready(Ok((TimedStream::new(stream, timeouts), peer)))
        })
        .and_then(http)
    };
    let server = builder.listen("undertone", listener, service).context("the listener cannot be used")?;
    Ok(server.run())
}

fn client_timeouts(settings: &ServerSettings) -> ClientTimeouts {
    /// What actix-http has to end an idle connection in order, before it is cut.
    const MARGIN: Duration = Duration::from_secs(5);
    ClientTimeouts {
        head: settings.head_timeout.duration(),
        idle: settings.keep_alive.duration() + settings.disconnect_timeout.duration() + MARGIN,
        send: settings.send_timeout.duration(),
    }
}
