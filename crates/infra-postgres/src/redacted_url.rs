use std::net::Ipv6Addr;

/// The parameters of a URL that are known to hold no secret.
const SHOWN_PARAMETERS: [&str; 10] = [
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

/// Returns `url` with its passwords replaced by asterisks, or none where it does not have the form
/// `SCHEME://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE][?PARAMETERS]`.
///
/// Such a URL cannot be redacted: an unescaped `?`, `/` or `#` in a password moves the rest of it to where a path or a
/// query is.
pub fn redacted_url(url: &str) -> Option<String> {
    let (scheme, server) = url.split_once("://")?;
    let (authority, rest) = server.split_at(server.find(['/', '?', '#']).unwrap_or(server.len()));
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
    Some(format!("{scheme}://{user}{host}{database}{query}"))
}

/// Whether `host` is a name or an address, with or without a port; it is empty where a parameter names a socket.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, ""),
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let is_name = match address {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => name.chars().all(|c| c.is_alphanumeric() || ".-_%".contains(c)),
    };
    is_name && (port.is_empty() || port.parse::<u16>().is_ok())
}

fn redacted_parameter(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, _)) if SHOWN_PARAMETERS.contains(&name) => pair.to_owned(),
        Some((name, _)) => format!("{name}=***"),
        None => "***".to_owned(),
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
            ("postgres://ann:s3cret@[::1]:5432/x", "postgres://ann:***@[::1]:5432/x"),
            ("postgresql://ann:s3cret@/x?host=/run/pg", "postgresql://ann:***@/x?host=/run/pg"),
            (
                "postgres://db/x?sslmode=verify-full&options=-c%20a=s3cret",
                "postgres://db/x?sslmode=verify-full&options=***",
            ),
        ] {
            assert_eq!(redacted_url(url).as_deref(), Some(shown));
        }
    }

    #[test]
    fn a_malformed_url_is_not_redacted() {
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
            assert_eq!(redacted_url(url), None, "{url}");
        }
    }
}
