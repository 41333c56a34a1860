//! The load generator: `wrk` with one thread and one script for every server.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};
use serde::Deserialize;
use tempfile::TempDir;

use super::corpus::Corpus;
use crate::apt;
use crate::workspace::on_path;

/// `wrk` with its script and the texts to send. No text is sent twice in the life of this value.
#[derive(Debug)]
pub(crate) struct Load {
    folder: TempDir,
    next: u64,
}

const SCRIPT: &str = include_str!("load.lua");
const ROUTE: &str = "/api/v1/predictions";

/// What `wrk` saw, as the script says it; times in microseconds.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Seen {
    pub(crate) requests: u64,
    pub(crate) micros: u64,
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
    /// Answers with a status of 400 or more.
    pub(crate) refused: u64,
    /// Connections that failed, and requests without an answer in [`PATIENCE`].
    pub(crate) failed: u64,
}

/// How many seconds an answer may take.
const PATIENCE: &str = "30s";

impl Seen {
    /// Answers that a client can use, for each second.
    pub(crate) fn answers_per_second(&self) -> f64 {
        self.requests.saturating_sub(self.refused) as f64 / (self.micros.max(1) as f64 / 1e6)
    }

    /// Everything that went wrong.
    pub(crate) fn faults(&self) -> u64 {
        self.refused + self.failed
    }
}

/// A load under way.
#[derive(Debug)]
pub(crate) struct Running(Child);

impl Load {
    /// The load of a corpus. `turn` tells this run from others against the same server: it is part of each text.
    pub(crate) fn new(corpus: &Corpus, turn: u64) -> anyhow::Result<Self> {
        ensure_installed()?;
        let load = Self { folder: tempfile::tempdir()?, next: turn * corpus.len() as u64 };
        fs::write(load.script(), SCRIPT)?;
        corpus.write_for_load(&load.texts())?;
        Ok(load)
    }

    fn script(&self) -> PathBuf {
        self.folder.path().join("load.lua")
    }

    fn texts(&self) -> PathBuf {
        self.folder.path().join("texts")
    }

    /// So many connections for so many seconds, each with one request under way.
    pub(crate) fn run(&mut self, server: &str, connections: u32, seconds: u64) -> anyhow::Result<Seen> {
        let running = self.start(server, connections, seconds)?;
        self.finish(running, connections)
    }

    /// Like [`Load::run`] without waiting for the end, so that a second load can run beside it.
    pub(crate) fn start(&self, server: &str, connections: u32, seconds: u64) -> anyhow::Result<Running> {
        let mut wrk = Command::new("wrk");
        wrk.args(["--threads", "1", "--connections", &connections.to_string()]);
        wrk.args(["--duration", &format!("{seconds}s"), "--timeout", PATIENCE, "--script"])
            .arg(self.script());
        wrk.arg(format!("{server}{ROUTE}")).arg("--").arg(self.texts()).arg(self.next.to_string());
        let wrk = wrk.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        Ok(Running(wrk.context("wrk cannot be started")?))
    }

    /// Waits for the end of a load that [`Load::start`] began.
    pub(crate) fn finish(&mut self, running: Running, connections: u32) -> anyhow::Result<Seen> {
        let output = running.0.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "wrk gave {}: {said}{complaint}", output.status);
        let seen = read(&said).with_context(|| format!("wrk said: {said}{complaint}"))?;
        // Those that were under way at the end were sent and not counted; the script also tries itself once.
        self.next += seen.requests + seen.failed + u64::from(connections) + 1;
        Ok(seen)
    }
}

/// The line that the script writes among what `wrk` says itself.
fn read(said: &str) -> anyhow::Result<Seen> {
    let line = said.lines().find(|line| line.starts_with('{')).context("the script said nothing")?;
    Ok(serde_json::from_str(line)?)
}

fn ensure_installed() -> anyhow::Result<()> {
    if on_path("wrk").is_some() {
        return Ok(());
    }
    let advice = "the load comes from wrk: install it (Debian, Ubuntu and Homebrew have a package `wrk`)";
    ensure!(apt::is_here(), "{advice}");
    apt::install("wrk").context(advice)
}

/// The route that the load asks, for single requests beside it.
pub(crate) fn route(server: &str) -> String {
    format!("{server}{ROUTE}")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn the_line_of_the_script_is_found_among_the_others() {
        let said = "Running 1s test @ http://x\n  1 threads and 2 connections\n\
                    {\"requests\":10,\"micros\":2000000,\"p50\":3,\"p90\":4,\"p99\":5,\"max\":6,\"refused\":2,\"failed\":1}\n";
        let seen = read(said).unwrap();
        assert!((seen.answers_per_second() - 4.0).abs() < 1e-9);
        assert_eq!(seen.faults(), 3);
        assert!(read("unable to connect\n").is_err());
    }
}
