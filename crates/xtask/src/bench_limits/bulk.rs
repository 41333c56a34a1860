use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use super::clients::{ClientSettings, Clients, Request, ratio, run_clients};
use super::{Bench, Figures};

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
            Request::Post(
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
        Request::Post(batches.clone(), json!({ "items": items }))
    });
    let streams = (0..STREAMS as u64).map(|number| NdjsonStream::start(bench.server.address(), number));
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
    ClientSettings { clients, timeout: Duration::from_mins(2), pause: Duration::ZERO }
}

/// Returns a text of almost the maximum length.
pub(super) fn long(number: u64) -> String {
    let sentence = format!("On day {number} the service was good and the food was bad. ");
    sentence.repeat(LONG_CHARS / sentence.len())
}

/// A stream that sends lines as fast as the server reads them, and counts the lines of the response.
struct NdjsonStream {
    end: Arc<AtomicBool>,
    socket: TcpStream,
    sending: JoinHandle<()>,
    reading: JoinHandle<usize>,
}

impl NdjsonStream {
    fn start(server: &str, number: u64) -> anyhow::Result<Self> {
        let address = server.trim_start_matches("http://");
        let socket = TcpStream::connect(address).context("cannot connect to the server")?;
        let end = Arc::new(AtomicBool::new(false));
        let (mut out, mut back, ending) = (socket.try_clone()?, socket.try_clone()?, Arc::clone(&end));
        let head = format!(
            "POST /api/v1/predictions/stream HTTP/1.1\r\nhost: {address}\r\n\
             content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        // A broken connection ends the stream; the count of its lines shows it.
        let sending = thread::spawn(move || {
            let _ = out.write_all(head.as_bytes()).and_then(|()| send_lines(&mut out, number, &ending));
        });
        let reading = thread::spawn(move || count_lines(&mut back));
        Ok(Self { end, socket, sending, reading })
    }

    /// Closes the connection and returns the number of lines that were received.
    fn finish(self) -> usize {
        self.end.store(true, Ordering::Relaxed);
        // The server may have closed the connection already.
        let _ = self.socket.shutdown(Shutdown::Both);
        let _ = self.sending.join();
        self.reading.join().unwrap_or(0)
    }
}

fn send_lines(out: &mut TcpStream, number: u64, end: &AtomicBool) -> io::Result<()> {
    let mut line = number << 32;
    while !end.load(Ordering::Relaxed) {
        line += 1;
        let text = format!("{}\n", json!({ "text": long(line) }));
        write!(out, "{:x}\r\n{text}\r\n", text.len())?;
    }
    Ok(())
}

fn count_lines(back: &mut TcpStream) -> usize {
    let (mut buffer, mut lines) = (vec![0; 65_536], 0);
    while let Ok(read @ 1..) = back.read(&mut buffer) {
        let chunk = buffer.get(..read).unwrap_or_default();
        lines += chunk.windows(2).filter(|pair| *pair == b"}\n").count();
    }
    lines
}
