use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::time::Instant;

/// A request to the hub.
#[derive(Debug, Clone)]
pub struct HubRequest {
    /// `GET` or `HEAD`.
    pub method: String,
    /// The path, as it was sent, without the query.
    pub path: String,
    /// The `Range`.
    pub range: Option<String>,
    /// The token.
    pub token: Option<String>,
    /// When it came.
    pub at: Instant,
}

impl HubRequest {
    /// Reads a request's line and headers; none where the client disconnected before.
    pub(super) fn read(connection: &TcpStream) -> Option<Self> {
        let mut lines = BufReader::new(connection).lines().map_while(Result::ok);
        let line = lines.next()?;
        let mut words = line.split(' ');
        let method = words.next()?.to_owned();
        let path = words.next()?.split('?').next()?.to_owned();
        let mut request = Self { method, path, range: None, token: None, at: Instant::now() };
        for line in lines.take_while(|line| !line.is_empty()) {
            let Some((name, value)) = line.split_once(": ") else { continue };
            match name.to_ascii_lowercase().as_str() {
                "range" => request.range = Some(value.to_owned()),
                "authorization" => request.token = value.strip_prefix("Bearer ").map(str::to_owned),
                _ => {}
            }
        }
        Some(request)
    }

    /// The first byte of the requested range.
    pub(super) fn from(&self) -> Option<usize> {
        let range = self.range.as_deref()?.strip_prefix("bytes=")?;
        range.split('-').next()?.parse().ok()
    }
}
