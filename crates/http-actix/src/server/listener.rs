use std::fmt::Display;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};

use crate::server::error::ServeError;

/// The connections that may wait to be accepted; the system may allow fewer (Linux: `net.core.somaxconn`).
const BACKLOG: i32 = 4_096;

/// Binds the first of `addresses` that can be bound. An error names them as `shown`.
///
/// # Errors
/// `Resolve`, or `Bind` with the reason for the last address.
pub(super) fn bind(addresses: impl ToSocketAddrs, shown: impl Display) -> Result<TcpListener, ServeError> {
    let address = || shown.to_string();
    let addresses =
        addresses.to_socket_addrs().map_err(|reason| ServeError::Resolve { address: address(), reason })?;
    let mut reason = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match bind_one(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => reason = error,
        }
    }
    Err(ServeError::Bind { address: address(), reason })
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // The port can be bound while connections of an earlier process are still closing. On Windows the option would let
    // two processes bind it at once.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn bind_any() -> (TcpListener, SocketAddr) {
        let listener = bind(("127.0.0.1", 0), "any port").expect("a free port");
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
        let error = bind(address, address).expect_err("bound already").to_string();
        assert!(error.starts_with(&format!("cannot bind {address}: ")), "{error}");
        assert!(error.ends_with("; choose another --port"), "{error}");
    }
}
