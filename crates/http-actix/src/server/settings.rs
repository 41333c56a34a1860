use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client_address::{ForwardedHeader, TrustedProxies};
use crate::server::limits::LimitsSettings;
use crate::server::seconds;
use crate::state::HttpSettings;

/// Where and how requests are accepted. The section `[server]` of the configuration has this form; ranges are declared
/// by the schema, and checked by the program that reads the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// The address to listen on.
    #[schemars(extend("values" = "address"))]
    pub host: String,
    /// The port to listen on; 0 takes a free one and logs it.
    pub port: u16,
    /// Threads that handle connections; 0 means one for each core.
    #[schemars(range(min = 0, max = 512))]
    pub workers: usize,
    /// A separate listener for `/metrics` and the detailed `/health`; the public listener then has no `/metrics` and a
    /// `/health` without components.
    #[schemars(with = "Option<String>", extend("values" = "address:port"))]
    pub admin_address: Option<SocketAddr>,
    /// Whether the public listener serves the web console at `/console/`, and redirects browsers to it from `/`.
    pub console: bool,
    /// The hosts that a request may name (`Host`), without a port, in addition to the names of the loopback interface
    /// and `server.host`; `["*"]` for any. If empty, a service that listens on the loopback interface accepts no other
    /// host, and any other service accepts every host. A request for another host gets 421, except on `/health/live`
    /// and `/health/ready`.
    pub allowed_hosts: Vec<String>,
    /// Connections of the public listener at a time. More wait in the system's backlog until one ends. Where the limit
    /// of open files is too low, fewer are accepted, with a warning at start.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_connections: usize,
    /// How long an idle connection stays open; should be longer than the load balancer's own timeout.
    #[serde(with = "seconds")]
    #[schemars(with = "f64", range(min = 1, max = 86_400))]
    pub keep_alive: Duration,
    /// How long a client may take to send a request's head, from its first byte (on a new connection from its start);
    /// then the connection ends, on a new connection with 408.
    #[serde(with = "seconds")]
    #[schemars(with = "f64", range(min = 1, max = 86_400))]
    pub head_timeout: Duration,
    /// How long a request may wait in all for its client to send the body; then it gets 408. Not for streams.
    #[serde(with = "seconds")]
    #[schemars(with = "f64", range(min = 1, max = 86_400))]
    pub body_timeout: Duration,
    /// How long a stream may wait for its client to send the next line; then it ends with `request_timeout`.
    #[serde(with = "seconds")]
    #[schemars(with = "f64", range(min = 1, max = 86_400))]
    pub stream_idle_timeout: Duration,
    /// How long a client may accept no byte of a response that is ready; then the connection ends.
    #[serde(with = "seconds")]
    #[schemars(with = "f64", range(min = 1, max = 86_400))]
    pub send_timeout: Duration,
    /// How long a connection that is to end waits for what its client still sends.
    #[serde(with = "seconds")]
    #[schemars(with = "f64", range(min = 1, max = 86_400))]
    pub disconnect_timeout: Duration,
    /// How long the listener stays open after SIGTERM, while the service is not ready, so that load balancers stop
    /// sending requests (none on Ctrl-C).
    #[serde(with = "seconds")]
    #[schemars(with = "f64", range(min = 0, max = 86_400))]
    pub drain_delay: Duration,
    /// How long requests in flight may take to end after the drain.
    #[serde(with = "seconds")]
    #[schemars(with = "f64", range(min = 0, max = 86_400))]
    pub shutdown_timeout: Duration,
    /// The proxies whose reports of their clients' addresses are trusted: addresses or networks. The address is part
    /// of the audit, and failed authentications are counted by it.
    #[schemars(with = "Vec<String>", extend("values" = "address or network"))]
    pub trusted_proxies: Vec<String>,
    /// The header in which the trusted proxies report the address of their client.
    pub forwarded_header: ForwardedHeader,
    /// Origins that browsers may call from; `["*"]` for any; empty for none.
    pub cors_origins: Vec<String>,
    /// Whether to send `Strict-Transport-Security`; only behind TLS.
    pub hsts: bool,
    /// Whether `POST` and `DELETE /api/v1/models/{name}` load and unload models while authentication is not required;
    /// where it is, callers need the scope `models:write` instead. Enable it only where all clients are trusted: any
    /// client of the API can then replace the served models, fill the disk, and, unless `server.model_sources` is set,
    /// make the service read any folder that it has access to and fetch any public repository of the hub.
    pub model_changes: bool,
    /// What clients may load models from: globs of folders, absolute or below the working directory (`models/*`,
    /// `/srv/models/**`), matched after symbolic links are resolved, and repositories of the hub (`hf:org/name`,
    /// `hf:org/*`), for which `hub.token` is used. If not set, clients who may load models load any, and `hub.token` is
    /// used only for the repositories of configured models. Configured models are not bound by it.
    pub model_sources: Option<Vec<String>>,
    /// The most memory for the bodies of all requests and responses together, without the first 16 KiB of each; beyond
    /// it 503 `saturated`. At least the largest body of `limits`; parsing may take twice as much in addition.
    #[schemars(range(min = 0, max = 1_099_511_627_776_u64), extend("values" = "bytes"))]
    pub max_body_memory: usize,
}

