use std::time::Duration;

use serde_json::{Value, json};

use super::Bench;
use crate::bench::clients::{ClientSettings, Clients, Pace, Request, ratio, run_clients};
use crate::bench::ndjson_stream::NdjsonStream;
use crate::bench::table::Figures;

const SINGLE: usize = 16;
const BATCHES: usize = 10;
const STREAMS: usize = 3;
/// The texts of each batch.
const TEXTS: u64 = 8;
const LONG_CHARS: usize = 10_000;

/// Measures short single texts alone, and beside streams and batches of texts of the maximum length.
pub(super) fn run(bench: &Bench) -> anyhow::Result<Figures> {
    let singles = || {
        let route = format!("{}/api/v1/predictions", bench.server.address());
        run_clients(bench.seconds, patient(SINGLE), move |number| {
            Request::post(
                route.clone(),
                json!({ "text": format!("Order {number} came late, and it was cold") }),
            )
        })
    };
    let alone = singles();
    let batches = format!("{}/api/v1/predictions/batch", bench.server.address());
    let batches = Clients::start(patient(BATCHES), move |number| {
        let items: Vec<Value> =
            (0..TEXTS).map(|text| json!({ "text": long(number * TEXTS + text) })).collect();
        Request::post(batches.clone(), json!({ "items": items }))
    });
    let streams = (0..STREAMS as u64).map(|number| {
        let text = move |line| long((number << 32) + line);
        NdjsonStream::start(bench.server.address(), None, text)
    });
    let streams: Vec<NdjsonStream> = streams.collect::<anyhow::Result<_>>()?;
    let beside = singles();
    let lines: usize = streams.into_iter().map(NdjsonStream::finish).sum();
    let batches = batches.finish();
    Ok(vec![
        ("p99 of single texts alone", alone.p99()),
        ("p99 of single texts beside the bulk", beside.p99()),
        ("times as long", ratio(beside.percentile(0.99) as f64, alone.percentile(0.99) as f64)),
        ("single texts refused alone", alone.faults()),
        ("single texts refused beside the bulk", beside.faults()),
        ("answers/s of single texts, alone and beside", {
            format!("{:.0}, {:.0}", alone.answers_per_second(), beside.answers_per_second())
        }),
        ("lines of streams answered meanwhile", lines.to_string()),
        ("batches answered meanwhile", batches.count(200).to_string()),
    ])
}

fn patient(clients: usize) -> ClientSettings {
    ClientSettings { clients, timeout: Duration::from_mins(2), pace: Pace::Pause(Duration::ZERO) }
}

/// Returns a text of almost the maximum length.
pub(super) fn long(number: u64) -> String {
    let sentence = format!("On day {number} the service was good and the food was bad. ");
    sentence.repeat(LONG_CHARS / sentence.len())
}
