use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::chaos::stop_signal::StopSignal;
use crate::test_run::local_cluster::Cluster;

/// How far the projector is behind, measured at intervals.
#[derive(Debug, Default)]
pub(super) struct Lags {
    measured: Mutex<Vec<Measurement>>,
    disturbed: Mutex<Option<Instant>>,
}

#[derive(Debug, Clone, Copy)]
struct Measurement {
    lag: Duration,
    /// Whether the replica that led had been killed shortly before: another one leads when the lease has ended.
    is_after_kill: bool,
}

const EVERY: Duration = Duration::from_millis(100);
/// The time of a lease, and some to catch up.
const AFTER_KILL: Duration = Duration::from_secs(20);

/// The age in milliseconds of the oldest event that the sink has not passed.
const LAG: &str = "SELECT coalesce(round(1000 * extract(epoch FROM clock_timestamp() - least( \
    (SELECT occurred_at FROM outbox WHERE position > (SELECT greatest(position, 0) FROM sinks WHERE name = 'analytics') \
     ORDER BY position LIMIT 1), \
    (SELECT occurred_at FROM outbox WHERE published_at IS NULL ORDER BY seq LIMIT 1)))), 0)::bigint";

impl Lags {
    /// Measures until `signal`.
    pub(super) fn measure(&self, cluster: &Cluster, signal: &StopSignal) -> anyhow::Result<()> {
        while !signal.is_stopped() {
            let millis: i64 = cluster.query(LAG)?.trim().parse()?;
            let is_after_kill =
                lock(&self.disturbed).is_some_and(|disturbed| disturbed.elapsed() < AFTER_KILL);
            let lag = Duration::from_millis(millis.max(0).unsigned_abs());
            lock(&self.measured).push(Measurement { lag, is_after_kill });
            signal.pause(EVERY);
        }
        Ok(())
    }

    /// Remembers that the replica that leads was killed now.
    pub(super) fn disturbed(&self) {
        *lock(&self.disturbed) = Some(Instant::now());
    }

    /// Describes the measurements.
    pub(super) fn summary(&self) -> String {
        let measured = lock(&self.measured);
        let of = |is_after_kill| {
            let lags = measured.iter().filter(|measurement| measurement.is_after_kill == is_after_kill);
            percentiles(lags.map(|measurement| measurement.lag).collect())
        };
        format!("lag: {}; within {AFTER_KILL:?} of a kill: {}", of(false), of(true))
    }
}

fn percentiles(mut lags: Vec<Duration>) -> String {
    if lags.is_empty() {
        return "not measured".to_owned();
    }
    lags.sort_unstable();
    let at = |percent: usize| lags[(lags.len() - 1) * percent / 100];
    format!("p50 {:.2?}, p99 {:.2?}, most {:.2?} of {}", at(50), at(99), at(100), lags.len())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_lags() {
        let lags = (1..=101).rev().map(Duration::from_millis).collect();
        assert_eq!(percentiles(lags), "p50 51.00ms, p99 100.00ms, most 101.00ms of 101");
        assert_eq!(percentiles(Vec::new()), "not measured");
    }
}
