use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// A TCP proxy on the loopback interface that can go silent: its open connections then transfer no more data in either
/// direction and are not closed. New connections work.
///
/// Clients observe the same when a host has vanished, or a firewall has dropped the state of its connections. The
/// server's side stays open, with the locks of its sessions.
#[derive(Debug)]
pub(super) struct SilentProxy {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    target: SocketAddr,
    /// How many times it went silent. A connection transfers bytes while this is unchanged since its start.
    silences: AtomicU64,
    ended: AtomicBool,
}

impl SilentProxy {
    /// Starts a proxy to `target` on a free port.
    pub(super) fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let state = State { target, silences: AtomicU64::new(0), ended: AtomicBool::new(false) };
        let state = Arc::new(state);
        let accepting = Arc::clone(&state);
        thread::spawn(move || accept(&listener, &accepting));
        Ok(Self { address, state })
    }

    /// Returns its address.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Silences every open connection permanently.
    pub(super) fn go_silent(&self) {
        self.state.silences.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for SilentProxy {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        // A connection wakes the accepting thread.
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(listener: &TcpListener, state: &Arc<State>) {
    for client in listener.incoming().flatten() {
        if state.ended.load(Ordering::SeqCst) {
            return;
        }
        let state = Arc::clone(state);
        // If the target refuses the connection, the client's is closed.
        thread::spawn(move || transfer(client, &state));
    }
}

/// Transfers bytes in both directions until both are closed.
fn transfer(client: TcpStream, state: &Arc<State>) -> io::Result<()> {
    let began = state.silences.load(Ordering::SeqCst);
    let server = TcpStream::connect(state.target)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (to_client, from_server) = (client.try_clone()?, server.try_clone()?);
    let back = Arc::clone(state);
    let other = thread::spawn(move || one_way(from_server, to_client, &back, began));
    one_way(client, server, state, began);
    let _ = other.join();
    Ok(())
}

/// Transfers bytes, and then the end of the stream, in one direction. Once silent, bytes are read and discarded.
fn one_way(mut from: TcpStream, mut to: TcpStream, state: &State, began: u64) {
    let is_silent = || state.silences.load(Ordering::SeqCst) != began;
    let mut buffer = vec![0; 64 * 1_024];
    loop {
        let count = from.read(&mut buffer).unwrap_or(0);
        let failed = match (is_silent(), count) {
            (true, 0) => return,
            (true, _) => continue,
            (false, 0) => to.shutdown(Shutdown::Write).is_err(),
            (false, _) => to.write_all(&buffer[..count]).is_err(),
        };
        if failed {
            let _ = to.shutdown(Shutdown::Both);
        }
        if failed || count == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// A server that echoes bytes, and a channel with a message for each connection that ends.
    fn echo() -> (SocketAddr, mpsc::Receiver<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (ended, ends) = mpsc::channel();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let ended = ended.clone();
                thread::spawn(move || {
                    let mut back = stream.try_clone().unwrap();
                    let _ = io::copy(&mut stream, &mut back);
                    let _ = ended.send(());
                });
            }
        });
        (address, ends)
    }

    fn echoed(stream: &mut TcpStream, word: [u8; 4]) -> io::Result<[u8; 4]> {
        stream.write_all(&word)?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    }

    #[test]
    fn old_connections_stay_silent_and_new_ones_work() {
        let (target, ends) = echo();
        let proxy = SilentProxy::start(target).unwrap();
        let mut old = TcpStream::connect(proxy.address()).unwrap();
        assert_eq!(&echoed(&mut old, *b"ping").unwrap(), b"ping");
        proxy.go_silent();
        let mut new = TcpStream::connect(proxy.address()).unwrap();
        assert_eq!(&echoed(&mut new, *b"ping").unwrap(), b"ping");

        old.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let error = echoed(&mut old, *b"lost").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        drop(old);
        drop(new);
        // The server sees the end of the new connection, and never that of the old one.
        ends.recv().unwrap();
        assert!(ends.recv_timeout(Duration::from_millis(100)).is_err());
    }

    #[test]
    fn a_target_that_refuses_closes_the_connection() {
        let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let proxy = SilentProxy::start(gone).unwrap();
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        assert!(echoed(&mut client, *b"ping").is_err());
    }
}
