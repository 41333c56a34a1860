use std::net::Ipv4Addr;

/// The names of this service that a request may give as its `Host`.
///
/// A web page can make its own host name resolve to any address (DNS rebinding). The browser then treats a service at
/// that address as part of the page's origin and lets the page read every response. The `Host` header still carries
/// the page's name, so refusing unknown names prevents the attack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AllowedHosts {
    /// Any name.
    #[default]
    Any,
    /// The names and addresses of the loopback interface, which only a page from this machine can have as its origin,
    /// and these names, in lower case and without a port.
    LoopbackAnd(Vec<String>),
}

impl AllowedHosts {
    /// Whether `authority`, a host with or without a port, is allowed.
    pub(crate) fn allows(&self, authority: &str) -> bool {
        let Self::LoopbackAnd(names) = self else { return true };
        let host = host_of(authority).to_ascii_lowercase();
        is_loopback(&host) || names.contains(&host)
    }
}

/// Returns the authority without its port and without the dot that ends a fully qualified name.
fn host_of(authority: &str) -> &str {
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) => host,
        _ => authority,
    };
    host.strip_suffix('.').unwrap_or(host)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host == "[::1]"
        || host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names_and_the_listed_ones_are_allowed_with_any_port() {
        let hosts = AllowedHosts::LoopbackAnd(vec!["sentiment.example".to_owned()]);
        for allowed in [
            "localhost",
            "LocalHost:8000",
            "localhost.",
            "127.0.0.1",
            "127.9.9.9:1",
            "[::1]",
            "[::1]:8000",
            "sentiment.example",
            "Sentiment.Example.:443",
        ] {
            assert!(hosts.allows(allowed), "{allowed}");
        }
        for refused in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.example:8000",
            "[::2]",
            "10.0.0.1",
            "127.0.0.1:80:80",
            "localhost:evil",
            "evil@localhost",
            "notlocalhost",
        ] {
            assert!(!hosts.allows(refused), "{refused}");
        }
        assert!(AllowedHosts::Any.allows("evil.example"));
    }
}
