use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use anyhow::Context;
use serde_json::json;

/// A stream that sends lines as fast as the server reads them, and counts the lines of the response.
pub(crate) struct NdjsonStream {
    end: Arc<AtomicBool>,
    socket: TcpStream,
    sending: JoinHandle<()>,
    reading: JoinHandle<usize>,
}

impl NdjsonStream {
    /// Starts a stream whose n-th line has the text `text(n)`, with an API key where there is one.
    pub(crate) fn start(
        server: &str,
        key: Option<&str>,
        text: impl Fn(u64) -> String + Send + 'static,
    ) -> anyhow::Result<Self> {
        let address = server.trim_start_matches("http://");
        let socket = TcpStream::connect(address).context("cannot connect to the server")?;
        let end = Arc::new(AtomicBool::new(false));
        let (mut out, mut back, ending) = (socket.try_clone()?, socket.try_clone()?, Arc::clone(&end));
        let key = key.map(|key| format!("authorization: Bearer {key}\r\n")).unwrap_or_default();
        let head = format!(
            "POST /api/v1/predictions/stream HTTP/1.1\r\nhost: {address}\r\n{key}\
             content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        // A broken connection ends the stream; the count of its lines shows it.
        let sending = thread::spawn(move || {
            let _ = out.write_all(head.as_bytes()).and_then(|()| send_lines(&mut out, text, &ending));
        });
        let reading = thread::spawn(move || count_lines(&mut back));
        Ok(Self { end, socket, sending, reading })
    }

    /// Closes the connection and returns the number of lines that were received.
    pub(crate) fn finish(self) -> usize {
        self.end.store(true, Ordering::Relaxed);
        // The server may have closed the connection already.
        let _ = self.socket.shutdown(Shutdown::Both);
        let _ = self.sending.join();
        self.reading.join().unwrap_or(0)
    }
}

fn send_lines(out: &mut TcpStream, text: impl Fn(u64) -> String, end: &AtomicBool) -> io::Result<()> {
    let mut line = 0;
    while !end.load(Ordering::Relaxed) {
        line += 1;
        let text = format!("{}\n", json!({ "text": text(line) }));
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
