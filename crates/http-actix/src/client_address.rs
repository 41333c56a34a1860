//! The address of a client behind proxies.

use std::net::IpAddr;

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue, X_FORWARDED_FOR};
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The proxies whose reports of their clients' addresses are trusted.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    /// Their networks.
    pub networks: Vec<IpNet>,
    /// The header in which they report.
    pub header: ForwardedHeader,
}

/// The header in which a proxy reports the address of its client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl TrustedProxies {
    /// Returns the client's address, from that of the connection's peer and the headers of the request.
    ///
    /// Each proxy appends the address that it was called from. So the list is read from its end, as long as the address
    /// that reported an entry is a trusted proxy: what comes before may be invented by the client.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trust(client) {
            return client;
        }
        let lines = headers.get_all(self.header.name()).map(HeaderValue::as_bytes);
        let entries: Vec<&[u8]> = lines.flat_map(|line| line.split(|byte| *byte == b',')).collect();
        for entry in entries.into_iter().rev() {
            let entry = std::str::from_utf8(entry).ok().map(str::trim);
            let Some(address) = entry.and_then(|entry| self.header.address(entry)) else { break };
            client = address.to_canonical();
            if !self.trust(client) {
                break;
            }
        }
        client
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

impl ForwardedHeader {
    fn name(self) -> HeaderName {
        match self {
            Self::XForwardedFor => X_FORWARDED_FOR,
            Self::Forwarded => FORWARDED,
        }
    }

    /// Returns the address in one entry of the header, if it is one.
    fn address(self, entry: &str) -> Option<IpAddr> {
        match self {
            Self::XForwardedFor => without_port(entry),
            Self::Forwarded => {
                let is_for = |pair: &str| pair.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("for="));
                let pair = entry.split(';').map(str::trim).find(|pair| is_for(pair))?;
                without_port(pair[4..].trim_matches('"'))
            }
        }
    }
}

/// Parses an address with or without a port; one of IPv6 with a port is in brackets.
fn without_port(text: &str) -> Option<IpAddr> {
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok();
    }
    let host = text.split_once(':').filter(|(_, rest)| !rest.contains(':')).map_or(text, |(host, _)| host);
    host.parse().ok()
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn client(header: ForwardedHeader, peer: &str, lines: &[&str]) -> String {
        let networks = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().expect("a network"));
        let proxies = TrustedProxies { networks: networks.to_vec(), header };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header.name(), HeaderValue::from_bytes(line.as_bytes()).expect("a value"));
        }
        proxies.client(peer.parse().expect("an address"), &headers).to_string()
    }

    #[test]
    fn the_client_is_the_last_address_that_a_trusted_proxy_reported() {
        let client = |peer, lines| client(ForwardedHeader::XForwardedFor, peer, lines);
        assert_eq!(client("10.0.0.1", &["1.1.1.1"]), "1.1.1.1");
        assert_eq!(client("::ffff:10.0.0.1", &["1.1.1.1"]), "1.1.1.1");
        assert_eq!(client("10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.0.0.2"]), "1.1.1.1");
        assert_eq!(client("10.0.0.1", &["6.6.6.6", "1.1.1.1:443 ,10.0.0.2:80"]), "1.1.1.1");
        assert_eq!(client("fd00::1", &["[2001:db8::7]:80"]), "2001:db8::7");
        assert_eq!(client("fd00::1", &["2001:db8::7"]), "2001:db8::7");
        assert_eq!(client("10.0.0.1", &["\u{ff}, 1.1.1.1"]), "1.1.1.1");
        assert_eq!(client("10.0.0.1", &["10.0.0.3"]), "10.0.0.3");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_others_report_is_not_trusted() {
        let client = |peer, lines| client(ForwardedHeader::XForwardedFor, peer, lines);
        assert_eq!(client("9.9.9.9", &["1.1.1.1"]), "9.9.9.9");
        assert_eq!(client("10.0.0.1", &["1.1.1.1, unknown"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["1.1.1.1, , 10.0.0.2"]), "10.0.0.2");
    }

    #[test]
    fn the_header_of_rfc_7239_is_read_where_it_is_configured() {
        let client = |lines| client(ForwardedHeader::Forwarded, "10.0.0.1", lines);
        assert_eq!(client(&["for=6.6.6.6, For=1.1.1.1;proto=https"]), "1.1.1.1");
        assert_eq!(client(&["proto=http;for=\"[2001:db8::7]:4711\""]), "2001:db8::7");
        assert_eq!(client(&["for=1.1.1.1, for=_hidden"]), "10.0.0.1");
        assert_eq!(client(&["by=1.1.1.1"]), "10.0.0.1");
    }
}
