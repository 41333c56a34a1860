use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

use crate::error::UnfitServer;

/// Whether writes to a server are possible, lossless and durable, as reported by the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerFacts {
    /// The major version.
    version: Option<u32>,
    values: Values,
}

/// A row of [`QUERY`].
#[derive(Debug, Clone, PartialEq, Eq)]
struct Values {
    encoding: String,
    fsync: String,
    synchronous_commit: String,
    read_only: String,
    in_recovery: bool,
}

/// The oldest server that is supported.
const OLDEST: u32 = 14;

/// Queries the facts.
pub(crate) const QUERY: &str = "SELECT current_setting('server_encoding') AS encoding, \
     current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit, \
     current_setting('transaction_read_only') AS read_only, pg_is_in_recovery() AS in_recovery";

impl ServerFacts {
    /// The current facts of the server of `connection`.
    pub(crate) async fn query(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let row = sqlx::query(QUERY).fetch_one(&mut *connection).await?;
        Self::from_rows(&[row], connection.server_version_num())
    }

    /// The facts in the result of [`QUERY`], from a server with this version number.
    pub(crate) fn from_rows(rows: &[PgRow], version_number: Option<u32>) -> Result<Self, sqlx::Error> {
        let row = rows.last().ok_or(sqlx::Error::RowNotFound)?;
        let values = Values {
            encoding: row.try_get("encoding")?,
            fsync: row.try_get("fsync")?,
            synchronous_commit: row.try_get("synchronous_commit")?,
            read_only: row.try_get("read_only")?,
            in_recovery: row.try_get("in_recovery")?,
        };
        Ok(Self { version: version_number.map(|number| number / 10_000), values })
    }

    /// Refuses a server that is too old, that cannot store every text, that accepts no writes, or, unless
    /// `allow_unsafe`, that may lose committed rows.
    pub(crate) fn check(&self, allow_unsafe: bool) -> Result<(), UnfitServer> {
        if let Some(version) = self.version.filter(|version| *version < OLDEST) {
            return Err(UnfitServer::TooOld(version));
        }
        if self.values.encoding != "UTF8" {
            return Err(UnfitServer::Encoding(self.values.encoding.clone()));
        }
        if let Some(setting) = self.unsafe_setting().filter(|_| !allow_unsafe) {
            return Err(UnfitServer::Unsafe { setting });
        }
        if self.values.in_recovery {
            return Err(UnfitServer::Standby);
        }
        if self.values.read_only == "on" {
            return Err(UnfitServer::ReadOnly);
        }
        Ok(())
    }

    /// The setting with which a crash of the server would lose committed rows.
    pub(crate) fn unsafe_setting(&self) -> Option<&'static str> {
        let settings =
            [("fsync", &self.values.fsync), ("synchronous_commit", &self.values.synchronous_commit)];
        settings.into_iter().find(|(_, value)| *value == "off").map(|(setting, _)| setting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(change: impl FnOnce(&mut ServerFacts)) -> ServerFacts {
        let values = Values {
            encoding: "UTF8".into(),
            fsync: "on".into(),
            synchronous_commit: "on".into(),
            read_only: "off".into(),
            in_recovery: false,
        };
        let mut facts = ServerFacts { version: Some(17), values };
        change(&mut facts);
        facts
    }

    #[test]
    fn a_server_that_accepts_durable_writes_is_fit() {
        assert_eq!(facts(|_| {}).check(false), Ok(()));
        assert_eq!(facts(|facts| facts.version = None).check(false), Ok(()));
        assert_eq!(
            facts(|facts| facts.values.synchronous_commit = "remote_apply".into()).check(false),
            Ok(())
        );
    }

    #[test]
    fn an_old_server_is_refused_by_its_version() {
        assert_eq!(facts(|facts| facts.version = Some(13)).check(true), Err(UnfitServer::TooOld(13)));
    }

    #[test]
    fn a_server_without_fsync_is_refused_unless_that_is_allowed() {
        let facts = facts(|facts| facts.values.fsync = "off".into());
        assert_eq!(facts.check(false), Err(UnfitServer::Unsafe { setting: "fsync" }));
        assert_eq!(facts.check(true), Ok(()));
    }

    #[test]
    fn a_standby_is_refused_whatever_is_allowed() {
        let facts = facts(|facts| {
            facts.values.in_recovery = true;
            facts.values.read_only = "on".into();
        });
        assert_eq!(facts.check(true), Err(UnfitServer::Standby));
    }
}
