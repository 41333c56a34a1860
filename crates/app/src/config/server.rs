use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::config::Seconds;

/// Where and how requests are taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerSettings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) workers: usize,
    pub(crate) admin_address: Option<SocketAddr>,
    pub(crate) keep_alive: Seconds,
    pub(crate) drain_delay: Seconds,
    pub(crate) shutdown_timeout: Seconds,
    pub(crate) cors_origins: Vec<String>,
    pub(crate) hsts: bool,
    pub(crate) model_changes: bool,
    pub(crate) max_body_memory: usize,
}

/// A tebibyte: what is larger is a slip.
const MOST_BODY_MEMORY: usize = 1 << 40;

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 8000,
            workers: 0,
            admin_address: None,
            keep_alive: Seconds(75.0),
            drain_delay: Seconds(5.0),
            shutdown_timeout: Seconds(15.0),
            cors_origins: Vec::new(),
            hsts: false,
            model_changes: false,
            max_body_memory: 64 << 20,
        }
    }
}

impl ServerSettings {
    pub(super) fn validate(&self) -> Result<(), String> {
        self.keep_alive.validate("server.keep_alive", 1.0)?;
        self.drain_delay.validate("server.drain_delay", 0.0)?;
        self.shutdown_timeout.validate("server.shutdown_timeout", 0.0)?;
        if self.max_body_memory > MOST_BODY_MEMORY {
            return Err(format!(
                "server.max_body_memory must be at most {MOST_BODY_MEMORY}, not {}",
                self.max_body_memory
            ));
        }
        if self.host.is_empty() {
            return Err("server.host must not be empty".into());
        }
        if let Some(origin) = self.cors_origins.iter().find(|origin| !is_origin(origin)) {
            return Err(format!(
                "server.cors_origins: {origin:?} is no origin; write scheme://host[:port], or *"
            ));
        }
        Ok(())
    }
}

/// Whether browsers could send this as an `Origin` (RFC 6454, section 7): a scheme and a host, no path.
fn is_origin(origin: &str) -> bool {
    let is_plain = |part: &str| part.chars().all(|c| c.is_ascii_graphic() && c != '/' && c != '*');
    let parts = origin.split_once("://");
    origin == "*"
        || parts.is_some_and(|(scheme, host)| {
            !scheme.is_empty() && !host.is_empty() && is_plain(scheme) && is_plain(host)
        })
}
