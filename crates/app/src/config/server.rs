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
}

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
        }
    }
}

impl ServerSettings {
    pub(super) fn validate(&self) -> Result<(), String> {
        self.keep_alive.validate("server.keep_alive", 1.0)?;
        self.drain_delay.validate("server.drain_delay", 0.0)?;
        self.shutdown_timeout.validate("server.shutdown_timeout", 0.0)?;
        if self.host.is_empty() {
            return Err("server.host must not be empty".into());
        }
        Ok(())
    }
}
