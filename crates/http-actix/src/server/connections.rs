use std::fmt::Debug;
use std::io;
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
use futures_util::future::ready;

use crate::server::settings::ServerSettings;
use crate::server::timed_stream::{ClientTimeouts, TimedStream};

/// Starts a server of `application` on `listener`, to be polled until it ends. Its workers together accept
/// `max_connections` at a time.
///
/// `actix_web::HttpServer` does the same, but passes connections to actix-http as they are, without a way to wrap them
/// in a [`TimedStream`].
///
/// # Errors
/// A listener that cannot be used.
pub(super) fn serve<F, I, S, B>(
    listener: TcpListener,
    settings: &ServerSettings,
    max_connections: usize,
    application: F,
) -> io::Result<Server>
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
    let (keep_alive, disconnect) = (settings.keep_alive, settings.disconnect_timeout);
    let builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(max_connections / workers)
        .shutdown_timeout(settings.shutdown_timeout.as_secs_f64().ceil() as u64)
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
            // Responses are small and complete: none waits until the client has acknowledged the one before.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "cannot set TCP_NODELAY");
            }
            let peer = stream.peer_addr().ok();
            ready(Ok((TimedStream::new(stream, timeouts), peer)))
        })
        .and_then(http)
    };
    Ok(builder.listen("undertone", listener, service)?.run())
}

fn client_timeouts(settings: &ServerSettings) -> ClientTimeouts {
    /// How much longer actix-http has to end an idle connection in order.
    const MARGIN: Duration = Duration::from_secs(5);
    ClientTimeouts {
        head: settings.head_timeout,
        idle: settings.keep_alive + settings.disconnect_timeout + MARGIN,
        send: settings.send_timeout,
    }
}
