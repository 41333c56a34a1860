//! The load generator: `wrk` with one thread, and the same script for every server.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};
use serde::Deserialize;
use tempfile::TempDir;

use super::corpus::Corpus;
use crate::apt;
use crate::workspace::on_path;

/// `wrk` with its script and the texts to send. A value sends no text twice.
#[derive(Debug)]
pub(crate) struct Load {
    folder: TempDir,
    next: u64,
}

const SCRIPT: &str = include_str!("load.lua");
const ROUTE: &str = "/api/v1/predictions";

/// The result that the script prints; times in microseconds.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct LoadResult {
    pub(crate) requests: u64,
    pub(crate) micros: u64,
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
    /// Responses with a status of 400 or more.
    pub(crate) refused: u64,
    /// Connections that failed, and requests without a response within [`TIMEOUT`].
    pub(crate) failed: u64,
}

/// How long a response may take.
const TIMEOUT: &str = "30s";

impl LoadResult {
    /// Returns the responses with a status below 400, per second.
    pub(crate) fn answers_per_second(&self) -> f64 {
        self.requests.saturating_sub(self.refused) as f64 / (self.micros.max(1) as f64 / 1e6)
    }

    /// Returns the number of requests that failed or were refused.
    pub(crate) fn faults(&self) -> u64 {
        self.refused + self.failed
    }
}

/// A load that is running.
#[derive(Debug)]
pub(crate) struct Running(Child);

impl Load {
    /// Creates the load of a corpus. `run` is part of each text, so that the texts of several runs against the same
    /// server differ.
    pub(crate) fn new(corpus: &Corpus, run: u64) -> anyhow::Result<Self> {
        ensure_installed()?;
        let load = Self { folder: tempfile::tempdir()?, next: run * corpus.len() as u64 };
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

    /// Sends load over `connections`, each with one request in flight, for `seconds`.
    pub(crate) fn run(&mut self, server: &str, connections: u32, seconds: u64) -> anyhow::Result<LoadResult> {
        let running = self.start(server, connections, seconds)?;
        self.finish(running, connections)
    }

    /// Like [`Load::run`], without waiting for the end, so that a second load can run beside it.
    pub(crate) fn start(&self, server: &str, connections: u32, seconds: u64) -> anyhow::Result<Running> {
        let mut wrk = Command::new("wrk");
        wrk.args(["--threads", "1", "--connections", &connections.to_string()]);
        wrk.args(["--duration", &format!("{seconds}s"), "--timeout", TIMEOUT, "--script"]).arg(self.script());
        wrk.arg(format!("{server}{ROUTE}")).arg("--").arg(self.texts()).arg(self.next.to_string());
        let wrk = wrk.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        Ok(Running(wrk.context("cannot start wrk")?))
    }

    /// Waits for the end of a load that [`Load::start`] started.
    pub(crate) fn finish(&mut self, running: Running, connections: u32) -> anyhow::Result<LoadResult> {
        let output = running.0.wait_with_output()?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "wrk failed: {}: {printed}{errors}", output.status);
        let result = read(&printed).with_context(|| format!("wrk printed: {printed}{errors}"))?;
        // Requests in flight at the end were sent but not counted; `wrk` also calls the script once at its start.
        self.next += result.requests + result.failed + u64::from(connections) + 1;
        Ok(result)
    }
}

/// Finds the script's line in the output of `wrk`.
fn read(printed: &str) -> anyhow::Result<LoadResult> {
    let line = printed.lines().find(|line| line.starts_with('{')).context("the script printed nothing")?;
    Ok(serde_json::from_str(line)?)
}

fn ensure_installed() -> anyhow::Result<()> {
    if on_path("wrk").is_some() {
        return Ok(());
    }
    let advice =
        "the load generator wrk is missing: install it (Debian, Ubuntu and Homebrew have a package `wrk`)";
    ensure!(apt::is_available(), "{advice}");
    apt::install("wrk").context(advice)
}

/// Returns the address that the load requests, for single requests beside it.
pub(crate) fn route(server: &str) -> String {
    format!("{server}{ROUTE}")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn the_line_of_the_script_is_found_among_the_others() {
        let printed = "Running 1s test @ http://x\n  1 threads and 2 connections\n\
                    {\"requests\":10,\"micros\":2000000,\"p50\":3,\"p90\":4,\"p99\":5,\"max\":6,\"refused\":2,\"failed\":1}\n";
        let result = read(printed).unwrap();
        assert!((result.answers_per_second() - 4.0).abs() < 1e-9);
        assert_eq!(result.faults(), 3);
        assert!(read("unable to connect\n").is_err());
    }
}
