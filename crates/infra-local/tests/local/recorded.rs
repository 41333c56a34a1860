use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata as Meta, Recorder,
    SharedString, Unit,
};

/// Every recorded value, by the metric's name and its labels in their order.
#[derive(Clone, Default)]
pub(crate) struct Recorded(Arc<Mutex<BTreeMap<String, Vec<f64>>>>);

struct Series(String, Recorded);

impl Series {
    fn push(&self, value: f64) {
        self.1.0.lock().unwrap().entry(self.0.clone()).or_default().push(value);
    }
}

impl CounterFn for Series {
    fn increment(&self, value: u64) {
        self.push(value as f64);
    }

    fn absolute(&self, _: u64) {
        panic!("the metrics only use increment");
    }
}

impl GaugeFn for Series {
    fn increment(&self, _: f64) {
        panic!("the metrics only set gauges");
    }

    fn decrement(&self, _: f64) {
        panic!("the metrics only set gauges");
    }

    fn set(&self, value: f64) {
        self.push(value);
    }
}

impl HistogramFn for Series {
    fn record(&self, value: f64) {
        self.push(value);
    }
}

impl Recorded {
    fn at(&self, key: &Key) -> Arc<Series> {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        Arc::new(Series(format!("{}{{{}}}", key.name(), labels.join(",")), self.clone()))
    }

    /// Returns the recorded values of `name{label=value,…}`.
    pub(crate) fn of(&self, series: &str) -> Vec<f64> {
        self.0.lock().unwrap().get(series).cloned().unwrap_or_default()
    }

    /// Returns the name of every series.
    pub(crate) fn series(&self) -> Vec<String> {
        self.0.lock().unwrap().keys().cloned().collect()
    }
}

impl Recorder for Recorded {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Meta<'_>) -> Counter {
        Counter::from_arc(self.at(key))
    }

    fn register_gauge(&self, key: &Key, _: &Meta<'_>) -> Gauge {
        Gauge::from_arc(self.at(key))
    }

    fn register_histogram(&self, key: &Key, _: &Meta<'_>) -> Histogram {
        Histogram::from_arc(self.at(key))
    }
}
