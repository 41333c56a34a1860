mod acceptor;
mod connection;

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};

/// A TCP proxy on the loopback address that forwards bytes, or fails as its mode says.
///
/// A mode is in force when [`FaultProxy::set_mode`] returns: connections to be cut are closed, and a stalled connection
/// forwards no more bytes. The same holds for [`FaultProxy::silence_existing`]. Dropping the proxy closes all of its
/// connections.
#[derive(Debug)]
pub struct FaultProxy {
    addr: SocketAddr,
    control: watch::Sender<Control>,
    state: watch::Receiver<ProxyState>,
    /// Serializes changes of mode.
    changing: Mutex<()>,
}

/// What the proxy does with its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxyMode {
    /// Bytes are forwarded in both directions, including those that were stalled.
    #[default]
    Pass,
    /// Every connection is closed, and each new one as soon as it is accepted.
    Cut,
    /// Every connection is closed, and new ones are refused; the port stays reserved.
    Refuse,
    /// Connections stay open and new ones are accepted, but no bytes are forwarded.
    Stall,
}

impl ProxyMode {
    fn holds_connections(self) -> bool {
        matches!(self, Self::Pass | Self::Stall)
    }

    fn listens(self) -> bool {
        self != Self::Refuse
    }
}

/// The state that the connections follow.
#[derive(Debug, Clone, Copy, Default)]
struct Control {
    mode: ProxyMode,
    /// Connections accepted in an earlier generation are silent.
    generation: u64,
}

impl Control {
    fn is_silent(self, accepted_in: u64) -> bool {
        accepted_in < self.generation
    }

    fn passes(self, accepted_in: u64) -> bool {
        self.mode == ProxyMode::Pass && !self.is_silent(accepted_in)
    }
}

/// How far the mode has been applied.
#[derive(Debug, Clone, Copy)]
struct ProxyState {
    listening: bool,
    connections: usize,
}

impl FaultProxy {
    /// Starts a proxy for `target` on a free port, in the mode [`ProxyMode::Pass`].
    ///
    /// # Panics
    /// If the loopback address has no free port.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let addr = listener.local_addr().expect("the port's address");
        let control = watch::Sender::default();
        let (sender, state) = watch::channel(ProxyState { listening: true, connections: 0 });
        tokio::spawn(acceptor::accept(listener, target, control.subscribe(), sender));
        Self { addr, control, state, changing: Mutex::default() }
    }

    /// Returns the address of the proxy, which never changes.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the number of open connections.
    pub fn connections(&self) -> usize {
        self.state.borrow().connections
    }

    /// Changes the mode and waits until it is in force.
    pub async fn set_mode(&self, mode: ProxyMode) {
        let _changing = self.changing.lock().await;
        self.control.send_modify(|control| control.mode = mode);
        let is_in_force = |state: &ProxyState| {
            state.listening == mode.listens() && (mode.holds_connections() || state.connections == 0)
        };
        // The acceptor ends only after `self.control` is dropped.
        let _ = self.state.clone().wait_for(is_in_force).await;
    }

    /// Silences the existing connections, as if their host had vanished: in every later mode no bytes are read or
    /// written, no end of stream is forwarded and nothing is closed, until [`ProxyMode::Cut`] or [`ProxyMode::Refuse`]
    /// closes them. New connections follow the mode.
    pub fn silence_existing(&self) {
        self.control.send_modify(|control| control.generation += 1);
    }
}
