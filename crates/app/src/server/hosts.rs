use std::net::{Ipv6Addr, SocketAddr};

use http_actix::AllowedHosts;

use crate::config::ServerSettings;

/// The hosts that requests to a listener may be for. Who listens on the loopback serves this machine, whose browsers
/// must not be led there by a page's own name; elsewhere the names are not known, unless they are configured.
pub(super) fn allowed(settings: &ServerSettings, listens_on: SocketAddr) -> AllowedHosts {
    let configured = &settings.allowed_hosts;
    let any = configured.iter().any(|host| host == "*");
    if any || (configured.is_empty() && !listens_on.ip().is_loopback()) {
        return AllowedHosts::Any;
    }
    let own = match settings.host.parse() {
        Ok(address @ Ipv6Addr { .. }) => format!("[{address}]"),
        Err(_no_address) => settings.host.clone(),
    };
    let names = configured.iter().cloned().chain([own]).map(|host| host.to_ascii_lowercase());
    AllowedHosts::LoopbackAnd(names.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(host: &str, listens_on: &str, configured: &[&str]) -> AllowedHosts {
        let allowed_hosts = configured.iter().map(|host| (*host).to_owned()).collect();
        let settings = ServerSettings { host: host.to_owned(), allowed_hosts, ..ServerSettings::default() };
        allowed(&settings, listens_on.parse().unwrap())
    }

    fn only(names: &[&str]) -> AllowedHosts {
        AllowedHosts::LoopbackAnd(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_listener_on_the_loopback_takes_no_other_names_unless_they_are_configured() {
        assert_eq!(hosts("127.0.0.1", "127.0.0.1:80", &[]), only(&["127.0.0.1"]));
        assert_eq!(hosts("My-Host", "127.0.1.1:80", &[]), only(&["my-host"]));
        assert_eq!(hosts("::1", "[::1]:80", &["A.example"]), only(&["a.example", "[::1]"]));
        assert_eq!(hosts("127.0.0.1", "127.0.0.1:80", &["*"]), AllowedHosts::Any);
    }

    #[test]
    fn another_listener_takes_any_name_unless_some_are_configured() {
        assert_eq!(hosts("0.0.0.0", "0.0.0.0:80", &[]), AllowedHosts::Any);
        assert_eq!(hosts("0.0.0.0", "0.0.0.0:80", &["a.example"]), only(&["a.example", "0.0.0.0"]));
    }
}
