use std::time::Duration;

/// The tokens that a model computes in a second under full load, by the batches that it computed lately.
///
/// A batch counts with the time that it would have taken on all cores of the model. So it does not matter how many
/// workers run, how many cores each batch takes, or how long the model had nothing to do. The last few seconds of such
/// time count, the latest most: a machine that becomes slower shows within seconds under load. Small batches are less
/// efficient than large ones, but take little time and count accordingly.
#[derive(Debug, Default)]
pub(super) struct Throughput {
    /// The tokens of the batches, older ones in part.
    tokens: f64,
    /// The seconds on all cores that they took, older ones in the same part.
    seconds: f64,
}

/// After so many seconds of computing on all cores a batch counts for 37% (1/e).
const MEMORY_SECONDS: f64 = 2.0;

/// Less than any clock measures, so that no time is zero.
const LEAST_SECONDS: f64 = 1e-9;

impl Throughput {
    /// Records a batch of `tokens` that took `elapsed` on `share` of the cores, from 0 to 1.
    pub(super) fn record(&mut self, tokens: usize, elapsed: Duration, share: f64) {
        if tokens == 0 {
            return;
        }
        let seconds = (elapsed.as_secs_f64() * share).max(LEAST_SECONDS);
        let remembered = (-seconds / MEMORY_SECONDS).exp();
        self.tokens = self.tokens * remembered + tokens as f64;
        self.seconds = self.seconds * remembered + seconds;
    }

    /// Returns a positive number; none before the first batch.
    pub(super) fn tokens_per_second(&self) -> Option<f64> {
        (self.tokens > 0.0).then(|| self.tokens / self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Whether the speed is `expected`, within a part of 10,000.
    fn has_speed(throughput: &Throughput, expected: f64) -> bool {
        throughput.tokens_per_second().is_some_and(|speed| (speed / expected - 1.0).abs() < 1e-4)
    }

    #[test]
    fn the_speed_is_that_of_all_cores_whatever_share_of_them_each_batch_takes() {
        for share in [1.0, 0.5, 0.125] {
            let mut throughput = Throughput::default();
            assert_eq!(throughput.tokens_per_second(), None);
            for millis in [10, 5, 200] {
                throughput.record(millis, Duration::from_millis(millis as u64), share);
            }
            assert!(has_speed(&throughput, 1_000.0 / share), "{throughput:?}");
        }
    }

    #[test]
    fn small_batches_count_by_the_time_that_they_take() {
        let mut throughput = Throughput::default();
        throughput.record(1_000, Duration::from_millis(100), 1.0);
        throughput.record(1, Duration::from_millis(1), 1.0);
        assert!(throughput.tokens_per_second().is_some_and(|speed| (9_500.0..10_000.0).contains(&speed)));
    }

    #[test]
    fn the_speed_follows_a_machine_that_becomes_slower_or_faster() {
        let mut throughput = Throughput::default();
        for speed in [10_000, 1_000, 5_000] {
            // Ten seconds of two workers, whose batches take a tenth of a second.
            for _ in 0..200 {
                throughput.record(speed / 20, SECOND / 10, 0.5);
            }
            let measured = throughput.tokens_per_second().unwrap();
            assert!((measured / speed as f64 - 1.0).abs() < 0.1, "{measured} instead of {speed}");
        }
    }

    #[test]
    fn the_speed_is_a_positive_number_after_any_batch() {
        for (tokens, elapsed) in [(1, Duration::ZERO), (1, SECOND * 1_000_000), (1 << 40, Duration::MAX)] {
            let mut throughput = Throughput::default();
            for _ in 0..3 {
                throughput.record(tokens, elapsed, 1.0);
                throughput.record(0, elapsed, 1.0);
                let speed = throughput.tokens_per_second().unwrap();
                assert!(speed.is_finite() && speed > 0.0, "{speed}");
            }
        }
        let mut empty = Throughput::default();
        empty.record(0, SECOND, 1.0);
        assert_eq!(empty.tokens_per_second(), None);
    }
}
