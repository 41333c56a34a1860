use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::config::Seconds;

/// Where predictions are stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreSettings {
    /// Where predictions are stored. SQLite: a file, created with its folder (`?mode=ro` opens it read-only).
    #[schemars(with = "String", extend("values" = "sqlite:FILE, postgres://…"))]
    pub(crate) url: StoreUrl,
    /// The longest that a store may take, including the wait for a connection; then 503.
    #[schemars(range(min = 0.1, max = 86_400))]
    pub(crate) timeout: Seconds,
    /// How long to wait at start for a store that does not respond yet.
    #[schemars(range(min = 0, max = 86_400))]
    pub(crate) start_timeout: Seconds,
    /// PostgreSQL: the most connections of this process, in addition to two for the writer and the health check; lists
    /// use at most half of them.
    // With a single connection a slow list would delay reads by id and the relay.
    #[schemars(range(min = 2, max = 1_000))]
    pub(crate) max_connections: u32,
    /// SQLite: the most lists that are read at the same time. Reads by id have connections of their own.
    #[schemars(range(min = 1, max = 1_000))]
    pub(crate) readers: u32,
    /// SQLite: the largest size of the database file, plus what its write-ahead log takes beyond 64 MiB; 0 for no
    /// limit. Beyond it writes get 503.
    #[schemars(extend("values" = "MiB"))]
    pub(crate) max_size_mib: u64,
    /// PostgreSQL: start even if `fsync` or `synchronous_commit` is off, which can lose acknowledged predictions.
    pub(crate) allow_unsafe: bool,
    /// How often the outbox is checked for events that need a position in the feed.
    #[schemars(range(min = 0.01, max = 86_400))]
    pub(crate) relay_interval: Seconds,
}

/// The store's address, which may hold a password: redacted in `Debug` and when it is serialized.
#[derive(Clone, PartialEq, Deserialize)]
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
            relay_interval: Seconds(0.2),
        }
    }
}

impl StoreUrl {
    /// Returns the address with its password, for the adapter only.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the adapter that the address chooses.
    ///
    /// # Errors
    /// An address of no adapter, or one that cannot be parsed and so could reach another server with parts of its
    /// password.
    pub(crate) fn kind(&self) -> Result<StoreKind, String> {
        match self.0.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(StoreKind::Sqlite),
            Some("postgres" | "postgresql") if infra_postgres::redacted_url(&self.0).is_some() => {
                Ok(StoreKind::Postgres)
            }
            Some("postgres" | "postgresql") => Err(format!(
                "store.url {} cannot be parsed; percent-encode ?, /, # and @ in its user and password",
                self.redacted()
            )),
            _ => Err("store.url must begin with sqlite: or postgres://".to_owned()),
        }
    }

    /// Returns the address with passwords replaced by asterisks; of one that cannot be parsed, only the scheme.
    pub(crate) fn redacted(&self) -> String {
        match self.0.split_once(':') {
            Some(("sqlite", _)) => self.0.clone(),
            Some((scheme @ ("postgres" | "postgresql"), _)) => {
                infra_postgres::redacted_url(&self.0).unwrap_or_else(|| format!("{scheme}:***"))
            }
            _ => "***".to_owned(),
        }
    }

    /// Returns the server of the address and the database on it, without user, password and parameters; none for
    /// SQLite.
    pub(crate) fn place(&self) -> Option<String> {
        let redacted = self.redacted();
        let (scheme, rest) = redacted.split_once("://")?;
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let place = rest.rsplit_once('@').map_or(rest, |(_user, place)| place);
        scheme.starts_with("postgres").then(|| place.to_owned())
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.redacted(), out)
    }
}

impl Serialize for StoreUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.redacted())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_scheme_is_shown_of_an_address_that_cannot_be_parsed() {
        for (url, shown) in [
            ("sqlite:data/undertone.db?mode=ro", "sqlite:data/undertone.db?mode=ro"),
            ("postgres://ann:s3cret@db/x", "postgres://ann:***@db/x"),
            ("postgres://ann:12?s3cret@db:5432/x", "postgres:***"),
            ("ann:s3cret@db", "***"),
        ] {
            let url = StoreUrl(url.to_owned());
            assert_eq!(url.redacted(), shown);
            assert_eq!(format!("{url:?}"), format!("{shown:?}"));
        }
    }

    #[test]
    fn the_place_of_a_server_is_without_user_and_password() {
        for (url, place) in [
            ("sqlite:data/undertone.db", None),
            ("postgres://ann:s3cret@db:5433/x?sslmode=require", Some("db:5433/x")),
            ("postgresql://db/x", Some("db/x")),
        ] {
            assert_eq!(StoreUrl(url.to_owned()).place().as_deref(), place);
        }
    }
}
