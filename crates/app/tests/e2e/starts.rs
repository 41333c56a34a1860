//! `undertone serve` as a person sees it: the banner and the lines on a terminal, and starts that fail.

use std::fs;
use std::io::{ErrorKind, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};

use serde_json::Value;
use tempfile::TempDir;

use crate::api::Api;
use crate::command_line::undertone;
use crate::database::Database;

/// A service on a terminal.
struct OnTerminal {
    terminal: pty_process::blocking::Pty,
    child: Child,
    shown: String,
}

impl OnTerminal {
    fn start(folder: &Path, columns: u16, arguments: &[&str]) -> Self {
        let (terminal, processes) = pty_process::blocking::open().expect("a terminal");
        terminal.resize(pty_process::Size::new(50, columns)).expect("its size");
        let command = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_undertone"));
        let command = command.current_dir(folder).env("TERM", "xterm-256color").env("NO_COLOR", "1");
        let arguments = [&["serve", "--precision", "f32"], arguments].concat();
        let child = command.args(arguments).spawn(processes).expect("starts");
        Self { terminal, child, shown: String::new() }
    }

    /// Reads on until `text` is shown, or to the end without one.
    fn read_until(&mut self, text: Option<&str>) {
        let mut bytes = [0; 4096];
        while text.is_none_or(|text| !self.shown.contains(text)) {
            match self.terminal.read(&mut bytes) {
                Ok(0) => break,
                Ok(length) => self.shown.push_str(&String::from_utf8_lossy(&bytes[..length])),
                // Linux reports an error when the last process has closed the terminal.
                Err(error) => {
                    assert_ne!(error.kind(), ErrorKind::UnexpectedEof, "{error}");
                    break;
                }
            }
        }
        self.shown = self.shown.replace("\r\n", "\n");
        if let Some(text) = text {
            assert!(self.shown.contains(text), "{text:?} is not in {}", self.shown);
        }
    }

    /// The address that the banner says.
    fn address(&self) -> String {
        let line = self.shown.lines().find(|line| line.starts_with("  API ")).expect("the address");
        line.split_whitespace().nth(1).expect("an URL").trim_start_matches("http://").to_owned()
    }

