use std::net::{Ipv6Addr, SocketAddr};

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
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) max_connections: usize,
    pub(crate) keep_alive: Seconds,
    pub(crate) head_timeout: Seconds,
    pub(crate) body_timeout: Seconds,
    pub(crate) stream_idle_timeout: Seconds,
    pub(crate) send_timeout: Seconds,
    pub(crate) disconnect_timeout: Seconds,
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
            allowed_hosts: Vec::new(),
            max_connections: 4_096,
            keep_alive: Seconds(75.0),
            head_timeout: Seconds(10.0),
            body_timeout: Seconds(30.0),
            stream_idle_timeout: Seconds(300.0),
            send_timeout: Seconds(30.0),
            disconnect_timeout: Seconds(5.0),
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
        self.validate_times()?;
        if self.max_body_memory > MOST_BODY_MEMORY {
            return Err(format!(
                "server.max_body_memory must be at most {MOST_BODY_MEMORY}, not {}",
                self.max_body_memory
            ));
        }
        if self.host.is_empty() {
            return Err("server.host must not be empty".into());
        }
        for (key, value, most) in [
            ("server.workers", self.workers, MOST_WORKERS),
            ("server.max_connections", self.max_connections, 1_000_000),
        ] {
            let least = usize::from(key != "server.workers");
            if !(least..=most).contains(&value) {
                return Err(format!("{key} must be from {least} to {most}, not {value}"));
            }
        }
        if let Some(host) = self.allowed_hosts.iter().find(|host| !is_host(host)) {
            return Err(format!(
                "server.allowed_hosts: {host:?} is no host; write a name or an address, without scheme and port, or *"
            ));
        }
        if let Some(origin) = self.cors_origins.iter().find(|origin| !is_origin(origin)) {
            return Err(format!(
                "server.cors_origins: {origin:?} is no origin; write scheme://host[:port], or *"
            ));
        }
        Ok(())
    }

    fn validate_times(&self) -> Result<(), String> {
        self.keep_alive.validate("server.keep_alive", 1.0)?;
        self.head_timeout.validate("server.head_timeout", 1.0)?;
        self.body_timeout.validate("server.body_timeout", 1.0)?;
        self.stream_idle_timeout.validate("server.stream_idle_timeout", 1.0)?;
        self.send_timeout.validate("server.send_timeout", 1.0)?;
        self.disconnect_timeout.validate("server.disconnect_timeout", 1.0)?;
        self.drain_delay.validate("server.drain_delay", 0.0)?;
        self.shutdown_timeout.validate("server.shutdown_timeout", 0.0)
    }
}

/// The most threads that actix-server takes.
const MOST_WORKERS: usize = 512;

/// Whether this is `*`, or a host as the `Host` header has it (RFC 9110, section 7.2) without its port.
fn is_host(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    host == "*"
        || address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
        || (!host.is_empty() && host.chars().all(name))
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
