use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::api::Api;
use super::stop_signal::wait_until;
use crate::apt;
use crate::test_run::supervised::{Plan, Supervised};
use crate::workspace::on_path;

const CONFIGURATION: &str = include_str!("haproxy.cfg");

/// How long it may take until the replicas pass its checks.
const TIMEOUT: Duration = Duration::from_mins(1);

/// HAProxy in front of the replicas; it stops with this value.
#[derive(Debug)]
pub(super) struct Balancer {
    server: Supervised,
    port: u16,
}

impl Balancer {
    /// Starts it in front of replicas that are ready, and waits until it forwards requests.
    pub(super) fn start(program: PathBuf, port: u16, replicas: [u16; 2]) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("undertone-chaos-").tempdir()?;
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, configuration(port, replicas))?;
        let mut command = Command::new(program);
        // In the foreground.
        command.arg("-db").arg("-f").arg(file);
        let server = Supervised::start(Plan { command, folder, stop: r#"kill "$server""#.to_owned() })?;
        let mut balancer = Self { server, port };
        let api = Api::at(balancer.port, TIMEOUT);
        let forwards = wait_until(TIMEOUT, || balancer.server.has_ended() || api.is_ready());
        ensure!(
            forwards,
            "HAProxy has no healthy replica after {TIMEOUT:?}; its log ends with:\n{}",
            balancer.server.log_tail()
        );
        balancer.ensure_running()?;
        Ok(balancer)
    }

    /// Returns the port for clients.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// # Errors
    /// When it has ended: it is not under test.
    pub(super) fn ensure_running(&mut self) -> anyhow::Result<()> {
        ensure!(!self.server.has_ended(), "HAProxy ended; its log ends with:\n{}", self.server.log_tail());
        Ok(())
    }

    /// Returns its log file.
    pub(super) fn log(&self) -> PathBuf {
        self.server.log()
    }
}

/// Returns HAProxy's program, which is installed first if it is missing (as root on Debian).
pub(super) fn program() -> anyhow::Result<PathBuf> {
    let installed = || {
        // Debian's folder for it is only on root's search path.
        let usual = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy"].map(PathBuf::from);
        on_path("haproxy").or_else(|| usual.into_iter().find(|file| file.is_file()))
    };
    if let Some(program) = installed() {
        return Ok(program);
    }
    ensure!(
        apt::is_available(),
        "HAProxy is not installed: install haproxy 2.2 or newer (`brew install haproxy`)"
    );
    apt::install("haproxy").context("HAProxy is missing: install it (`sudo apt-get install haproxy`)")?;
    installed().context("cannot find the program of the installed haproxy")
}

fn configuration(port: u16, [first, second]: [u16; 2]) -> String {
    let places = [("{port}", port), ("{first}", first), ("{second}", second)];
    places.iter().fold(CONFIGURATION.to_owned(), |text, (place, port)| text.replace(place, &port.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_names_the_ports_and_repeats_no_request() {
        let text = configuration(1, [2, 3]);
        for line in ["bind 127.0.0.1:1", "server replica-1 127.0.0.1:2", "server replica-2 127.0.0.1:3"] {
            assert!(text.lines().any(|own| own.trim() == line), "{line}");
        }
        assert!(text.contains("retry-on conn-failure\n") && !text.contains("127.0.0.1:{"));
    }
}
