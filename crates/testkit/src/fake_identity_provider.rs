mod fault;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};
use tokio::sync::watch;

pub use fault::ProviderFault;

/// An identity provider on a loopback address that publishes a key set (JWKS). Tests plan its faults.
///
/// It runs on threads of its own, so that tests with and without a runtime can use it.
#[derive(Debug)]
pub struct FakeIdentityProvider {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    /// The body of the key set.
    keys: Mutex<String>,
    fault: Mutex<Option<ProviderFault>>,
    connections: AtomicUsize,
    requests: AtomicUsize,
    sent: AtomicUsize,
    /// How many connections are open.
    open: watch::Sender<usize>,
    ended: AtomicBool,
}

impl FakeIdentityProvider {
    /// A provider without keys, on a free port.
    ///
    /// # Panics
    /// Where the loopback address has no free port.
    pub fn start() -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST.into(), 0)
    }

    /// A provider without keys, at this loopback address.
    ///
    /// # Panics
    /// Where the port is in use.
    pub fn start_at(address: IpAddr, port: u16) -> Self {
        let listener = TcpListener::bind((address, port)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State {
            keys: Mutex::new(key_set(&[])),
            fault: Mutex::default(),
            connections: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            sent: AtomicUsize::new(0),
            open: watch::Sender::new(0),
            ended: AtomicBool::new(false),
        });
        let serving = Arc::clone(&state);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if serving.ended.load(Ordering::SeqCst) {
                    return;
                }
                serving.connections.fetch_add(1, Ordering::SeqCst);
                serving.open.send_modify(|open| *open += 1);
                let state = Arc::clone(&serving);
                thread::spawn(move || {
                    // Many tests are about clients that disconnect.
                    let _ = state.serve(&connection);
                    drop(connection);
                    state.open.send_modify(|open| *open -= 1);
                });
            }
        });
        Self { address, state }
    }

    /// The value for `auth.jwt.jwks_url`.
    pub fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Publishes these keys (JWK) and no others.
    ///
    /// # Panics
    /// Where a thread of the provider has panicked.
    pub fn publish(&self, keys: &[Value]) {
        *self.state.keys.lock().expect("no panic") = key_set(keys);
    }

    /// Makes requests fail from now on, or succeed again.
    ///
    /// # Panics
    /// Where a thread of the provider has panicked.
    pub fn set_fault(&self, fault: Option<ProviderFault>) {
        *self.state.fault.lock().expect("no panic") = fault;
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// How many requests there have been.
    pub fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }

    /// How many bytes of bodies the clients' systems have accepted.
    pub fn sent(&self) -> usize {
        self.state.sent.load(Ordering::SeqCst)
    }

    /// Waits until this many connections are open.
    pub async fn until_open(&self, connections: usize) {
        // The sender exists as long as the provider.
        let _ = self.state.open.subscribe().wait_for(|open| *open == connections).await;
    }
}

impl Drop for FakeIdentityProvider {
    /// Stops listening; answers in progress continue.
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        drop(TcpStream::connect(self.address));
    }
}

impl State {
    /// Answers one request. Each has a connection of its own.
    fn serve(&self, mut connection: &TcpStream) -> io::Result<()> {
        let mut lines = BufReader::new(connection).lines().map_while(Result::ok);
        if lines.by_ref().take_while(|line| !line.is_empty()).count() == 0 {
            return Ok(());
        }
        self.requests.fetch_add(1, Ordering::SeqCst);
        let fault = self.fault.lock().expect("no panic").clone();
        let keys = self.keys.lock().expect("no panic").clone();
        match fault {
            None => self.answer(connection, "200 OK", &keys),
            Some(ProviderFault::Status(status)) => self.answer(connection, &format!("{status} It"), &keys),
            Some(ProviderFault::Redirect(to)) => {
                self.answer(connection, &format!("302 Found\r\nLocation: {to}"), "")
            }
            Some(ProviderFault::Garbage) => self.answer(connection, "200 OK", "<html>keys</html>"),
            Some(ProviderFault::Cut) => Ok(()),
            Some(ProviderFault::Stall) => connection.read_to_end(&mut Vec::new()).map(drop),
            Some(ProviderFault::StallInBody) => {
                write!(connection, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", keys.len())?;
                self.send(connection, &keys.as_bytes()[..1])?;
                connection.read_to_end(&mut Vec::new()).map(drop)
            }
            Some(ProviderFault::Large { bytes, declared }) => {
                let length = if declared { format!("Content-Length: {bytes}\r\n") } else { String::new() };
                write!(connection, "HTTP/1.1 200 OK\r\nConnection: close\r\n{length}\r\n")?;
                let chunk = [b' '; 1 << 14];
                let mut left = bytes;
                while left > 0 {
                    let next = left.min(chunk.len());
                    self.send(connection, &chunk[..next])?;
                    left -= next;
                }
                Ok(())
            }
        }
    }

    /// Sends a whole answer; headers may follow the status.
    fn answer(&self, mut connection: &TcpStream, status: &str, body: &str) -> io::Result<()> {
        let length = body.len();
        write!(connection, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")?;
        self.send(connection, body.as_bytes())
    }

    fn send(&self, mut connection: &TcpStream, bytes: &[u8]) -> io::Result<()> {
        connection.write_all(bytes)?;
        self.sent.fetch_add(bytes.len(), Ordering::SeqCst);
        Ok(())
    }
}

fn key_set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}
