use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use super::Check;
use super::toolkit::Toolkit;
use crate::bench::client::Client;
use crate::bench::server::{Server, with_variables};
use crate::workspace::Workspace;

/// How a program with CUDA starts on a machine without a GPU.
#[derive(Debug)]
pub(super) struct Starts {
    program: PathBuf,
    model: PathBuf,
    target: PathBuf,
    /// The search path with CUDA's libraries and the stub of the driver.
    with_stub: String,
    /// The search path with CUDA's libraries only.
    without_driver: String,
}

/// The variable of the loader's search path.
const SEARCH_PATH: &str = "LD_LIBRARY_PATH";
/// How long a start that must fail may take.
const END_LIMIT: Duration = Duration::from_mins(1);
/// The exit code of an error in the set-up.
const SETUP_ERROR: i32 = 2;

impl Starts {
    pub(super) fn new(workspace: &Workspace, program: &Path, toolkit: &Toolkit) -> anyhow::Result<Self> {
        let (libraries, stubs) = (toolkit.libraries(), toolkit.stubs());
        Ok(Self {
            program: program.to_owned(),
            model: workspace.root().join("models/sentiment-minilm-l6"),
            target: workspace.target()?,
            with_stub: format!("{}:{}", libraries.display(), stubs.display()),
            without_driver: libraries.display().to_string(),
        })
    }

    /// Starts the program in each way and returns what was seen.
    pub(super) fn check(&self) -> Vec<Check> {
        let check = |name, outcome| Check { name, outcome };
        vec![
            check("no device, device \"auto\"", self.falls_back()),
            check("no device, device \"cuda:0\"", self.ends_with_one_line(&[])),
            check(
                "no device, device \"cuda:0\", RUST_BACKTRACE=1",
                self.ends_with_one_line(&[("RUST_BACKTRACE", "1")]),
            ),
            check("no driver", self.does_not_load()),
        ]
    }

    /// With `auto` the program serves on the CPU, and says why.
    fn falls_back(&self) -> anyhow::Result<String> {
        let server = Server::start(&self.target, |port, folder| {
            let variables: [(&str, &OsStr); 2] =
                [(SEARCH_PATH, self.with_stub.as_ref()), ("RUST_BACKTRACE", "1".as_ref())];
            let mut command = with_variables(&variables, &self.program);
            command.args(["serve", "--host", "127.0.0.1", "--port", &port.to_string(), "--device", "auto"]);
            command.args(["--set", "log.format=json", "--store"]);
            command.arg(format!("sqlite:{}", folder.join("undertone.db").display()));
            command.arg("--model").arg(&self.model);
            command
        })?;
        let sentiment = Client::new(server.address()).predict("I love it, works perfectly.")?.sentiment;
        ensure!(sentiment == "positive", "a positive text is {sentiment}");
        let log = fs::read_to_string(server.folder().join("log"))?;
        let warning = log.lines().find(|line| line.contains(FALLBACK)).map(reason_of);
        let reason = warning.with_context(|| format!("no line of the log says {FALLBACK:?}"))?;
        ensure!(!reason.contains("\\n"), "the reason has several lines: {reason}");
        Ok(format!("ready on the CPU, predicts {sentiment:?}; the log says: {FALLBACK} (reason: {reason})"))
    }

    /// Where the device is set, the program ends with the exit code of an error in the set-up, and one line.
    fn ends_with_one_line(&self, variables: &[(&str, &str)]) -> anyhow::Result<String> {
        let output = self.run_to_end(&self.with_stub, variables)?;
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let code = output.status.code();
        ensure!(code == Some(SETUP_ERROR), "it ended with {}: {message}", output.status);
        let lines = message.lines().count();
        ensure!(lines == 1, "the message has {lines} lines:\n{message}");
        ensure!(message.contains("cuda:0"), "the message does not name the device: {message}");
        Ok(format!("exit code {SETUP_ERROR}; {message}"))
    }

    /// Without the driver's library the loader refuses the program.
    fn does_not_load(&self) -> anyhow::Result<String> {
        let output = self.run_to_end(&self.without_driver, &[])?;
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        ensure!(
            !output.status.success() && message.contains("libcuda.so.1"),
            "it ended with {}: {message}; is NVIDIA's driver installed on this machine?",
            output.status
        );
        Ok(format!("the program cannot start: {message}"))
    }

    /// Runs `serve --device cuda:0`, which must end by itself, and returns its output.
    fn run_to_end(&self, search_path: &str, variables: &[(&str, &str)]) -> anyhow::Result<Output> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(&self.program);
        command.args(["serve", "--port", "0", "--device", "cuda:0", "--store"]);
        command.arg(format!("sqlite:{}", folder.path().join("undertone.db").display()));
        command.arg("--model").arg(&self.model).current_dir(folder.path());
        command.env(SEARCH_PATH, search_path).env_remove("RUST_BACKTRACE").envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut program = command.spawn().context("cannot start the program")?;
        let started = Instant::now();
        while program.try_wait()?.is_none() {
            if started.elapsed() > END_LIMIT {
                program.kill()?;
                bail!("the program has not ended after {END_LIMIT:?}");
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "no event says that another program has ended in time"
            )]
            thread::sleep(Duration::from_millis(50));
        }
        Ok(program.wait_with_output()?)
    }
}

/// The warning of a program that serves on the CPU although it has CUDA.
const FALLBACK: &str = "cannot use a CUDA device; the model runs on the CPU";

/// Returns the field `reason` of a line of the log.
fn reason_of(line: &str) -> String {
    let line: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    line["fields"]["reason"].to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_a_field_of_the_log_line() {
        assert_eq!(reason_of(r#"{"fields":{"message":"m","reason":"no driver"}}"#), "\"no driver\"");
        assert_eq!(reason_of("not json"), "null");
    }
}
