use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::api::Api;
use super::stop_signal::wait_until;
use crate::test_run::supervised::{Plan, Supervised};

/// A replica of the program that is killed, suspended, terminated and restarted. All its processes share one log file.
#[derive(Debug)]
pub(super) struct Replica {
    name: &'static str,
    port: u16,
    command: Command,
    server: Supervised,
}

/// The settings that all replicas share.
#[derive(Debug)]
pub(super) struct Setup<'a> {
    pub(super) binary: &'a Path,
    pub(super) model: &'a Path,
    pub(super) store: &'a str,
    pub(super) settings: &'a [String],
}

/// The log line after a process that was killed.
pub(super) const KILLED: &str = r#"{"chaos":"killed"}"#;
/// The log line after a process that ended otherwise.
pub(super) const ENDED: &str = r#"{"chaos":"ended"}"#;

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_mins(2);
/// How long a process may take to end on SIGTERM, as documented in docs/operations.md.
const STOP: Duration = Duration::from_secs(30);
/// The exit code that a shell returns for a process that SIGTERM killed: 128 plus the signal's number.
const TERMINATED: i32 = 128 + 15;
/// How long a ready replica may take to respond to a probe.
const PROBE: Duration = Duration::from_secs(5);

impl Replica {
    /// Starts a replica without waiting until it is ready.
    pub(super) fn start(name: &'static str, port: u16, setup: &Setup<'_>) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("undertone-chaos-").tempdir()?;
        let launch = || {
            let mut command = Command::new(setup.binary);
            command.args(["serve", "--host", "127.0.0.1", "--port", &port.to_string()]);
            command.arg("--model").arg(setup.model).args(["--store", setup.store]);
            // Longer than the balancer's checks, which take a second.
            for setting in ["log.format=json", "server.drain_delay=2"] {
                command.args(["--set", setting]);
            }
            for setting in setup.settings {
                command.args(["--set", setting]);
            }
            command
        };
        // No other signal ends a suspended process.
        let stop = r#"kill -KILL "$server""#.to_owned();
        let server = Supervised::start(Plan { command: launch(), folder, stop })?;
        Ok(Self { name, port, command: launch(), server })
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the log file of all its processes.
    pub(super) fn log(&self) -> PathBuf {
        self.server.log()
    }

    /// Waits until it is ready for the first time.
    ///
    /// # Errors
    /// When it is not: the test cannot run then.
    pub(super) fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let api = Api::at(self.port, PROBE);
        let ready = wait_until(START, || self.server.has_ended() || api.is_ready());
        let started = ready && !self.server.has_ended();
        ensure!(
            started,
            "{} is not ready after its start; its log ends with:\n{}",
            self.name,
            self.server.log_tail()
        );
        Ok(())
    }

    /// Kills it with SIGKILL and restarts it at once.
    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        self.signal("KILL")?;
        let ended = wait_until(START, || self.server.has_ended());
        ensure!(ended, "{} does not end on SIGKILL", self.name);
        self.server.start_again(&self.command, KILLED)
    }

    /// Suspends it with SIGSTOP until [`Self::resume`]; its connections stay open.
    pub(super) fn suspend(&self) -> anyhow::Result<()> {
        self.signal("STOP")
    }

    pub(super) fn resume(&self) -> anyhow::Result<()> {
        self.signal("CONT")
    }

    /// Terminates it with SIGTERM and restarts it after its end. Returns a description if it did not end properly.
    pub(super) fn terminate(&mut self) -> anyhow::Result<Option<String>> {
        let started = Instant::now();
        self.signal("TERM")?;
        if !wait_until(STOP, || self.server.has_ended()) {
            self.kill()?;
            return Ok(Some(format!("{} did not end within {STOP:?} of SIGTERM", self.name)));
        }
        let code = self.server.exit_status().context("an ended replica has no exit status")?.code();
        // A process that has not logged anything yet may not handle signals yet.
        let too_early = code == Some(TERMINATED) && is_silent(&fs::read_to_string(self.log())?);
        self.server.start_again(&self.command, ENDED)?;
        let problem = (code != Some(0) && !too_early)
            .then(|| format!("{} ended with {code:?} {:.1?} after SIGTERM", self.name, started.elapsed()));
        Ok(problem)
    }

    /// Terminates it with SIGTERM for good.
    pub(super) fn end(&mut self) -> anyhow::Result<()> {
        self.signal("TERM")?;
        ensure!(wait_until(STOP, || self.server.has_ended()), "{} does not end on SIGTERM", self.name);
        Ok(())
    }

    fn signal(&self, name: &str) -> anyhow::Result<()> {
        // Immediately after a start there may be no process yet.
        wait_until(START, || self.server.process().is_some());
        self.server.signal(name)
    }

    /// Restarts it if it has ended by itself, and returns a description then.
    pub(super) fn restart_if_ended(&mut self) -> anyhow::Result<Option<String>> {
        let Some(status) = self.server.exit_status() else { return Ok(None) };
        let problem = format!(
            "{} ended by itself ({status}); its log ends with:\n{}",
            self.name,
            self.server.log_tail()
        );
        self.server.start_again(&self.command, ENDED)?;
        Ok(Some(problem))
    }
}

/// Whether the last process of a log has not written anything.
fn is_silent(log: &str) -> bool {
    let last = log.lines().rfind(|line| !line.is_empty());
    last.is_none_or(|line| line == KILLED || line == ENDED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_silent_until_it_writes_a_line() {
        assert!(is_silent(""));
        assert!(is_silent(&format!("a line\n\n{KILLED}\n")));
        assert!(!is_silent(&format!("a line\n\n{ENDED}\nanother\n\n")));
    }
}
