//! A model from a hub: fetched while the service runs, interrupted by a kill, served offline.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;
use tempfile::TempDir;
use testkit::{FakeHub, FakeRepo, HubFault};

use crate::undertone::{Undertone, wait_for};

const REPO: &str = "org/sentiment";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// The path of the weights on the hub.
const WEIGHTS: &str = "/cdn/org/sentiment/store";
/// The bytes that the hub sends before it stalls.
const SENT: usize = 1 << 20;

/// A hub with the bundled model, and a folder to run in.
struct World {
    hub: FakeHub,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let hub = FakeHub::start();
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/sentiment-minilm-l6");
        hub.publish(FakeRepo::of_folder(REPO, COMMIT, &model));
        Self { hub, folder: TempDir::new().unwrap() }
    }

    fn settings(&self) -> Vec<String> {
        vec![
            format!("model.path={REPO}"),
            format!("hub.endpoint={}", self.hub.endpoint()),
            format!("hub.cache={}", self.cache().display()),
            "hub.offline=false".to_owned(),
            "hub.token=unused".to_owned(),
            "server.drain_delay=0".to_owned(),
        ]
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn repo_cache(&self) -> PathBuf {
        self.cache().join("models--org--sentiment")
    }

    fn launch(&self) -> Undertone {
        let settings = self.settings();
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        Undertone::launch(self.folder.path(), "sqlite:data/undertone.db", &settings)
    }

    /// Starts the service and waits until it is fetching the weights.
    fn launch_stalled(&self) -> Undertone {
        self.hub.fail(WEIGHTS, 1, HubFault::StallAfter(SENT));
        let running = self.launch();
        let is_partial = |path: &PathBuf| {
            path.extension().is_some_and(|extension| extension == "incomplete")
                && path.metadata().is_ok_and(|metadata| metadata.len() == SENT as u64)
        };
        wait_for("a part of the weights", || {
            let blobs = fs::read_dir(self.repo_cache().join("blobs")).ok()?;
            blobs.flatten().map(|blob| blob.path()).find(is_partial)
        });
        running
    }

    /// Runs `undertone models` with more settings.
    fn models(&self, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_undertone"));
        command.current_dir(self.folder.path()).arg("models");
        command.env("NO_PROXY", "127.0.0.1");
        for setting in self.settings().iter().map(String::as_str).chain(more.iter().copied()) {
            command.args(["--set", setting]);
        }
        command.output().expect("it runs")
    }

    fn refusal(&self, more: &[&str]) -> String {
        let output = self.models(more);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        let lines: Vec<&str> = error.lines().filter(|line| line.starts_with("undertone: ")).collect();
        assert_eq!(lines.len(), 1, "{error}");
        lines[0].to_owned()
    }
}

#[test]
fn a_download_that_a_kill_interrupted_is_no_model_and_is_resumed_later() {
    let world = World::new();
    let running = world.launch_stalled();
    assert_eq!(running.api().get("/health/live").unwrap().status, 200);
    assert_eq!(running.api().get("/health/ready").unwrap().status, 503);
    running.kill();

    assert!(!world.repo_cache().join("snapshots").join(COMMIT).join("model.safetensors").exists());
    assert!(!world.repo_cache().join("refs/main").exists());
    let before = world.hub.connections();
    for revision in ["", &format!("@{COMMIT}")] {
        let error = world.refusal(&["hub.offline=true", &format!("model.path={REPO}{revision}")]);
        assert!(error.contains("is missing") && error.contains("hub.offline"), "{error}");
    }
    assert_eq!(world.hub.connections(), before, "offline there is no connection");

    let running = world.launch();
    wait_for("the service to be ready", || running.api().is_ready().then_some(()));
    let last = world.hub.requests().pop().expect("a request");
    assert!(
        last.path.starts_with(WEIGHTS) && last.range.is_some_and(|range| range.starts_with("bytes=1048576-"))
    );
    let model = &running.api().get("/api/v1/models").unwrap().body["items"][0];
    assert_eq!(model["name"], "sentiment");
    assert_eq!(model["source"], json!({ "kind": "hub", "repo": REPO, "revision": "main", "commit": COMMIT }));
    assert_eq!(model["self_test"], "passed");
    assert_eq!(running.api().predict("I love it").unwrap().body["sentiment"], "positive");
    let is_logged = |percent: u64| running.log().iter().any(|line| line["fields"]["percent"] == percent);
    wait_for("the end of the download to be logged", || is_logged(100).then_some(()));
    drop(running);

    let before = world.hub.connections();
    let output = world.models(&["hub.offline=true"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(world.hub.connections(), before, "offline there is no connection");
}

#[test]
fn sigterm_during_a_download_ends_the_service() {
    let world = World::new();
    let mut running = world.launch_stalled();
    running.terminate();
    assert_eq!(running.wait().code(), Some(0));
}

#[test]
fn what_the_hub_lacks_or_refuses_is_one_clear_error_and_exit_code_2() {
    let world = World::new();
    for (path, named) in [
        ("org/absent", "the hub has no model org/absent"),
        ("org/sentiment@v9", "no revision v9"),
        ("org/senti ment", "org/name@revision"),
        ("hf:a/b/c", "org/name@revision"),
    ] {
        let error = world.refusal(&[&format!("model.path={path}")]);
        assert!(error.contains(named), "{error}");
    }
    world.hub.fail(WEIGHTS, usize::MAX, HubFault::Garbled);
    assert!(world.refusal(&[]).contains("another checksum"));
}
