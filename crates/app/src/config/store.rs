use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::Seconds;

/// Where answers are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreSettings {
    pub(crate) url: StoreUrl,
    pub(crate) timeout: Seconds,
    pub(crate) start_timeout: Seconds,
    pub(crate) max_connections: u32,
    pub(crate) readers: u32,
    pub(crate) max_size_mib: u64,
    pub(crate) allow_unsafe: bool,
    pub(crate) relay_interval: Seconds,
}

/// The store's address, which may hold a password: blind in `Debug`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct StoreUrl(String);

/// The adapter that an address chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Sqlite,
    Postgres,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            url: StoreUrl("sqlite:data/undertone.db".to_owned()),
            timeout: Seconds(5.0),
            start_timeout: Seconds(30.0),
            max_connections: 10,
            readers: 4,
            max_size_mib: 0,
            allow_unsafe: false,
            relay_interval: Seconds(0.5),
        }
    }
}

impl StoreSettings {
    pub(super) fn validate(&self) -> Result<(), String> {
        self.timeout.validate("store.timeout", 0.1)?;
        self.start_timeout.validate("store.start_timeout", 0.0)?;
        self.relay_interval.validate("store.relay_interval", 0.01)?;
        self.url.validate()?;
        // With a single connection a slow list would hold up reads by id and the relay.
        for (key, value, least) in
            [("store.max_connections", self.max_connections, 2), ("store.readers", self.readers, 1)]
        {
            if !(least..=1_000).contains(&value) {
                return Err(format!("{key} must be from {least} to 1000, not {value}"));
            }
        }
        Ok(())
    }
}

impl StoreUrl {
    /// The address, password and all: for the adapter alone.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Refuses what cannot be read as an address: it would lead to another server than was meant, and parts of its
    /// password would stand in that server's name or in parameters, which are logged.
    fn validate(&self) -> Result<(), String> {
        if self.kind()? == StoreKind::Postgres && self.redacted_server().is_none() {
            let shown = self.redacted();
            return Err(format!(
                "store.url {shown} cannot be read as an address; percent-encode ?, /, # and @ in its user and password"
            ));
        }
        Ok(())
    }

    /// The adapter it chooses.
    pub(crate) fn kind(&self) -> Result<StoreKind, String> {
        match self.0.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(StoreKind::Sqlite),
            Some("postgres" | "postgresql") => Ok(StoreKind::Postgres),
            _ => Err("store.url must begin with sqlite: or postgres://".into()),
        }
    }

    /// The address as it may be shown: passwords are replaced by asterisks. Of an address that is not written as an
    /// address must be, only the scheme is shown, since its password may be in any place: an unescaped `?`, `/` or `#` in
    /// it moves the rest of it to where a path or a query stands.
    pub(crate) fn redacted(&self) -> String {
        let scheme = self.0.split(':').next().unwrap_or_default();
        match self.kind() {
            // Such an address names a file, and knows no password.
            Ok(StoreKind::Sqlite) => self.0.clone(),
            Ok(StoreKind::Postgres) => {
                let server = self.redacted_server();
                format!("{scheme}:{}", server.map_or("***".to_owned(), |server| format!("//{server}")))
            }
            Err(_) => "***".to_owned(),
        }
    }

    fn redacted_server(&self) -> Option<String> {
        self.0.split_once("://").and_then(|(_, server)| redacted_server(server))
    }
}

/// `[user[:password]@]host[:port][/database][?parameters]` without what must not be shown; none where it is not of that
/// form.
fn redacted_server(address: &str) -> Option<String> {
    let (authority, rest) = address.split_at(address.find(['/', '?', '#']).unwrap_or(address.len()));
    let (user, host) =
        authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    if rest.contains(['@', '#']) || !is_host(host) {
        return None;
    }
    let user = user.map_or(String::new(), |user| match user.split_once(':') {
        Some((name, _)) => format!("{name}:***@"),
        None => format!("{user}@"),
    });
    let (database, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    let query = query.map_or(String::new(), |query| {
        format!("?{}", query.split('&').map(redacted_parameter).collect::<Vec<_>>().join("&"))
    });
    Some(format!("{user}{host}{database}{query}"))
}

/// Whether `host` is a name or an address, with a port or without; or nothing, where a parameter names a socket.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, ""),
    };
    let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let is_name = match inner {
        Some(ip) => ip.parse::<std::net::Ipv6Addr>().is_ok(),
        None => name.chars().all(|c| c.is_alphanumeric() || ".-_%".contains(c)),
    };
    is_name && (port.is_empty() || port.parse::<u16>().is_ok())
}

/// A parameter of the address: its value is shown where it is known to be no secret.
fn redacted_parameter(pair: &str) -> String {
    const SHOWN: [&str; 10] = [
        "application_name",
        "dbname",
        "host",
        "hostaddr",
        "port",
        "sslcert",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "user",
    ];
    match pair.split_once('=') {
        Some((name, _)) if SHOWN.contains(&name) => pair.to_owned(),
        Some((name, _)) => format!("{name}=***"),
        None => "***".to_owned(),
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.redacted(), out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("postgres://ann:s3cret@db:5432/x", "postgres://ann:***@db:5432/x"),
            ("postgres://ann:s3@cret@db/x", "postgres://ann:***@db/x"),
            ("postgres://db/x?user=ann&password=s3cret", "postgres://db/x?user=ann&password=***"),
            ("postgres://ann@db/x", "postgres://ann@db/x"),
            ("sqlite:data/undertone.db?mode=ro", "sqlite:data/undertone.db?mode=ro"),
            ("postgres://ann:s3cret@[::1]:5432/x", "postgres://ann:***@[::1]:5432/x"),
            ("postgresql://ann:s3cret@/x?host=/run/pg", "postgresql://ann:***@/x?host=/run/pg"),
            (
                "postgres://db/x?sslmode=verify-full&options=-c%20a=s3cret",
                "postgres://db/x?sslmode=verify-full&options=***",
            ),
        ] {
            let url = StoreUrl(url.to_owned());
            assert_eq!(url.redacted(), shown);
            assert!(!format!("{url:?}").contains("cret"));
        }
    }

    #[test]
    fn of_an_address_that_cannot_be_read_only_the_scheme_is_shown() {
        for url in [
            "postgres://ann:s3cret?x@db/x",
            "postgres://ann:12?s3cret@db:5432/x",
            "postgres://ann:12/s3cret@db/x",
            "postgres://ann:12#s3cret@db/x",
            "postgres://ann:s3cret",
            "postgres://ann:s3cret@db:port/x",
            "postgres://ann:s3cret@db:70000/x",
            "postgres://ann:s3cret@d b/x",
            "postgres:ann:s3cret@db/x",
            "postgres:/ann:s3cret@db/x",
        ] {
            let shown = StoreUrl(url.to_owned()).redacted();
            assert_eq!(shown, "postgres:***", "{url}");
        }
        assert_eq!(StoreUrl("ann:s3cret@db".to_owned()).redacted(), "***");
    }
}
