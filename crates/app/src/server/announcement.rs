//! What a person who starts the service sees first: where it is and how to try it, and when the models are loaded.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Instant;

use application::ports::{ModelCatalog, ModelInfo};
use cli::{Banner, Fact, Screen, ready_lines};
use http_actix::Servers;

use crate::config::{AuthMode, Settings};
use crate::container::Container;
use crate::telemetry::TerminalLog;

/// Announces the service on the log for a person; nowhere without one.
pub(super) struct Announcement<'a> {
    pub(super) log: Option<&'a TerminalLog>,
    /// When the start began.
    pub(super) started: Instant,
}

impl Announcement<'_> {
    /// The service listens; its models are still being loaded.
    pub(super) fn listening(&self, settings: &Settings, container: &Container, servers: &Servers) {
        let Some(log) = self.log else { return };
        let url = format!("http://{}", to_open(servers.address()));
        let mut facts = addresses(settings, servers, &url);
        facts.push(("Store", Fact::Text(store(settings, container))));
        facts.push(("Model", Fact::Text(format!("{}, loading", container.model_names().join(", ")))));
        facts.extend(access(settings, container, servers.address().ip()));
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let command = command(&url, settings.auth.is_required());
        log.show(&Banner { version, facts, command }.render(Screen::of_standard_output()));
    }

    /// Every model is loaded.
    pub(super) fn ready(&self, container: &Container) {
        let Some(log) = self.log else { return };
        let models = ModelCatalog::models(container.models.as_ref());
        let models: Vec<String> = models.iter().map(|model| describe(&model.info)).collect();
        let seconds = self.started.elapsed().as_secs_f64();
        log.show(&ready_lines(Screen::of_standard_output(), seconds, &models));
        log.service_is_ready();
    }

    /// The service stops; after Ctrl-C the terminal has shown `^C` at the beginning of a line.
    pub(super) fn stopping(&self, is_interrupted: bool) {
        if let Some(log) = self.log.filter(|_| is_interrupted) {
            log.show("\n");
        }
    }
}

/// A model on one line.
pub(crate) fn describe(info: &ModelInfo) -> String {
    let ModelInfo { model, precision, device, kernel, .. } = info;
    format!("{} {}, {precision} on {device} ({kernel})", model.name(), model.revision())
}

/// The address that this machine opens for a listener on `address`.
fn to_open(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The address by which other machines probably reach a listener on all addresses: the one that this machine would
/// send from. No packet is sent.
fn from_elsewhere(address: SocketAddr) -> Option<SocketAddr> {
    if !address.ip().is_unspecified() {
        return None;
    }
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // Any address outside of this network; this one is for documentation.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then(|| SocketAddr::new(ip, address.port()))
}

fn addresses(settings: &Settings, servers: &Servers, url: &str) -> Vec<(&'static str, Fact)> {
    let elsewhere = from_elsewhere(servers.address());
    let remark = elsewhere.map(|address| format!("from other machines http://{address}")).unwrap_or_default();
    let mut facts = vec![("API", Fact::Link(url.to_owned(), remark))];
    if settings.server.console {
        facts.push(("Console", Fact::Link(format!("{url}/console/"), String::new())));
    }
    facts.push(("Docs", Fact::Link(format!("{url}/docs/"), String::new())));
    if let Some(admin) = servers.admin_address() {
        let remark = "metrics and health, for operators".to_owned();
        facts.push(("Operators", Fact::Link(format!("http://{}", to_open(admin)), remark)));
    }
    facts
}

/// The kind of the store and its place, without user and password.
fn store(settings: &Settings, container: &Container) -> String {
    match container.store.file() {
        Some(file) if container.store.is_read_only() => {
            format!("SQLite, {}, for reading only", file.display())
        }
        Some(file) => format!("SQLite, {}", file.display()),
        None => match settings.store.url.place() {
            Some(place) => format!("PostgreSQL, {place}"),
            None => "SQLite in memory; predictions are lost at the end".to_owned(),
        },
    }
}

/// Who may call, and how to get a key where one is needed.
fn access(settings: &Settings, container: &Container, ip: IpAddr) -> Vec<(&'static str, Fact)> {
    match settings.auth.mode {
        AuthMode::None => vec![("Access", Fact::Text("this machine only, without a key".to_owned()))],
        AuthMode::Disabled if ip.to_canonical().is_loopback() => {
            vec![("Access", Fact::Text("this machine only, without a key".to_owned()))]
        }
        AuthMode::Disabled => {
            let text = "everyone who reaches the address, without a key (auth.mode is disabled)";
            vec![("Access", Fact::Warning(text.to_owned()))]
        }
        AuthMode::Required => {
            let store = container.store.file().map(|file| format!(" --store sqlite:{}", file.display()));
            let store = store.unwrap_or_default();
            let command = vec![
                "UNDERTONE_KEY=$(undertone keys issue --tenant default \\".to_owned(),
                format!("  --scopes predictions:write{store})"),
            ];
            vec![
                ("Access", Fact::Text("callers with a key; to issue one for this shell:".to_owned())),
                ("", Fact::Command(command)),
            ]
        }
    }
}

/// The command that classifies a text, for a shell.
fn command(url: &str, needs_key: bool) -> Vec<String> {
    let mut lines = vec![format!("curl {url}/api/v1/predictions \\")];
    if needs_key {
        lines.push("  -H \"Authorization: Bearer $UNDERTONE_KEY\" \\".to_owned());
    }
    lines.push("  -H 'Content-Type: application/json' -d '{\"text\": \"I love it\"}'".to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_all_addresses_is_opened_on_the_loopback() {
        for (address, opened) in [
            ("0.0.0.0:8000", "127.0.0.1:8000"),
            ("[::]:8000", "[::1]:8000"),
            ("192.0.2.1:80", "192.0.2.1:80"),
        ] {
            assert_eq!(to_open(address.parse().unwrap()).to_string(), opened);
        }
        assert_eq!(from_elsewhere("127.0.0.1:8000".parse().unwrap()), None);
    }

    #[test]
    fn the_command_has_a_key_where_one_is_needed() {
        assert_eq!(command("http://a:1", false).len(), 2);
        assert!(command("http://a:1", true)[1].contains("$UNDERTONE_KEY"));
    }
}
