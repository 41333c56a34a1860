//! Raw connections, for clients that break the protocol.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};

use serde_json::Value;

use crate::undertone::PATIENCE;

/// One connection whose reads and writes fail if they hang.
pub(crate) struct RawConnection {
    reader: BufReader<TcpStream>,
}

impl RawConnection {
    pub(crate) fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        Self { reader: BufReader::new(stream) }
    }

    /// Returns the bytes of a POST with a JSON body.
    pub(crate) fn post(path: &str, body: &Value) -> String {
        let body = body.to_string();
        format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    pub(crate) fn send(&mut self, bytes: &str) {
        self.stream().write_all(bytes.as_bytes()).expect("sent");
    }

    /// Returns one chunk of a body with `Transfer-Encoding: chunked`.
    pub(crate) fn send_chunk(&mut self, bytes: &str) {
        self.send(&format!("{:x}\r\n{bytes}\r\n", bytes.len()));
    }

    /// Sends a FIN; reading is still possible.
    pub(crate) fn half_close(&mut self) {
        self.stream().shutdown(Shutdown::Write).expect("half closed");
    }

    /// Reads the next line without its end; empty at the end of the connection.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// Reads a response's head and returns the status.
    pub(crate) fn head(&mut self) -> u16 {
        let status = self.line();
        while !self.line().is_empty() {}
        status
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or_else(|| panic!("{status:?}"))
    }

    /// Reads the next chunk of a chunked response; none at its end.
    pub(crate) fn chunk(&mut self) -> Option<String> {
        let size = self.line();
        let size =
            usize::from_str_radix(&size, 16).unwrap_or_else(|_| panic!("a chunk's size, not {size:?}"));
        let mut chunk = vec![0; size + 2];
        self.reader.read_exact(&mut chunk).expect("a chunk");
        chunk.truncate(size);
        (size > 0).then(|| String::from_utf8(chunk).expect("UTF-8"))
    }

    /// Reads until the server ends the connection, in any way.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        if let Err(error) = self.reader.read_to_end(&mut rest) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
        }
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// Whether bytes have arrived that were not read.
    pub(crate) fn has_bytes(&mut self) -> bool {
        self.stream().set_nonblocking(true).expect("not blocking");
        let outcome = self.stream().peek(&mut [0]);
        self.stream().set_nonblocking(false).expect("blocking");
        match outcome {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "{error}");
                false
            }
        }
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        self.reader.get_mut()
    }
}
