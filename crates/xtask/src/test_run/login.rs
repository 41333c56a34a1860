use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::supervised::Supervised;

/// The superuser of the servers that are started here.
pub(super) const USER: &str = "undertone";

/// How long a server may take to start.
pub(super) const SHORT: Duration = Duration::from_mins(1);
/// How long it may take where something is fetched first.
pub(super) const LONG: Duration = Duration::from_mins(10);

/// A port of the loopback that nobody listens on now.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Ports of the loopback that servers get again when they are started again: nobody listens on them now, and the
/// system gives them to no outgoing connection.
pub(crate) fn fixed_ports<const N: usize>() -> anyhow::Result<[u16; N]> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    // 32768 is what Linux begins with; other systems begin later.
    let outgoing = range.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(32_768);
    // Not those from the beginning: two runs that start at once look in different places.
    let first = 10_240 + u16::try_from(std::process::id() % 16_384).unwrap_or_default();
    let mut held = Vec::with_capacity(N);
    for port in (first..outgoing).chain(10_240..first.min(outgoing)) {
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            held.push((port, listener));
        }
        if let Ok(ports) = <[_; N]>::try_from(held.iter().map(|(port, _)| *port).collect::<Vec<_>>()) {
            return Ok(ports);
        }
    }
    bail!("the loopback has no {N} free ports below {outgoing}")
}

/// Where the server on `port` is, for a client that knows no password.
pub(crate) fn url(port: u16) -> String {
    format!("postgres://{USER}@127.0.0.1:{port}/postgres")
}

/// Waits until the server on `port` lets [`USER`] in.
///
/// # Errors
/// Where the server ends by itself or takes longer than `patience`: with what it said.
pub(super) fn wait_until_open(port: u16, server: &mut Supervised, patience: Duration) -> anyhow::Result<()> {
    let started = Instant::now();
    while !lets_in(port) {
        if server.has_ended() {
            bail!("the PostgreSQL for the tests did not start; it said:\n{}", server.said());
        }
        if started.elapsed() > patience {
            bail!("the PostgreSQL for the tests is not open after {patience:?}; it said:\n{}", server.said());
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "another program starts, and tells nobody when it is open"
        )]
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Whether the server answers a login without a password with "authenticated".
fn lets_in(port: u16) -> bool {
    let answer = || -> std::io::Result<u8> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(&startup_message())?;
        let mut kind = [0];
        stream.read_exact(&mut kind)?;
        stream.write_all(b"X\0\0\0\x04")?;
        Ok(kind[0])
    };
    // `R` is what follows a startup message that is accepted; a server that still starts says `E`.
    answer().is_ok_and(|kind| kind == b'R')
}

/// The `StartupMessage` of the frontend/backend protocol 3.0 (`PostgreSQL` documentation, "Message Formats").
fn startup_message() -> Vec<u8> {
    let mut body = vec![0, 3, 0, 0];
    for word in ["user", USER, "database", "postgres", ""] {
        body.extend_from_slice(word.as_bytes());
        body.push(0);
    }
    let length = u32::try_from(body.len() + 4).unwrap_or_default();
    let mut message = length.to_be_bytes().to_vec();
    message.append(&mut body);
    message
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    /// A server that reads a startup message and answers with one byte.
    fn answering(answer: &'static [u8]) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut message = vec![0; startup_message().len()];
            stream.read_exact(&mut message).unwrap();
            assert_eq!(message, startup_message());
            stream.write_all(answer).unwrap();
        });
        port
    }

    #[test]
    fn a_server_is_open_when_it_accepts_a_login_and_not_before() {
        assert!(lets_in(answering(b"R\0\0\0\x08\0\0\0\0")));
        assert!(!lets_in(answering(b"E")));
        assert!(!lets_in(answering(b"")));
        assert!(!lets_in(free_port().unwrap()));
    }

    #[test]
    fn fixed_ports_are_different_and_can_be_listened_on() {
        let ports = fixed_ports::<3>().unwrap();
        let listeners = ports.map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap());
        assert_eq!(listeners.map(|listener| listener.local_addr().unwrap().port()), ports);
    }

    #[test]
    fn a_startup_message_begins_with_its_own_length() {
        let message = startup_message();
        assert_eq!(message[..4], (message.len() as u32).to_be_bytes());
        assert!(message.ends_with(b"postgres\0\0"));
    }
}
