use std::time::Duration;

use serde_json::{Value, json};

use super::{Bench, tenants};
use crate::bench::clients::{ClientSettings, Clients, Pace, Request, wait};
use crate::bench::load::route;
use crate::bench::ndjson_stream::NdjsonStream;
use crate::bench::table::Figures;

/// The limit of each tenant: so many per second, and so many at once.
const RATE: (u32, u32) = (50, 100);
/// The clients of each tenant: enough that they send more than the limit allows also where responses are slow.
const CLIENTS: usize = 8;
/// Short beside the time between two requests that the limit allows.
const PAUSE: Duration = Duration::from_millis(5);
const TIMEOUT: Duration = Duration::from_mins(1);
/// The items of each batch.
const ITEMS: u64 = 10;

/// Sends more of everything than is allowed at the same time, each kind as a tenant of its own.
pub(super) fn run(bench: &Bench<'_>) -> anyhow::Result<Figures> {
    let limit = format!("{}:{}", RATE.0, RATE.1);
    let add = |name, option| tenants::add(bench, name, &[option, limit.as_str()]);
    let of_requests = add("requests", "--requests")?;
    let of_texts = add("texts", "--texts")?;
    let of_batches = add("batches", "--texts")?;
    let of_streams = add("streams", "--texts")?;
    let route = route(bench.server.address());
    let start = |key: String, path: &str, body: fn(u64) -> Value| {
        let settings = ClientSettings { clients: CLIENTS, timeout: TIMEOUT, pace: Pace::Pause(PAUSE) };
        let route = format!("{route}{path}");
        Clients::start(settings, move |number| Request::post(route.clone(), body(number)).with_key(&key))
    };
    let single = |number| json!({ "text": text(number) });
    let requests = start(of_requests, "", single);
    let texts = start(of_texts, "", single);
    let batches = start(of_batches, "/batch", |number| {
        let items = (0..ITEMS).map(|item| json!({ "text": text(number * ITEMS + item) }));
        json!({ "items": items.collect::<Vec<_>>() })
    });
    let streams = NdjsonStream::start(bench.server.address(), Some(&of_streams), text)?;
    wait(Duration::from_secs(bench.args.seconds));
    let lines = streams.finish() as u64;
    let [requests, texts, batches] = Clients::finish_all([requests, texts, batches]);
    let seconds = requests.elapsed().as_secs_f64();
    Ok(vec![
        ("requests", allowed(requests.answers(), seconds)),
        ("refused", requests.faults()),
        ("texts", allowed(texts.answers(), seconds)),
        ("refused", texts.faults()),
        ("texts of batches", allowed(batches.answers() * ITEMS, seconds)),
        ("refused", batches.faults()),
        ("lines of a stream", allowed(lines, seconds)),
    ])
}

/// Compares a number with what the limit allows in this time.
fn allowed(count: u64, seconds: f64) -> String {
    let expected = f64::from(RATE.0) * seconds + f64::from(RATE.1);
    format!("{count} of {expected:.0} ({:+.1} %)", (count as f64 / expected - 1.0) * 100.0)
}

fn text(number: u64) -> String {
    format!("Order {number} came late, and it was cold")
}
