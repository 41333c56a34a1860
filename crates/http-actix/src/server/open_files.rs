use crate::server::error::ServeError;
use crate::server::settings::ServerSettings;

/// The connections of the operators' listener at a time.
pub(super) const ADMIN_CONNECTIONS: usize = 64;
/// Files other than connections and those of the store: the models', the listeners', and the runtimes'.
const RESERVED: u64 = 256;
/// The fewest connections that are of use.
const MIN_CONNECTIONS: u64 = 16;

impl ServerSettings {
    /// Raises the limit of open files as far as this process may, and returns how many connections of the public
    /// listener fit within it beside `others`, the files of the store: `max_connections`, or fewer with a warning.
    ///
    /// # Errors
    /// `OpenFiles`: hardly any connection would fit.
    pub fn connections_that_fit(&self, others: u64) -> Result<usize, ServeError> {
        let Some(limit) = raise_limit() else { return Ok(self.max_connections) };
        tracing::info!(limit, max_connections = self.max_connections, "open files");
        let admin = self.admin_address.map_or(0, |_| ADMIN_CONNECTIONS);
        fit(self.max_connections, limit, RESERVED + admin as u64 + others)
    }
}

fn fit(configured: usize, limit: u64, others: u64) -> Result<usize, ServeError> {
    let available = limit.saturating_sub(others);
    if available < MIN_CONNECTIONS {
        return Err(ServeError::OpenFiles { limit, others, least: others + MIN_CONNECTIONS });
    }
    let available = usize::try_from(available).unwrap_or(usize::MAX);
    if configured > available {
        tracing::warn!(
            max_connections = available,
            configured,
            limit,
            "the limit of open files is too low for server.max_connections; raise it (ulimit -n, LimitNOFILE)"
        );
    }
    Ok(configured.min(available))
}

/// Raises the soft limit to the hard one and returns the limit in effect; none where there is no limit.
#[cfg(unix)]
fn raise_limit() -> Option<u64> {
    use rlimit::{INFINITY, Resource, increase_nofile_limit};

    let raised = increase_nofile_limit(INFINITY).inspect_err(|error| {
        tracing::warn!(%error, "cannot raise the soft limit of open files to the hard one");
    });
    let limit = raised.or_else(|_| Resource::NOFILE.get_soft()).ok()?;
    (limit != INFINITY).then_some(limit)
}

#[cfg(not(unix))]
fn raise_limit() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_fit_into_the_open_files_or_are_fewer() {
        assert_eq!(fit(4_096, 1_000_000, 300).expect("all fit"), 4_096);
        assert_eq!(fit(4_096, 1_024, 300).expect("some fit"), 724);
        let error = fit(4_096, 310, 300).expect_err("too few fit").to_string();
        assert!(error.contains("LimitNOFILE"), "{error}");
    }
}
