use std::fmt::Display;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};

use crate::server::error::ServeError;

/// The connections that may wait to be accepted; the system may allow fewer (Linux: `net.core.somaxconn`).
const BACKLOG: i32 = 4_096;

/// A socket that has an address and accepts no connection yet, so that a client's attempt is refused rather than left
/// waiting while the service starts.
pub(super) struct BoundSocket {
    socket: Socket,
    /// The address as errors name it.
    shown: String,
}

impl BoundSocket {
    /// Binds the first of `addresses` that can be bound. An error names them as `shown`.
    ///
    /// # Errors
    /// `Resolve`, or `Bind` with the reason for the last address.
    pub(super) fn bind(addresses: impl ToSocketAddrs, shown: impl Display) -> Result<Self, ServeError> {
        let shown = shown.to_string();
        let addresses = match addresses.to_socket_addrs() {
            Ok(addresses) => addresses,
            Err(reason) => return Err(ServeError::resolve(shown, &reason)),
        };
        let mut reason = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in addresses {
            match bind_one(address) {
                Ok(socket) => return Ok(Self { socket, shown }),
                Err(error) => reason = error,
            }
        }
        Err(ServeError::bind(shown, &reason))
    }

    /// Begins to accept connections.
    ///
    /// # Errors
    /// `Bind`: another process has begun to listen there since.
    pub(super) fn listen(self) -> Result<TcpListener, ServeError> {
        let Self { socket, shown } = self;
        match socket.listen(BACKLOG) {
            Ok(()) => Ok(socket.into()),
            Err(reason) => Err(ServeError::bind(shown, &reason)),
        }
    }
}

fn bind_one(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // The port can be bound while connections of an earlier process are still closing. On Windows the option would let
    // two processes bind it at once.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;

    fn bind_any() -> (TcpListener, SocketAddr) {
        let socket = BoundSocket::bind(("127.0.0.1", 0), "any port").expect("a free port");
        let listener = socket.listen().expect("a listener");
        let address = listener.local_addr().expect("an address");
        (listener, address)
    }

    #[test]
    fn more_than_a_thousand_connections_wait_to_be_accepted() {
        let (_listener, address) = bind_any();
        let connect = |_| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
            socket.connect_timeout(&address.into(), Duration::from_secs(30)).expect("in the backlog");
            socket
        };
        assert_eq!((0..1_100).map(connect).collect::<Vec<_>>().len(), 1_100);
    }

    #[test]
    fn a_bound_address_is_an_error_that_names_it_and_says_what_to_do() {
        let (_listener, address) = bind_any();
        let error = BoundSocket::bind(address, address).err().expect("bound already").to_string();
        let expected =
            "address already in use: another program listens there; stop it, or choose another --port";
        assert_eq!(error, format!("cannot bind {address}: {expected}"));
    }

    #[test]
    fn an_address_of_another_machine_is_an_error_about_the_host() {
        let address = SocketAddr::from(([192, 0, 2, 1], 0));
        let error = BoundSocket::bind(address, address).err().expect("not of this machine").to_string();
        assert_eq!(
            error,
            "cannot bind 192.0.2.1:0: cannot assign requested address: this machine has no such address; choose \
             another --host"
        );
    }

    #[test]
    fn a_bound_socket_refuses_connections_until_it_listens() {
        let socket = BoundSocket::bind(("127.0.0.1", 0), "any port").expect("a free port");
        let address = socket.socket.local_addr().expect("bound").as_socket().expect("an IP address");
        let refused = TcpStream::connect(address).expect_err("not listening");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        let _listener = socket.listen().expect("a listener");
        TcpStream::connect(address).expect("accepted");
    }
}
