use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

/// An address whose network answers nothing: attempts to connect are neither accepted nor refused.
///
/// It is a listener that accepts no connection and whose backlog is full. A system that completes connections beyond
/// its backlog leaves them silent, which looks the same to a client that has a time-out for its whole request.
#[derive(Debug)]
pub struct BlackHole {
    address: SocketAddr,
    _listener: TcpListener,
    _backlog: Vec<TcpStream>,
}

/// How long an attempt to connect takes at most while the backlog has room.
const CONNECTS_WITHIN: Duration = Duration::from_millis(200);
/// More connections than fit into the shortest backlog of any system.
const MOST: usize = 16;

impl BlackHole {
    /// Fills the backlog of a free port on the loopback address.
    ///
    /// # Panics
    /// Where the loopback address has no free port.
    pub async fn open() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
        let listener = socket.listen(0).expect("a listener");
        let address = listener.local_addr().expect("an address");
        let mut backlog = Vec::new();
        while backlog.len() < MOST
            && let Ok(Ok(connection)) = timeout(CONNECTS_WITHIN, TcpStream::connect(address)).await
        {
            backlog.push(connection);
        }
        Self { address, _listener: listener, _backlog: backlog }
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
