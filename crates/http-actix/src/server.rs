//! The server: listeners, their connections and the limits on them.

#![cfg_attr(test, expect(clippy::expect_used, reason = "a test may panic"))]

mod connections;
mod error;
mod hosts;
mod limits;
mod listener;
mod open_files;
mod seconds;
mod settings;
mod timed_stream;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_server::{Server, ServerHandle};
use futures_util::future::join_all;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::assembly::{admin_api, api};
use crate::detached::Detached;
use crate::state::ApiState;

pub use error::ServeError;
pub use limits::LimitsSettings;
pub use settings::ServerSettings;

/// The public listener's server, and the operators' where it is configured.
pub struct Servers {
    handles: Vec<ServerHandle>,
    /// Each ends when its server has stopped; dropping them stops the servers at once.
    tasks: JoinSet<io::Result<()>>,
    /// Has the requests that continue although their clients have disconnected.
    detached: Detached,
}

/// How much longer than its limit a graceful stop may take before it is aborted.
const MARGIN: Duration = Duration::from_millis(500);

impl Servers {
    /// Begins to serve `state`, the public listener with at most `connections` at a time.
    ///
    /// # Errors
    /// `Resolve`, `Bind`, `Listener`.
    pub fn bind(settings: &ServerSettings, connections: usize, state: &ApiState) -> Result<Self, ServeError> {
        let detached = state.detached.clone();
        let mut servers = Self { handles: Vec::new(), tasks: JoinSet::new(), detached };
        let listener = listener::bind((settings.host.as_str(), settings.port), settings.authority())?;
        let address = address_of(&listener)?;
        let public = with_allowed_hosts(settings, address, state);
        tracing::info!(%address, "listening");
        let application = move || api(public.clone());
        servers.run(connections::serve(listener, settings, connections, application))?;
        if let Some(address) = settings.admin_address {
            let listener = listener::bind(address, address)?;
            let address = address_of(&listener)?;
            let admin = with_allowed_hosts(settings, address, state);
            tracing::info!(admin_address = %address, "listening for operators");
            let application = move || admin_api(admin.clone());
            servers.run(connections::serve(
                listener,
                settings,
                open_files::ADMIN_CONNECTIONS,
                application,
            ))?;
        }
        Ok(servers)
    }

    fn run(&mut self, server: io::Result<Server>) -> Result<(), ServeError> {
        let server = server.map_err(ServeError::Listener)?;
        self.handles.push(server.handle());
        self.tasks.spawn(server);
        Ok(())
    }

    /// Waits until one of the servers ends, which none does by itself, and returns why.
    pub async fn ended(&mut self) -> ServeError {
        match self.tasks.join_next().await {
            Some(Ok(Err(error))) => ServeError::Failed(error),
            Some(Err(error)) => ServeError::Panicked(error),
            Some(Ok(Ok(()))) | None => ServeError::Ended,
        }
    }

    /// Stops accepting connections, waits at most `within` for requests in progress, also those whose clients have
    /// disconnected, and aborts the rest.
    pub async fn stop(mut self, within: Duration) {
        let stopped = async {
            join_all(self.handles.iter().map(|handle| handle.stop(true))).await;
            self.detached.idle().await;
        };
        if timeout(within + MARGIN, stopped).await.is_err() {
            tracing::warn!("requests in progress did not end in time");
        }
        self.tasks.abort_all();
    }
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, ServeError> {
    listener.local_addr().map_err(ServeError::Listener)
}

fn with_allowed_hosts(settings: &ServerSettings, address: SocketAddr, state: &ApiState) -> ApiState {
    let mut state = state.clone();
    state.settings.allowed_hosts = hosts::allowed_hosts(settings, address);
    state
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use application::action::chain;
    use futures_util::poll;
    use tokio::runtime::Handle;
    use tokio::sync::oneshot;

    use super::*;

    fn servers() -> Servers {
        let detached = Detached::on(Handle::current());
        Servers { handles: Vec::new(), tasks: JoinSet::new(), detached }
    }

    #[tokio::test]
    async fn a_server_that_ends_by_itself_is_noticed() {
        let mut servers = servers();
        servers.tasks.spawn(async { panic!("a bug") });
        assert!(chain(&servers.ended().await).contains("panicked"));
        servers.tasks.spawn(async { Ok(()) });
        assert_eq!(servers.ended().await.to_string(), "the server ended unexpectedly");
    }

    #[tokio::test]
    async fn a_stop_waits_for_a_request_whose_client_has_disconnected() {
        let servers = servers();
        let detached = servers.detached.clone();
        let (end, ended) = oneshot::channel();
        let mut request = Box::pin(detached.run(ended));
        assert!(poll!(&mut request).is_pending());
        drop(request);
        let mut stop = pin!(servers.stop(Duration::from_hours(1)));
        assert!(poll!(&mut stop).is_pending());
        end.send(()).expect("the request is in progress");
        stop.await;
    }
}
