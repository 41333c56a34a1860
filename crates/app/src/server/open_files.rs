use anyhow::ensure;

use crate::config::Settings;

/// Files that are not connections of callers: the store's, the models', the listeners', and what the runtimes have.
const RESERVED: u64 = 256;
/// The connections of the administrators' listener.
pub(super) const ADMIN_CONNECTIONS: usize = 64;
/// The fewest connections that are of use.
const FEWEST: u64 = 16;

/// Raises the limit of open files as far as this process may, and gives the connections of the public listener that fit
/// within it: those of the configuration, or fewer with a warning.
///
/// # Errors
/// A limit so low that hardly any would fit.
pub(super) fn connections_that_fit(settings: &Settings) -> anyhow::Result<usize> {
    let configured = settings.server.max_connections;
    let Some(limit) = raise_limit() else { return Ok(configured) };
    tracing::info!(limit, max_connections = configured, "open files");
    fit(settings.server.max_connections, limit, others(settings))
}

/// The files that are not connections of the public listener.
fn others(settings: &Settings) -> u64 {
    let admin = settings.server.admin_address.map_or(0, |_| ADMIN_CONNECTIONS);
    RESERVED + admin as u64 + u64::from(settings.store.max_connections) + u64::from(settings.store.readers)
}

fn fit(configured: usize, limit: u64, others: u64) -> anyhow::Result<usize> {
    let room = limit.saturating_sub(others);
    ensure!(
        room >= FEWEST,
        "the limit of open files is {limit}, of which {others} are not for connections; raise it (ulimit -n, \
         LimitNOFILE) to at least {}",
        others + FEWEST
    );
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if configured > room {
        tracing::warn!(
            max_connections = room,
            configured,
            limit,
            "the limit of open files is too low for server.max_connections; raise it (ulimit -n, LimitNOFILE)"
        );
    }
    Ok(configured.min(room))
}

/// Raises the soft limit to the hard one, and gives what is in effect; none where there is no limit.
#[cfg(unix)]
fn raise_limit() -> Option<u64> {
    use rlimit::{INFINITY, Resource, increase_nofile_limit};

    let raised = increase_nofile_limit(INFINITY).inspect_err(|error| {
        tracing::warn!(%error, "the soft limit of open files cannot be raised to the hard one");
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
        assert_eq!(fit(4_096, 1_000_000, 300).unwrap(), 4_096);
        assert_eq!(fit(4_096, 1_024, 300).unwrap(), 724);
        let error = fit(4_096, 310, 300).unwrap_err().to_string();
        assert!(error.contains("LimitNOFILE"), "{error}");
    }
}
