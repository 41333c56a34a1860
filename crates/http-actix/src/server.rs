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
use crate::server::listener::BoundSocket;
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
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
}

/// How much longer than its limit a graceful stop may take before it is aborted.
const MARGIN: Duration = Duration::from_millis(500);

/// The sockets of the public listener and, where it is configured, of the operators': bound, but not listening yet, so
/// that an address in use ends a start before anything else is changed.
pub struct BoundSockets {
    public: BoundSocket,
    admin: Option<BoundSocket>,
}

impl BoundSockets {
    /// Binds the configured addresses.
    ///
    /// # Errors
    /// `Resolve`, `Bind`.
    pub fn bind(settings: &ServerSettings) -> Result<Self, ServeError> {
        let public = BoundSocket::bind((settings.host.as_str(), settings.port), settings.authority())?;
        let admin = settings.admin_address.map(|address| BoundSocket::bind(address, address)).transpose()?;
        Ok(Self { public, admin })
    }
}

impl Servers {
    /// Begins to serve `state` on `sockets`, the public listener with at most `connections` at a time.
    ///
    /// # Errors
    /// `Bind`, `Listener`.
    pub fn start(
        sockets: BoundSockets,
        settings: &ServerSettings,
        connections: usize,
        state: &ApiState,
    ) -> Result<Self, ServeError> {
        let listener = sockets.public.listen()?;
        let address = address_of(&listener)?;
        let detached = state.detached.clone();
        let (handles, tasks) = (Vec::new(), JoinSet::new());
        let mut servers = Self { handles, tasks, detached, address, admin_address: None };
        let public = with_allowed_hosts(settings, address, state);
        tracing::info!(%address, "listening");
        let application = move || api(public.clone());
        servers.run(connections::serve(listener, settings, connections, application))?;
        if let Some(socket) = sockets.admin {
            let listener = socket.listen()?;
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
            servers.admin_address = Some(address);
        }
        Ok(servers)
    }

    /// The address of the public listener.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the operators' listener, where it is configured.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
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
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Servers { handles: Vec::new(), tasks: JoinSet::new(), detached, address, admin_address: None }
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
