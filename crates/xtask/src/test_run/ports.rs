use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::bail;

/// Returns a port of the loopback interface that no process listens on now.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Returns ports of the loopback interface for servers that are restarted on the same port: no process listens on
/// them now, and the system assigns them to no outgoing connection.
pub(crate) fn fixed_ports<const N: usize>() -> anyhow::Result<[u16; N]> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    // Linux's range begins at 32768 by default; those of other systems begin later.
    let outgoing = range.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(32_768);
    // The search begins at a port that depends on the process, so that two runs started at once choose different ones.
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
    bail!("the loopback interface does not have {N} free ports below {outgoing}")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn fixed_ports_are_different_and_can_be_listened_on() {
        let ports = fixed_ports::<3>().unwrap();
        let listeners = ports.map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap());
        assert_eq!(listeners.map(|listener| listener.local_addr().unwrap().port()), ports);
    }
}
