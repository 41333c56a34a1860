use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use super::{Bench, bulk};
use crate::bench::clients::{ClientSettings, Pace, Request, ratio, run_clients, wait};
use crate::bench::table::{Figures, megabytes};
use crate::bench::tally::Tally;

const CONNECTIONS: usize = 1_000;
const CALLERS: usize = 8;
/// After this time all buffers are full; shorter than the service's limit for clients that do not read.
const SETTLED: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_secs(1);

/// Measures single texts alone, then beside connections that send or read almost nothing.
pub(super) fn run(bench: &Bench) -> anyhow::Result<Figures> {
    let normal = singles(bench);
    let address = bench.server.address().trim_start_matches("http://").to_owned();
    let peak = bench.server.peak_memory();
    let trickling = Trickle::start(&address)?;
    let beside_trickle = singles(bench);
    let files_trickle = open_files(bench);
    drop(trickling);
    store_long_texts(bench)?;
    let unread = open(&address, &never_read(&address))?;
    // The server needs time to compute the pages.
    wait(SETTLED);
    let beside_unread = singles(bench);
    let files_unread = open_files(bench);
    drop(unread);
    let p99 = |tally: &Tally| tally.percentile(0.99) as f64;
    Ok(vec![
        ("p99 of single texts alone", normal.p99()),
        ("beside 1,000 that send a byte a second", beside_trickle.p99()),
        ("times as long", ratio(p99(&beside_trickle), p99(&normal))),
        ("faults beside them", beside_trickle.faults()),
        ("open files meanwhile", files_trickle),
        ("beside 1,000 that never read", beside_unread.p99()),
        ("times as long", ratio(p99(&beside_unread), p99(&normal))),
        ("faults beside them", beside_unread.faults()),
        ("open files meanwhile", files_unread),
        ("most resident MB", megabytes(peak.bytes())),
    ])
}

fn singles(bench: &Bench) -> Tally {
    let route = format!("{}/api/v1/predictions", bench.server.address());
    let settings = ClientSettings {
        clients: CALLERS,
        timeout: Duration::from_mins(1),
        pace: Pace::Pause(Duration::from_millis(20)),
    };
    run_clients(bench.seconds, settings, move |number| {
        Request::post(route.clone(), json!({ "text": format!("Order {number} came late, and it was cold") }))
    })
}

/// Connections that declare a long body and then send a byte per second.
struct Trickle {
    end: Arc<AtomicBool>,
}

impl Trickle {
    fn start(address: &str) -> anyhow::Result<Self> {
        let head = format!(
            "POST /api/v1/predictions HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             content-length: 100000\r\n\r\n{{"
        );
        let mut connections = open(address, head.as_bytes())?;
        let end = Arc::new(AtomicBool::new(false));
        let ending = Arc::clone(&end);
        thread::spawn(move || {
            while !ending.load(Ordering::Relaxed) {
                // Connections that the server has closed are dropped.
                connections.retain_mut(|connection| connection.write_all(b" ").is_ok());
                wait(INTERVAL);
            }
        });
        Ok(Self { end })
    }
}

impl Drop for Trickle {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
    }
}

/// Stores long texts, so that a page of them fills all buffers of a connection.
fn store_long_texts(bench: &Bench) -> anyhow::Result<()> {
    let route = format!("{}/api/v1/predictions/batch", bench.server.address());
    let items: Vec<Value> = (0..100).map(|text| json!({ "text": bulk::long(text) })).collect();
    ureq::post(&route).send_json(json!({ "items": items })).context("cannot store the long texts")?;
    Ok(())
}

/// Returns the request for a page of them.
fn never_read(address: &str) -> Vec<u8> {
    format!("GET /api/v1/predictions?limit=100 HTTP/1.1\r\nhost: {address}\r\n\r\n").into_bytes()
}

fn open(address: &str, first: &[u8]) -> anyhow::Result<Vec<TcpStream>> {
    let open = |_| {
        let mut connection = TcpStream::connect(address).context("cannot open a connection")?;
        connection.set_nonblocking(true)?;
        // Bytes that do not fit into the buffers are dropped.
        let _ = connection.write(first);
        Ok(connection)
    };
    (0..CONNECTIONS).map(open).collect()
}

/// Formats the number of files that the server has open, and its limit.
fn open_files(bench: &Bench) -> String {
    let process = bench.server.process();
    let open = fs::read_dir(format!("/proc/{process}/fd")).map_or(0, Iterator::count);
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap_or_default();
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let limit = limit.and_then(|line| line.split_whitespace().next()).unwrap_or("?").to_owned();
    format!("{open} of {limit}")
}
