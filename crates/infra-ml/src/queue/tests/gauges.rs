use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit, with_local_recorder,
};

use super::*;

/// The current values of the gauges.
#[derive(Default)]
struct Gauges(Mutex<HashMap<String, Arc<AtomicU64>>>);

impl Gauges {
    fn value(&self, name: &str) -> f64 {
        let gauges = self.0.lock().unwrap();
        f64::from_bits(gauges[name].load(Ordering::Relaxed))
    }
}

impl Recorder for Gauges {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Arc::clone(self.0.lock().unwrap().entry(key.name().to_owned()).or_default()))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn the_gauges_are_sums_over_the_queues_of_all_models() {
    let gauges = Gauges::default();
    let published = || (gauges.value(metric::QUEUE_DEPTH), gauges.value(metric::QUEUE_TOKENS));
    with_local_recorder(&gauges, || {
        let (one, other) = (queue(LIMITS), queue(LIMITS));
        let _waiting: Vec<_> = [(&one, 4), (&one, 5), (&other, 7)]
            .map(|(queue, tokens)| enter(queue, &[tokens], Admission::Single).unwrap())
            .into();
        assert_eq!(published(), (3.0, 16.0));
        assert_eq!(taken(&one), [4, 5]);
        assert_eq!(published(), (1.0, 7.0));
        drop(enter(&other, &[9], Admission::BulkNext));
        assert_eq!(published(), (1.0, 7.0));
        one.stop();
        assert_eq!(published(), (1.0, 7.0));
        other.stop();
        assert_eq!(published(), (0.0, 0.0));
    });
}
