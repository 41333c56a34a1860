use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, LocalRecorderGuard, Metadata,
    Recorder, SharedString, Unit, set_default_local_recorder,
};

/// Captures the metrics of this thread while the value lives: counters and gauges by their value, histograms by the
/// number of their records.
pub(crate) struct Metrics {
    values: Values,
    _guard: LocalRecorderGuard<'static>,
}

type Values = Arc<Mutex<BTreeMap<String, f64>>>;

impl Metrics {
    pub(crate) fn capture() -> Self {
        let values = Values::default();
        // Leaked, because the guard borrows the recorder.
        let recorder = Box::leak(Box::new(MapRecorder(Arc::clone(&values))));
        Self { values, _guard: set_default_local_recorder(recorder) }
    }

    /// Returns the value of `name{label=value,…}`, labels sorted.
    pub(crate) fn value(&self, name: &str) -> Option<f64> {
        self.values.lock().unwrap().get(name).copied()
    }

    pub(crate) fn text(&self) -> String {
        format!("{:?}", self.values.lock().unwrap())
    }
}

struct MapRecorder(Values);

struct Series(String, Values);

impl Series {
    fn change(&self, change: impl FnOnce(&mut f64)) {
        change(self.1.lock().unwrap().entry(self.0.clone()).or_default());
    }
}

impl MapRecorder {
    fn series(&self, key: &Key) -> Arc<Series> {
        let mut labels: Vec<String> =
            key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        labels.sort();
        Arc::new(Series(format!("{}{{{}}}", key.name(), labels.join(",")), Arc::clone(&self.0)))
    }
}

impl CounterFn for Series {
    fn increment(&self, value: u64) {
        self.change(|old| *old += value as f64);
    }

    fn absolute(&self, value: u64) {
        self.change(|old| *old = value as f64);
    }
}

impl GaugeFn for Series {
    fn increment(&self, value: f64) {
        self.change(|old| *old += value);
    }

    fn decrement(&self, value: f64) {
        self.change(|old| *old -= value);
    }

    fn set(&self, value: f64) {
        self.change(|old| *old = value);
    }
}

impl HistogramFn for Series {
    fn record(&self, _: f64) {
        self.change(|old| *old += 1.0);
    }
}

impl Recorder for MapRecorder {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.series(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.series(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.series(key))
    }
}
