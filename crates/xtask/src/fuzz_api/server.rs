use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::workspace::Workspace;

/// The program, serving on a free port with an empty SQLite store; it is killed when this value is dropped.
#[derive(Debug)]
pub(super) struct Server {
    program: Child,
    address: String,
    _folder: TempDir,
}

impl Server {
    /// Starts `program` and reads its address from the log.
    pub(super) fn start(workspace: &Workspace, program: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let store = format!("sqlite:{}", folder.path().join("undertone.db").display());
        let mut command = Command::new(program);
        command.args(["serve", "--port", "0", "--set", "log.format=json", "--store", &store, "--model"]);
        command.arg(workspace.root().join("models/sentiment-minilm-l6"));
        // Not the root, so that no undertone.toml of a developer is read.
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut program = command.spawn().context("cannot start the program")?;
        let log = program.stdout.take().context("the program has no output")?;
        let mut server = Self { program, address: String::new(), _folder: folder };
        server.address = read_address(log)?;
        Ok(server)
    }

    /// Returns its address.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// # Errors
    /// When the program has ended.
    pub(super) fn ensure_running(&mut self) -> anyhow::Result<()> {
        let ended = self.program.try_wait()?;
        ensure!(
            ended.is_none(),
            "the server ended: {}",
            ended.map(|status| status.to_string()).unwrap_or_default()
        );
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself. Nothing is lost by a kill: its store is removed with the folder.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// Returns the address from the log line `listening`; later lines are read and discarded.
fn read_address(log: impl io::Read + Send + 'static) -> anyhow::Result<String> {
    let mut lines = BufReader::new(log).lines();
    let mut earlier = Vec::new();
    while let Some(line) = lines.next() {
        let line = line?;
        if let Some(address) = address_in(&line) {
            thread::spawn(move || lines.for_each(drop));
            return Ok(address);
        }
        earlier.push(line);
    }
    anyhow::bail!("the server ended before it was listening; its log:\n{}", earlier.join("\n"))
}

fn address_in(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = line.get("fields")?;
    (fields.get("message")? == "listening").then(|| fields.get("address")?.as_str().map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn the_address_is_read_from_the_line_listening() {
        let log = "{\"fields\":{\"message\":\"loading\",\"address\":\"x\"}}\nnot json\n\
                   {\"fields\":{\"message\":\"listening\",\"address\":\"127.0.0.1:81\"}}\n";
        assert_eq!(read_address(log.as_bytes()).unwrap(), "127.0.0.1:81");
    }

    #[test]
    fn a_server_that_ends_before_it_listens_is_an_error_with_its_log() {
        let error = read_address("no model\n".as_bytes()).unwrap_err().to_string();
        assert!(error.ends_with("no model"), "{error}");
    }
}
