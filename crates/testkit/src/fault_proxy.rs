mod acceptor;
mod connection;

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};

/// A TCP proxy on the loopback address that passes bytes on until it is told to do otherwise.
///
/// When [`FaultProxy::set_mode`] returns, the mode is in force: what was to be cut is cut, what was to be closed
/// is closed, and not one byte goes out of a stalled connection; the same holds for
/// [`FaultProxy::silence_existing`]. Dropping the proxy ends it with all of its connections.
#[derive(Debug)]
pub struct FaultProxy {
    addr: SocketAddr,
    control: watch::Sender<Control>,
    state: watch::Receiver<ProxyState>,
    /// One change of mode at a time.
    changing: Mutex<()>,
}

/// What the proxy does to those who come through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxyMode {
    /// Bytes go both ways; those that were stalled go on.
    #[default]
    Pass,
    /// Every connection is dropped, and each new one as soon as it was accepted.
    Cut,
    /// Every connection is dropped, and new ones are refused: nobody listens, though the port stays reserved.
    Refuse,
    /// Connections stay open and new ones are accepted, but no byte goes either way.
    Stall,
}

impl ProxyMode {
    fn keeps_connections(self) -> bool {
        matches!(self, Self::Pass | Self::Stall)
    }

    fn listens(self) -> bool {
        self != Self::Refuse
    }
}

/// What the connections watch.
#[derive(Debug, Clone, Copy, Default)]
struct Control {
    mode: ProxyMode,
    /// Connections that were accepted in an earlier generation are silent.
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

/// What has come of the mode.
#[derive(Debug, Clone, Copy)]
struct ProxyState {
    listening: bool,
    connections: usize,
}

impl FaultProxy {
    /// A proxy in front of `target`, on a port of its own, that passes everything on.
    ///
    /// # Panics
    /// Where the loopback address has no free port.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let addr = listener.local_addr().expect("the port's address");
        let control = watch::Sender::default();
        let (sender, state) = watch::channel(ProxyState { listening: true, connections: 0 });
        tokio::spawn(acceptor::accept(listener, target, control.subscribe(), sender));
        Self { addr, control, state, changing: Mutex::default() }
    }

    /// Where the proxy listens; the same for as long as it lives.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The connections that come through the proxy now.
    pub fn connections(&self) -> usize {
        self.state.borrow().connections
    }

    /// Changes the mode, and returns once it is in force.
    pub async fn set_mode(&self, mode: ProxyMode) {
        let _changing = self.changing.lock().await;
        self.control.send_modify(|control| control.mode = mode);
        let is_in_force = |state: &ProxyState| {
            state.listening == mode.listens() && (mode.keeps_connections() || state.connections == 0)
        };
        // The acceptor ends only after `self.control` has gone.
        let _ = self.state.clone().wait_for(is_in_force).await;
    }

    /// Stalls the connections that exist now, for ever: as with a host that vanishes, no byte is read or written,
    /// no end is passed on and nothing is closed, whatever mode comes, until [`ProxyMode::Cut`] or
    /// [`ProxyMode::Refuse`] drops them. New connections do as the mode says. In force when it returns.
    pub fn silence_existing(&self) {
        self.control.send_modify(|control| control.generation += 1);
    }
}
