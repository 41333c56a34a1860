use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::fake_hub::fault::HubFault;
use crate::fake_hub::request::HubRequest;

/// One answer of the hub.
pub(super) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Arc<[u8]>,
    /// Whether a range of the body may be requested.
    ranges: bool,
}

impl Answer {
    pub(super) fn json(value: &Value) -> Self {
        let headers = vec![("Content-Type", "application/json".to_owned())];
        Self { status: 200, headers, body: value.to_string().into_bytes().into(), ranges: false }
    }

    /// A file's content.
    pub(super) fn content(body: &Arc<[u8]>, headers: Vec<(&'static str, String)>) -> Self {
        Self { status: 200, headers, body: Arc::clone(body), ranges: true }
    }

    pub(super) fn redirect(headers: Vec<(&'static str, String)>) -> Self {
        Self { status: 302, headers, body: Arc::new([]), ranges: false }
    }

    pub(super) fn refusal(status: u16, error_code: Option<&str>, retry_after: Option<u64>) -> Self {
        let mut answer = Self::json(&json!({ "error": "refused" }));
        answer.status = status;
        answer.headers.extend(error_code.map(|code| ("X-Error-Code", code.to_owned())));
        answer.headers.extend(retry_after.map(|seconds| ("Retry-After", seconds.to_string())));
        answer
    }

    /// Sends it, with the fault.
    pub(super) fn send(
        mut self,
        mut connection: &TcpStream,
        request: &HubRequest,
        fault: Option<&HubFault>,
    ) -> io::Result<()> {
        let mut body = self.body.to_vec();
        let ignored = matches!(fault, Some(HubFault::RangeIgnored | HubFault::RangeIgnoredAndCutAfter(_)));
        if let Some(from) = request.from().filter(|from| self.ranges && !ignored && *from < body.len()) {
            let from = from + usize::from(fault == Some(&HubFault::RangeShifted));
            self.status = 206;
            self.headers.push(("Content-Range", format!("bytes {from}-{}/{}", body.len() - 1, body.len())));
            body.drain(..from);
        }
        let sent = match fault {
            Some(
                HubFault::CutAfter(bytes)
                | HubFault::StallAfter(bytes)
                | HubFault::RangeIgnoredAndCutAfter(bytes),
            ) => body.len().min(*bytes),
            Some(HubFault::Short(bytes)) => {
                body.truncate(body.len().saturating_sub(*bytes));
                body.len()
            }
            Some(HubFault::Garbled) => {
                let middle = body.len() / 2;
                body[middle] ^= 1;
                body.len()
            }
            _ => body.len(),
        };
        let mut head = format!("HTTP/1.1 {} It\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        write!(connection, "{head}Content-Length: {}\r\n\r\n", body.len())?;
        if request.method == "HEAD" {
            return Ok(());
        }
        connection.write_all(&body[..sent])?;
        if matches!(fault, Some(HubFault::StallAfter(_))) {
            // Comes back when the client has gone.
            connection.read_to_end(&mut Vec::new())?;
        }
        Ok(())
    }
}
