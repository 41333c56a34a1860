use std::net::{IpAddr, ToSocketAddrs};

use http_actix::ServerSettings;

use crate::config::{AuthMode, Settings};

/// Refuses a service without authentication that other machines can reach, unless the configuration says so.
///
/// # Errors
/// `server.host` or `server.admin_address` is not of the loopback interface, or `server.host` cannot be resolved, while
/// `auth.mode` is `none`.
pub(crate) fn check(settings: &Settings) -> anyhow::Result<()> {
    let ServerSettings { host, admin_address, .. } = &settings.server;
    match settings.auth.mode {
        AuthMode::None => {}
        AuthMode::Required => return Ok(()),
        AuthMode::Disabled => {
            tracing::warn!(
                "auth.mode is disabled: every client that reaches the address may use the service"
            );
            return Ok(());
        }
    }
    anyhow::ensure!(is_local(settings)?, refusal("host", host));
    if let Some(address) = admin_address {
        anyhow::ensure!(is_loopback(address.ip()), refusal("admin_address", &address.to_string()));
    }
    Ok(())
}

/// Whether only this machine can reach `server.host`.
///
/// # Errors
/// It cannot be resolved.
pub(crate) fn is_local(settings: &Settings) -> anyhow::Result<bool> {
    let ServerSettings { host, port, .. } = &settings.server;
    let addresses = (host.as_str(), *port).to_socket_addrs();
    let mut addresses = addresses
        .map_err(|error| anyhow::anyhow!("cannot resolve {host}: {error}; choose another --host"))?;
    Ok(addresses.all(|address| is_loopback(address.ip())))
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn refusal(key: &str, value: &str) -> String {
    format!(
        "other machines can reach server.{key} {value}, but auth.mode is \"none\"; set auth.mode = \"required\" to \
         accept only callers with a key (`undertone tenants add`, then `undertone keys issue`), or \
         auth.mode = \"disabled\" to accept every client that reaches the address"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(host: &str, mode: AuthMode) -> Result<(), String> {
        checked_with(host, None, mode)
    }

    fn checked_with(host: &str, admin_address: Option<&str>, mode: AuthMode) -> Result<(), String> {
        let mut settings = Settings::default();
        settings.server.host = host.to_owned();
        settings.server.admin_address = admin_address.map(|address| address.parse().unwrap());
        settings.auth.mode = mode;
        check(&settings).map_err(|error| error.to_string())
    }

    #[test]
    fn without_authentication_only_loopback_addresses_are_served_unless_it_is_disabled() {
        for host in ["127.0.0.1", "127.1.2.3", "::1", "localhost", "::ffff:127.0.0.1"] {
            assert_eq!(checked(host, AuthMode::None), Ok(()), "{host}");
        }
        for host in ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"] {
            let error = checked(host, AuthMode::None).unwrap_err();
            assert!(error.contains("auth.mode = \"required\"") && error.contains("auth.mode = \"disabled\""));
            assert!(error.contains(host) && !error.contains('\n'), "{error}");
            assert_eq!(checked(host, AuthMode::Required), Ok(()));
            assert_eq!(checked(host, AuthMode::Disabled), Ok(()));
        }
    }

    #[test]
    fn without_authentication_the_operators_listener_is_on_loopback_only() {
        let checked = |address, mode| checked_with("127.0.0.1", Some(address), mode);
        for address in ["127.0.0.1:9000", "[::1]:9000", "[::ffff:127.0.0.1]:9000"] {
            assert_eq!(checked(address, AuthMode::None), Ok(()), "{address}");
        }
        for address in ["0.0.0.0:9000", "[::]:9000", "192.0.2.1:9000"] {
            let error = checked(address, AuthMode::None).unwrap_err();
            assert!(error.contains(&format!("server.admin_address {address}, but")), "{error}");
            assert_eq!(checked(address, AuthMode::Required), Ok(()));
            assert_eq!(checked(address, AuthMode::Disabled), Ok(()));
        }
    }
}