/// The `max-age` of `Strict-Transport-Security`: a year.
const HSTS_MAX_AGE_S: u64 = 31_536_000;

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 8000,
            workers: 0,
            admin_address: None,
            console: true,
            allowed_hosts: Vec::new(),
            max_connections: 4_096,
            keep_alive: Duration::from_secs(75),
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            stream_idle_timeout: Duration::from_mins(5),
            send_timeout: Duration::from_secs(30),
            disconnect_timeout: Duration::from_secs(5),
            drain_delay: Duration::from_secs(5),
            shutdown_timeout: Duration::from_secs(15),
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::default(),
            cors_origins: Vec::new(),
            hsts: false,
            model_changes: false,
            model_sources: None,
            max_body_memory: 64 << 20,
        }
    }
}

impl ServerSettings {
    /// Returns `host:port`, with an IPv6 address in brackets.
    pub fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// Returns the settings of the API; `has_cache` if a cache is in front of the model.
    pub fn api(&self, limits: &LimitsSettings, has_cache: bool) -> HttpSettings {
        HttpSettings {
            max_body_bytes: limits.max_body_bytes,
            max_batch_body_bytes: limits.max_batch_body_bytes,
            max_line_bytes: limits.max_body_bytes,
            body_timeout: self.body_timeout,
            stream_idle_timeout: self.stream_idle_timeout,
            send_timeout: self.send_timeout,
            max_text_chars: limits.max_chars,
            cors_origins: self.cors_origins.clone(),
            hsts_max_age_s: self.hsts.then_some(HSTS_MAX_AGE_S),
            admin_split: self.admin_address.is_some(),
            console: self.console,
            trusted_proxies: TrustedProxies {
                networks: self.trusted_proxies.iter().filter_map(|network| parse_network(network)).collect(),
                header: self.forwarded_header,
            },
            cache_status: has_cache,
            ..HttpSettings::default()
        }
    }

    /// Checks what neither the types nor the declared ranges check.
    ///
    /// # Errors
    /// The first key whose value is invalid, and why.
    pub fn validate(&self, limits: &LimitsSettings) -> Result<(), String> {
        if self.host.is_empty() {
            return Err("host must not be empty".into());
        }
        for (key, bytes) in
            [("max_body_bytes", limits.max_body_bytes), ("max_batch_body_bytes", limits.max_batch_body_bytes)]
        {
            if bytes > self.max_body_memory {
                let given = self.max_body_memory;
                return Err(format!(
                    "max_body_memory must be at least limits.{key}, which is {bytes}, not {given}"
                ));
            }
        }
        if let Some(host) = self.allowed_hosts.iter().find(|host| !is_host(host)) {
            return Err(format!(
                "allowed_hosts: {host:?} is not a host; use a name or an address without scheme and port, or *"
            ));
        }
        if let Some(network) = self.trusted_proxies.iter().find(|text| parse_network(text).is_none()) {
            return Err(format!(
                "trusted_proxies: {network:?} is not an address or a network such as 10.0.0.0/8"
            ));
        }
        if let Some(origin) = self.cors_origins.iter().find(|origin| !is_origin(origin)) {
            return Err(format!("cors_origins: {origin:?} is not an origin; use scheme://host[:port], or *"));
        }
        Ok(())
    }
}

/// Parses a network; an address is the network of itself.
fn parse_network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse().ok().map(|address: IpAddr| address.to_canonical().into()))
}

/// Whether this is `*`, or a host of the `Host` header (RFC 9110, section 7.2) without its port.
fn is_host(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    host == "*"
        || address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
        || (!host.is_empty() && host.chars().all(name))
}

/// Whether this is `*`, or an `Origin` that browsers can send (RFC 6454, section 7): a scheme and a host, no path.
fn is_origin(origin: &str) -> bool {
    let is_plain = |part: &str| part.chars().all(|c| c.is_ascii_graphic() && c != '/' && c != '*');
    let parts = origin.split_once("://");
    origin == "*"
        || parts.is_some_and(|(scheme, host)| {
            !scheme.is_empty() && !host.is_empty() && is_plain(scheme) && is_plain(host)
        })
}
