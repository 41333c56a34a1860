use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_server::{Server, ServerHandle};
use anyhow::{Context, anyhow};
use futures_util::future::join_all;
use http_actix::ApiState;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::Settings;
use crate::server::open_files::ADMIN_CONNECTIONS;
use crate::server::{hosts, http, listener};

/// The public listener's server, and the administrators' where it is configured.
pub(super) struct Servers {
    handles: Vec<ServerHandle>,
    /// Each ends when its server has stopped; dropping them stops the servers at once.
    tasks: JoinSet<io::Result<()>>,
}

/// What a graceful stop may take beyond its time, until it is ended from outside.
const MARGIN: Duration = Duration::from_millis(500);

impl Servers {
    /// Begins to serve `state`, the public listener with at most `connections` at a time.
    ///
    /// # Errors
    /// An address that cannot be listened on.
    pub(super) fn bind(settings: &Settings, connections: usize, state: &ApiState) -> anyhow::Result<Self> {
        let server = &settings.server;
        let mut servers = Self { handles: Vec::new(), tasks: JoinSet::new() };
        let listener = listener::listen((server.host.as_str(), server.port))?;
        let address = address_of(&listener)?;
        let public = allowing_hosts(settings, address, state);
        tracing::info!(%address, "listening");
        let application = move || http_actix::api(public.clone());
        servers.run(http::start(listener, server, connections, application)?);
        if let Some(address) = server.admin_address {
            let listener = listener::listen(address)?;
            let address = address_of(&listener)?;
            let admin = allowing_hosts(settings, address, state);
            tracing::info!(admin_address = %address, "listening for administrators");
            let application = move || http_actix::admin_api(admin.clone());
            servers.run(http::start(listener, server, ADMIN_CONNECTIONS, application)?);
        }
        Ok(servers)
    }

    fn run(&mut self, server: Server) {
        self.handles.push(server.handle());
        self.tasks.spawn(server);
    }

    /// Waits until one of them ends, which none does by itself.
    pub(super) async fn ended(&mut self) -> anyhow::Error {
        match self.tasks.join_next().await {
            Some(Ok(Err(error))) => anyhow::Error::from(error).context("the server failed"),
            Some(Err(error)) => anyhow::Error::from(error).context("the server failed"),
            Some(Ok(Ok(()))) | None => anyhow!("the server ended unexpectedly"),
        }
    }

    /// Takes no new connections, waits for the requests in progress for no longer than `within`, and ends what is left.
    pub(super) async fn stop(mut self, within: Duration) {
        let stopped = join_all(self.handles.iter().map(|handle| handle.stop(true)));
        if timeout(within + MARGIN, stopped).await.is_err() {
            tracing::warn!("requests in progress did not end in time");
        }
        self.tasks.abort_all();
    }
}

fn address_of(listener: &TcpListener) -> anyhow::Result<SocketAddr> {
    listener.local_addr().context("the listener has no address")
}

fn allowing_hosts(settings: &Settings, listens_on: SocketAddr, state: &ApiState) -> ApiState {
    let mut state = state.clone();
    state.settings.allowed_hosts = hosts::allowed(&settings.server, listens_on);
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_ends_by_itself_is_noticed() {
        let mut servers = Servers { handles: Vec::new(), tasks: JoinSet::new() };
        servers.tasks.spawn(async { panic!("a bug") });
        assert!(format!("{:#}", servers.ended().await).contains("panicked"));
        servers.tasks.spawn(async { Ok(()) });
        assert_eq!(servers.ended().await.to_string(), "the server ended unexpectedly");
    }
}
