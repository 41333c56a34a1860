use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::sync::watch::error::RecvError;

use super::{Control, ProxyState, connection};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1_024;

/// Accepts connections while the mode wants it, until the proxy has gone.
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

/// Accepts connections until the mode is to refuse them; an error once the proxy has gone.
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
                    take(client, target, control, state);
                }
            }
            refuse = change.wait_for(|control| !control.mode.listens()) => return refuse.map(drop),
        }
    }
}

/// A socket that has the port and does not listen: whoever connects is refused, and nobody else gets the port.
fn reserve(addr: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("the port of old connections can be used again");
    socket.bind(addr).expect("the port is free again");
    socket
}

/// Starts to pass on what `client` sends, or drops it where the mode is to.
fn take(
    client: TcpStream,
    target: SocketAddr,
    control: &watch::Receiver<Control>,
    state: &Arc<watch::Sender<ProxyState>>,
) {
    // Counted before the mode can change, so that a change sees every connection.
    let now = control.borrow();
    if !now.mode.keeps_connections() {
        return;
    }
    state.send_modify(|state| state.connections += 1);
    let accepted_in = now.generation;
    drop(now);
    let (control, state) = (control.clone(), Arc::clone(state));
    tokio::spawn(async move {
        connection::pass_on(client, target, control, accepted_in).await;
        state.send_modify(|state| state.connections -= 1);
    });
}
