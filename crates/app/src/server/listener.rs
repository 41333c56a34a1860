use std::fmt::Debug;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use anyhow::Context;
use socket2::{Domain, Protocol, Socket, Type};

/// The connections that may wait to be accepted; the system may allow fewer (Linux: `net.core.somaxconn`).
const BACKLOG: i32 = 4_096;

/// Listens on the first of `address`'s addresses that can be listened on.
///
/// # Errors
/// Where none can, with the last one's reason.
pub(super) fn listen(address: impl ToSocketAddrs + Debug) -> anyhow::Result<TcpListener> {
    let addresses = address.to_socket_addrs();
    let addresses =
        addresses.with_context(|| format!("cannot resolve {address:?}; choose another --host"))?;
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match listen_on(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failure = error,
        }
    }
    Err(failure).with_context(|| format!("cannot listen on {address:?}"))
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of an earlier process that are being closed do not keep the port from this one. On Windows the option
    // would let two processes have the port at once.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_thousand_connections_wait_to_be_accepted() {
        let listener = listen(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let waiting: Vec<_> = (0..1_100)
            .map(|_| {
                let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                socket.connect_timeout(&address.into(), std::time::Duration::from_secs(30)).unwrap();
                socket
            })
            .collect();
        assert_eq!(waiting.len(), 1_100);
    }

    #[test]
    fn a_taken_address_is_an_error_that_names_it() {
        let listener = listen(("127.0.0.1", 0)).unwrap();
        let error = listen(listener.local_addr().unwrap()).unwrap_err();
        assert!(format!("{error:#}").contains("cannot listen on 127.0.0.1:"), "{error:#}");
    }
}
