use std::net::{Ipv6Addr, SocketAddr};

use crate::allowed_hosts::AllowedHosts;
use crate::server::settings::ServerSettings;

/// Returns the hosts that a request to the listener on `address` may name.
///
/// A service on the loopback interface serves this machine, so a page must not reach it by the page's own name. The
/// names of any other service are not known unless they are configured.
pub(super) fn allowed_hosts(settings: &ServerSettings, address: SocketAddr) -> AllowedHosts {
    let configured = &settings.allowed_hosts;
    let any = configured.iter().any(|host| host == "*");
    if any || (configured.is_empty() && !address.ip().is_loopback()) {
        return AllowedHosts::Any;
    }
    let own = match settings.host.parse() {
        Ok(address @ Ipv6Addr { .. }) => format!("[{address}]"),
        Err(_not_an_address) => settings.host.clone(),
    };
    let names = configured.iter().cloned().chain([own]).map(|host| host.to_ascii_lowercase());
    AllowedHosts::LoopbackAnd(names.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(host: &str, address: &str, configured: &[&str]) -> AllowedHosts {
        let allowed_hosts = configured.iter().map(|host| (*host).to_owned()).collect();
        let settings = ServerSettings { host: host.to_owned(), allowed_hosts, ..ServerSettings::default() };
        super::allowed_hosts(&settings, address.parse().expect("an address"))
    }

    fn only(names: &[&str]) -> AllowedHosts {
        AllowedHosts::LoopbackAnd(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_listener_on_the_loopback_accepts_no_other_names_unless_they_are_configured() {
        assert_eq!(hosts("127.0.0.1", "127.0.0.1:80", &[]), only(&["127.0.0.1"]));
        assert_eq!(hosts("My-Host", "127.0.1.1:80", &[]), only(&["my-host"]));
        assert_eq!(hosts("::1", "[::1]:80", &["A.example"]), only(&["a.example", "[::1]"]));
        assert_eq!(hosts("127.0.0.1", "127.0.0.1:80", &["*"]), AllowedHosts::Any);
    }

    #[test]
    fn another_listener_accepts_any_name_unless_some_are_configured() {
        assert_eq!(hosts("0.0.0.0", "0.0.0.0:80", &[]), AllowedHosts::Any);
        assert_eq!(hosts("0.0.0.0", "0.0.0.0:80", &["a.example"]), only(&["a.example", "0.0.0.0"]));
    }
}
