use std::collections::BTreeMap;
use std::time::Duration;

use super::table::millis;

/// The responses that clients received.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    /// Microseconds from a request to its response of status 2xx, in ascending order once all clients have ended.
    micros: Vec<u64>,
    /// The same of the responses of any other status.
    refused_micros: Vec<u64>,
    /// Responses by status.
    statuses: BTreeMap<u16, u64>,
    /// Requests that timed out, or whose connection failed.
    unanswered: u64,
    /// The responses of status 2xx that came after the end of the load.
    late: u64,
    elapsed: Duration,
}

impl Tally {
    /// An empty tally of clients that send requests for `elapsed`.
    pub(super) fn of_load(elapsed: Duration) -> Self {
        Self { elapsed, ..Self::default() }
    }

    pub(super) fn count_unanswered(&mut self) {
        self.unanswered += 1;
    }

    pub(super) fn count_response(&mut self, status: u16, micros: u64, is_late: bool) {
        *self.statuses.entry(status).or_default() += 1;
        if status < 300 {
            self.micros.push(micros);
            self.late += u64::from(is_late);
        } else {
            self.refused_micros.push(micros);
        }
    }

    /// Adds the responses that other clients received in the same time.
    pub(crate) fn add(&mut self, other: Self) {
        self.micros.extend(other.micros);
        self.micros.sort_unstable();
        self.refused_micros.extend(other.refused_micros);
        self.refused_micros.sort_unstable();
        self.unanswered += other.unanswered;
        self.late += other.late;
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.elapsed = self.elapsed.max(other.elapsed);
    }

    /// Returns how long the clients sent requests.
    pub(crate) fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Returns the responses of status 2xx.
    pub(crate) fn answers(&self) -> u64 {
        self.micros.len() as u64
    }

    /// Returns the responses of status 2xx per second, until the end of the load.
    pub(crate) fn answers_per_second(&self) -> f64 {
        self.per_second(self.answers() - self.late)
    }

    /// Returns the requests per second, answered or not.
    pub(crate) fn requests_per_second(&self) -> f64 {
        self.per_second(self.statuses.values().sum::<u64>() + self.unanswered)
    }

    fn per_second(&self, count: u64) -> f64 {
        count as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// Returns the time in microseconds within which this share of the responses of status 2xx came; 0 without any.
    pub(crate) fn percentile(&self, share: f64) -> u64 {
        percentile(&self.micros, share)
    }

    /// Returns the same of the responses of any other status.
    pub(crate) fn percentile_of_refused(&self, share: f64) -> u64 {
        percentile(&self.refused_micros, share)
    }

    /// Formats the 99th percentile in milliseconds.
    pub(crate) fn p99(&self) -> String {
        format!("{} ms", millis(self.percentile(0.99)))
    }

    /// Returns the number of responses with a status.
    pub(crate) fn count(&self, status: u16) -> u64 {
        self.statuses.get(&status).copied().unwrap_or(0)
    }

    /// Describes everything except responses of status 2xx.
    pub(crate) fn faults(&self) -> String {
        let bad = self.statuses.iter().filter(|(status, _)| **status >= 300);
        let mut faults: Vec<String> = bad.map(|(status, count)| format!("{count} × {status}")).collect();
        if self.unanswered > 0 {
            faults.push(format!("{} unanswered", self.unanswered));
        }
        if faults.is_empty() { "none".to_owned() } else { faults.join(", ") }
    }
}

/// Returns the value of the sorted `values` below which this share of them is.
fn percentile(values: &[u64], share: f64) -> u64 {
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * share).round() as usize).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_has_percentiles_and_faults() {
        let tally = Tally {
            micros: (1..=100).collect(),
            refused_micros: vec![7, 8, 9],
            statuses: BTreeMap::from([(200, 100), (503, 3)]),
            unanswered: 2,
            late: 10,
            elapsed: Duration::from_secs(10),
        };
        assert_eq!((tally.percentile(0.5), tally.percentile(0.99)), (51, 99));
        assert_eq!(tally.percentile_of_refused(0.5), 8);
        assert!((tally.answers_per_second() - 9.0).abs() < 1e-9);
        assert!((tally.requests_per_second() - 10.5).abs() < 1e-9);
        assert_eq!(tally.faults(), "3 × 503, 2 unanswered");
        assert_eq!((tally.count(503), tally.count(404)), (3, 0));
        assert_eq!(Tally::default().faults(), "none");
        assert_eq!(Tally::default().percentile(0.99), 0);
        let mut both = tally.clone();
        both.add(tally);
        assert_eq!((both.answers(), both.percentile(0.5), both.count(503)), (200, 51, 6));
    }
}
