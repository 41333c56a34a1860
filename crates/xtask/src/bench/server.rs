use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use super::client::Client;
use super::resident::{PeakMemory, resident};
use crate::test_run::ports::free_port;
use crate::test_run::supervised::{Plan, Supervised};

/// A server to measure; it stops with this value, or with this process.
#[derive(Debug)]
pub(crate) struct Server {
    supervised: Supervised,
    process: u32,
    address: String,
    start: Duration,
}

/// How long a server may take to be ready.
const START_LIMIT: Duration = Duration::from_mins(3);
/// How often readiness is checked.
const PAUSE: Duration = Duration::from_millis(5);

impl Server {
    /// Starts the command that `command` returns for a port of the loopback interface, and waits until it is ready. Its
    /// working directory is a new folder inside `place`, on the disk to measure, which is removed with it.
    pub(crate) fn start(place: &Path, command: impl FnOnce(u16, &Path) -> Command) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(place)?;
        let port = free_port()?;
        let command = command(port, folder.path());
        let started = Instant::now();
        let mut supervised =
            Supervised::start(Plan { command, folder, stop: "kill \"$server\"".to_owned() })?;
        let address = format!("http://127.0.0.1:{port}");
        let client = Client::new(&address);
        while !client.is_ready() {
            if supervised.has_ended() {
                bail!("the server ended before it was ready; its log ends with:\n{}", supervised.log_tail());
            }
            ensure!(started.elapsed() < START_LIMIT, "the server is not ready after {START_LIMIT:?}");
            #[expect(clippy::disallowed_methods, reason = "no event says that another program is ready")]
            thread::sleep(PAUSE);
        }
        let start = started.elapsed();
        let process = supervised.process().context("the server has no process")?;
        Ok(Self { supervised, process, address, start })
    }

    /// Returns its base address.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Returns the time from its start until it was ready.
    pub(crate) fn start_to_ready(&self) -> Duration {
        self.start
    }

    /// Returns its working directory.
    pub(crate) fn folder(&self) -> &Path {
        self.supervised.folder()
    }

    /// Returns its process id.
    pub(crate) fn process(&self) -> u32 {
        self.process
    }

    /// Returns the resident bytes of it and its children.
    pub(crate) fn resident(&self) -> Option<u64> {
        resident(self.process)
    }

    /// Starts sampling their memory.
    pub(crate) fn peak_memory(&self) -> PeakMemory {
        PeakMemory::start(self.process)
    }

    /// # Errors
    /// When the server has ended.
    pub(crate) fn ensure_running(&mut self) -> anyhow::Result<()> {
        ensure!(
            !self.supervised.has_ended(),
            "the server ended; its log ends with:\n{}",
            self.supervised.log_tail()
        );
        Ok(())
    }
}

/// Returns a command that sets variables for a program. The variables are arguments of `env`, since a supervised
/// server is started with the program and the arguments of its command only.
pub(crate) fn with_variables(variables: &[(&str, &OsStr)], program: &Path) -> Command {
    let mut command = Command::new("env");
    for (name, value) in variables {
        let mut variable = OsStr::new(name).to_owned();
        variable.push("=");
        variable.push(value);
        command.arg(variable);
    }
    command.arg(program);
    command
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn a_server_that_ends_before_it_is_ready_is_an_error_with_its_log() {
        let place = tempfile::tempdir().unwrap();
        let failing = |_: u16, _: &Path| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", "echo no model; exit 1"]);
            command
        };
        let error = Server::start(place.path(), failing).unwrap_err().to_string();
        assert!(error.ends_with("no model"), "{error}");
    }

    #[test]
    fn variables_precede_the_program() {
        let command = with_variables(&[("A", OsStr::new("b c"))], Path::new("/bin/x"));
        assert_eq!(command.get_args().collect::<Vec<_>>(), ["A=b c", "/bin/x"]);
    }
}