    /// Sends SIGINT, as Ctrl-C does, and returns what was shown in all.
    fn end(mut self) -> String {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        self.read_until(None);
        assert!(self.child.wait().expect("waits").success(), "{}", self.shown);
        self.shown.clone()
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_terminal_shows_a_banner_and_a_line_for_each_request() {
    let folder = TempDir::new().unwrap();
    let mut service = OnTerminal::start(folder.path(), 100, &["--port", "0"]);
    service.read_until(Some("Ready in "));
    service.read_until(Some("f32 on cpu"));
    let address = service.address();
    let api = Api::at(&address);
    assert_eq!(api.predict("a text that is not shown").unwrap().status, 200);
    assert_eq!(api.get("/api/v1/no/such/path?secret=shown").unwrap().status, 404);
    service.read_until(Some("/api/v1/no/such/path"));
    let shown = service.end();
    for expected in [
        format!("  Console   http://{address}/console/\n"),
        format!("  Docs      http://{address}/docs/\n"),
        format!("  Store     SQLite, {}", fs::canonicalize(folder.path()).unwrap().display()),
        "  Model     sentiment-minilm-l6, loading\n".to_owned(),
        "  Access    this machine only, without a key\n".to_owned(),
        format!("  Try it    curl http://{address}/api/v1/predictions \\\n"),
    ] {
        assert!(shown.contains(&expected), "{expected:?} is not in {shown}");
    }
    let line = |path: &str| shown.lines().find(|line| line.contains(path) && line.contains(" ms")).unwrap();
    let words: Vec<&str> = line("/api/v1/predictions ").split_whitespace().collect();
    assert_eq!((words[1], words[2], words[3], words[5]), ("POST", "/api/v1/predictions", "200", "ms"));
    let words: Vec<&str> = line("/api/v1/no/such/path").split_whitespace().collect();
    assert_eq!((words[1], words[3]), ("GET", "404"));
    for hidden in ["secret", "is not shown", "listening", "event published", "timestamp", "\u{1b}"] {
        assert!(!shown.contains(hidden), "{hidden:?} is in {shown}");
    }
    assert!(shown.trim_end().ends_with("info   stopped"), "{shown}");
}

#[test]
fn the_banner_says_how_to_get_a_key_where_callers_need_one() {
    let folder = TempDir::new().unwrap();
    let settings = ["--port", "0", "--set", "auth.mode=required"];
    let mut service = OnTerminal::start(folder.path(), 300, &settings);
    service.read_until(Some("Ready in "));
    let issue =
        service.shown.split_once("UNDERTONE_KEY=$(undertone ").and_then(|(_, rest)| rest.split_once(')'));
    let arguments: Vec<&str> =
        issue.expect("a command").0.split_whitespace().filter(|word| *word != "\\").collect();
    let issued = undertone(folder.path(), &arguments, "");
    let key = String::from_utf8(issued.stdout.clone()).unwrap();
    assert!(key.starts_with("ut_"), "{issued:?}");
    let api = Api::at(&service.address());
    assert_eq!(api.predict("without a key").unwrap().status, 401);
    assert_eq!(api.with_credential(key.trim()).predict("I love it").unwrap().status, 200);
    service.read_until(Some(" 200 "));
    let line = service.shown.lines().find(|line| line.contains(" 200 ")).unwrap();
    assert!(line.contains("default/"), "{line}");
    assert!(!service.end().contains(key.trim()));
}

#[test]
fn a_format_that_is_set_wins_over_the_terminal() {
    let folder = TempDir::new().unwrap();
    let mut service = OnTerminal::start(folder.path(), 100, &["--port", "0", "--set", "log.format=json"]);
    service.read_until(Some("the model is loaded"));
    let shown = service.end();
    assert!(shown.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{shown}");
}

/// Starts that fail: what to pass, and how the one error begins and ends.
const FAILURES: [(&str, &str, &str); 10] = [
    ("--port PORT", "cannot bind 127.0.0.1:PORT: address already in use", "choose another --port"),
    (
        "--port 0 --host 192.0.2.1 --set auth.mode=disabled",
        "cannot bind 192.0.2.1:0: ",
        "choose another --host",
    ),
    (
        "--port 0 --host 0.0.0.0",
        "other machines can reach server.host 0.0.0.0",
        "every client that reaches the address",
    ),
    (
        "--port 0 --store postgres://ann:s3cret@127.0.0.1:1/x --set store.start_timeout=0",
        "cannot use the store postgres://ann:***@127.0.0.1:1/x: ",
        "start PostgreSQL, or correct the host and the port in store.url",
    ),
    (
        "--port 0 --store sqlite:/dev/null/x.db",
        "cannot use the store sqlite:/dev/null/x.db: cannot create the folder /dev/null",
        "choose another file with --store",
    ),
    (
        "--port 0 --store sqlite:.",
        "cannot use the store sqlite:.: cannot open the database ",
        "choose another with --store",
    ),
    (
        "--port 0 --model ./no/such",
        "configuration: there is no model folder ./no/such; set model.path",
        "pytorch_model.bin)",
    ),
    (
        "--set server.port=many",
        "configuration: server.port must be a whole number from 0 to 65535, not \"many\"",
        "(in a flag)",
    ),
    ("--config bad.toml", "configuration: unknown key server.prot; did you mean server.port?", "bad.toml)"),
    ("--config absent.toml", "cannot read the configuration absent.toml", "name another with --config"),
];

#[test]
fn a_failed_start_is_one_error_that_says_what_to_do() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("bad.toml"), "[server]\nprot = 1\n").unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    for (arguments, begins, ends) in FAILURES {
        let (arguments, begins) = (arguments.replace("PORT", &port), begins.replace("PORT", &port));
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let output = undertone(folder.path(), &arguments, "");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        let line = error.strip_suffix('\n').unwrap();
        assert!(!line.contains('\n'), "{arguments:?}: {error}");
        assert!(line.starts_with(&format!("undertone: {begins}")), "{arguments:?}: {error}");
        assert!(line.ends_with(ends), "{arguments:?}: {error}");
        let log = String::from_utf8(output.stdout).unwrap();
        assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{log}");
        // The same on a terminal, without a log.
        let mut failing = OnTerminal::start(folder.path(), 300, &arguments);
        failing.read_until(None);
        let errors: Vec<&str> =
            failing.shown.lines().filter(|line| !line.is_empty() && !line.contains("  warn   ")).collect();
        assert_eq!(errors, [line], "{arguments:?}: {}", failing.shown);
        assert_eq!(failing.child.wait().expect("waits").code(), Some(2));
    }
    // A port in use ends the start before a store is created.
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_store_that_refuses_the_user_is_not_waited_for() {
    let folder = TempDir::new().unwrap();
    let database = Database::create();
    let (scheme, rest) = database.url().split_once("://").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let place = rest.rsplit_once('@').map_or(rest.clone(), |(_user, place)| place.to_owned());
    let store = format!("{scheme}://no_such_role:s3cret@{place}");
    let output = undertone(folder.path(), &["--port", "0", "--store", &store], "");
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.ends_with("; check the user and the password in store.url\n"), "{error}");
    assert!(error.lines().count() == 1 && !error.contains("s3cret"), "{error}");
}

#[test]
fn a_model_that_cannot_be_loaded_ends_the_service_with_one_error_and_no_noise() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("empty-model")).unwrap();
    let mut failing = OnTerminal::start(folder.path(), 300, &["--port", "0", "--model", "./empty-model"]);
    failing.read_until(None);
    let after = failing.shown.split_once("Ctrl-C stops.").expect("the banner").1;
    let lines: Vec<&str> = after.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 1, "{after}");
    assert!(lines[0].starts_with("undertone: ./empty-model/config.json is missing; "), "{after}");
    assert_eq!(failing.child.wait().expect("waits").code(), Some(2));
}
