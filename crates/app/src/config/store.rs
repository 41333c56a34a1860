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
        self.url.kind()?;
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

    /// The adapter it chooses.
    pub(crate) fn kind(&self) -> Result<StoreKind, String> {
        match self.0.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(StoreKind::Sqlite),
            Some("postgres" | "postgresql") => Ok(StoreKind::Postgres),
            _ => Err("store.url must begin with sqlite: or postgres://".into()),
        }
    }

    /// The address with its password, in whichever place one can stand, replaced by asterisks.
    pub(crate) fn redacted(&self) -> String {
        let (base, query) = self.0.split_once('?').map_or((self.0.as_str(), None), |(b, q)| (b, Some(q)));
        let base = match (base.split_once("://"), base.rfind('@')) {
            (Some((scheme, rest)), Some(_)) => {
                let (user, host) = rest.rsplit_once('@').unwrap_or(("", rest));
                let user = user.split_once(':').map_or(user.to_owned(), |(name, _)| format!("{name}:***"));
                format!("{scheme}://{user}@{host}")
            }
            _ => base.to_owned(),
        };
        let Some(query) = query else { return base };
        let blind = |pair: &str| match pair.split_once('=') {
            Some((name, _)) if name.contains("password") => format!("{name}=***"),
            _ => pair.to_owned(),
        };
        let query: Vec<String> = query.split('&').map(blind).collect();
        format!("{base}?{}", query.join("&"))
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
        ] {
            let url = StoreUrl(url.to_owned());
            assert_eq!(url.redacted(), shown);
            assert!(!format!("{url:?}").contains("cret"));
        }
    }
}
