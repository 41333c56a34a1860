//! The program under test: started on a free port, its log lines read, killed when it is dropped.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::api::Api;

/// The longest that an expected event may take on a slow, busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Undertone {
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
    reader: Option<JoinHandle<()>>,
    /// Whether the reader of the log has stopped.
    stopped: Arc<(Mutex<bool>, Condvar)>,
    pub(crate) address: String,
}

impl Undertone {
    /// Starts the program in `folder` and waits until it is ready.
    pub(crate) fn start(folder: &Path, store: &str, settings: &[&str]) -> Self {
        let started = Self::launch(folder, store, settings);
        wait_for("the service to be ready", || started.api().is_ready().then_some(()));
        started
    }

    /// Starts the program and waits until it listens.
    pub(crate) fn launch(folder: &Path, store: &str, settings: &[&str]) -> Self {
        let mut started = Self::spawn(folder, store, settings);
        started.address = wait_for("the service to listen", || {
            if let Some(status) = started.child.try_wait().unwrap() {
                panic!("the program ended with {status}: {:?}", started.log());
            }
            started.logged("address")
        });
        started
    }

    /// Starts the program and does not wait.
    pub(crate) fn spawn(folder: &Path, store: &str, settings: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_undertone"));
        command.current_dir(folder).args(["--port", "0", "--store", store, "--precision", "f32"]);
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/sentiment-minilm-l6");
        command.arg("--model").arg(model).args(["--set", "log.format=json"]);
        // The environment of the tests must not configure the program.
        command.env("NO_PROXY", "127.0.0.1").env_remove("HF_HUB_OFFLINE");
        for setting in settings {
            command.args(["--set", setting]);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let stopped = Arc::<(Mutex<bool>, Condvar)>::default();
        let (read, gate) = (Arc::clone(&lines), Arc::clone(&stopped));
        let reader = thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                drop(gate.1.wait_while(gate.0.lock().unwrap(), |stopped| *stopped).unwrap());
                read.lock().unwrap().push(serde_json::from_str(&line).unwrap_or(Value::String(line)));
            }
        });
        Self { child, lines, reader: Some(reader), stopped, address: String::new() }
    }

    /// Returns the first logged value of `field`.
    fn logged(&self, field: &str) -> Option<String> {
        self.log().iter().find_map(|line| Some(line["fields"][field].as_str()?.to_owned()))
    }

    /// Returns the address of the operators' listener.
    pub(crate) fn admin_address(&self) -> String {
        wait_for("the administrators' address", || self.logged("admin_address"))
    }

    /// Waits until it has logged `message`.
    pub(crate) fn wait_for_log(&self, message: &str) {
        let is_logged = || self.log().iter().any(|line| line["fields"]["message"] == message);
        wait_for(message, || is_logged().then_some(()));
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn api(&self) -> Api {
        Api::at(&self.address)
    }

    /// Stops reading its log.
    pub(crate) fn stop_reading(&self) {
        *self.stopped.0.lock().unwrap() = true;
    }

    /// Resumes reading its log.
    pub(crate) fn read_on(&self) {
        *self.stopped.0.lock().unwrap() = false;
        self.stopped.1.notify_all();
    }

    /// Returns what it has logged so far.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.lines.lock().unwrap().clone()
    }

    /// Returns the log's lines of `level`.
    pub(crate) fn log_of_level(&self, level: &str) -> Vec<Value> {
        self.log().into_iter().filter(|line| line["level"] == level).collect()
    }

    /// Returns the events that it has published so far.
    pub(crate) fn events(&self) -> Vec<Event> {
        let text = |line: &Value, name: &str| line["fields"][name].as_str().unwrap_or_default().to_owned();
        let events = self.log().into_iter().filter(|line| line["target"] == "undertone::event");
        events
            .map(|line| Event {
                id: text(&line, "event_id"),
                kind: text(&line, "event_type"),
                prediction_id: text(&line, "prediction_id"),
            })
            .collect()
    }

    /// Kills it (`kill -9`) and returns what it logged.
    pub(crate) fn kill(mut self) -> Vec<Event> {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
        // Its last lines may still be in the pipe.
        self.reader.take().expect("a reader").join().expect("read to the end");
        self.events()
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Sends SIGINT, as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        self.signal("-INT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill runs").success());
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait_for("the program to end", || self.child.try_wait().expect("waited"))
    }

    /// Returns the memory that it uses, in KiB; none on systems without `/proc`.
    pub(crate) fn resident_kib(&self) -> Option<u64> {
        self.memory_kib("VmRSS:")
    }

    /// Returns the field `name` of its memory usage, in KiB; none on systems without `/proc`.
    pub(crate) fn memory_kib(&self, name: &str) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with(name)).expect("a line of this name");
        Some(line.split_whitespace().nth(1).expect("a number").parse().expect("a number"))
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("asked").is_none()
    }
}

impl Drop for Undertone {
    /// Ends the program, and checks that no API key and no token is in its log, whatever the test was about.
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        let is_leak = |line: &Value| {
            let line = line.to_string();
            has_key(&line) || has_token(&line)
        };
        let leaked = self.log().into_iter().find(is_leak);
        if let Some(line) = leaked
            && !thread::panicking()
        {
            panic!("a credential was logged: {line}");
        }
    }
}

/// Whether a text has a token (JWT): the Base64 of `{"` and at least two dots.
fn has_token(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    text.match_indices("eyJ").any(|(place, _)| {
        let end = text[place..].find(|c| !is_part(c)).map_or(text.len(), |length| place + length);
        text[place..end].matches('.').count() >= 2
    })
}

/// Whether a text has an API key with its secret: `ut_<12>_<49>`, all letters and digits.
pub(crate) fn has_key(text: &str) -> bool {
    let is_part = |part: &str, length: usize| {
        part.len() >= length && part.bytes().take(length).all(|byte| byte.is_ascii_alphanumeric())
    };
    text.match_indices("ut_").any(|(place, _)| {
        let mut parts = text[place + 3..].splitn(2, '_');
        let (id, secret) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        id.len() == 12 && is_part(id, 12) && is_part(secret, 49)
    })
}

/// One published event, as logged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) prediction_id: String,
}

/// Repeats `ask` until it returns a value.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        #[expect(clippy::disallowed_methods, reason = "a pause between two looks, not a guess at a time")]
        thread::sleep(Duration::from_millis(20));
    }
}
