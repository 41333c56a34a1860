use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::sync::watch::error::RecvError;

use super::{Control, ProxyState, connection};

/// The largest number of connections that wait to be accepted.
const BACKLOG: u32 = 1_024;

/// Accepts connections in every mode that listens, until the proxy is dropped.
pub(super) async fn accept(
    mut listener: TcpListener,
    target: SocketAddr,
    control: watch::Receiver<Control>,
    state: watch::Sender<ProxyState>,
) {
    let addr = listener.local_addr().expect("the port's address");
    let state = Arc::new(state);
    let mut change = control.clone();
    loop {
        if accept_until_refusing(&listener, target, &control, &state).await.is_err() {
            return;
        }
        drop(listener);
        let reserved = reserve(addr);
        state.send_modify(|state| state.listening = false);
        if change.wait_for(|control| control.mode.listens()).await.is_err() {
            return;
        }
        listener = reserved.listen(BACKLOG).expect("the reserved port");
        state.send_modify(|state| state.listening = true);
    }
}

/// Accepts connections until the mode refuses them; fails once the proxy is dropped.
async fn accept_until_refusing(
    listener: &TcpListener,
    target: SocketAddr,
    control: &watch::Receiver<Control>,
    state: &Arc<watch::Sender<ProxyState>>,
) -> Result<(), RecvError> {
    let mut change = control.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    spawn_connection(client, target, control, state);
                }
            }
            refuse = change.wait_for(|control| !control.mode.listens()) => return refuse.map(drop),
        }
    }
}

/// Binds a socket that does not listen: connections are refused, and no other process gets the port.
fn reserve(addr: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("SO_REUSEADDR, as old connections may still use the port");
    socket.bind(addr).expect("the port is free");
    socket
}

/// Spawns the task that forwards the bytes of `client`, or closes the connection if the mode says so.
fn spawn_connection(
    client: TcpStream,
    target: SocketAddr,
    control: &watch::Receiver<Control>,
    state: &Arc<watch::Sender<ProxyState>>,
) {
    // Holding the borrow blocks changes of mode, so that a change sees every connection in the count.
    let now = control.borrow();
    if !now.mode.holds_connections() {
        return;
    }
    state.send_modify(|state| state.connections += 1);
    let accepted_in = now.generation;
    drop(now);
    let (control, state) = (control.clone(), Arc::clone(state));
    tokio::spawn(async move {
        connection::forward(client, target, control, accepted_in).await;
        state.send_modify(|state| state.connections -= 1);
    });
}
