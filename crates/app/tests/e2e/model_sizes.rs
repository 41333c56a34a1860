//! `model.max_bytes`: models above it are refused, whether the operator or a client names them.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::broken_models::whole;
use crate::undertone::Undertone;

/// The bytes of all files in `folder`.
fn bytes(folder: &Path) -> u64 {
    fs::read_dir(folder).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn a_folder_above_the_limit_is_one_clear_line_and_exit_code_2() {
    let folder = whole();
    let bytes = bytes(folder.path());
    let models = |max_bytes: u64| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_undertone"));
        command.args(["models", "--model"]).arg(folder.path());
        command.args(["--set", &format!("model.max_bytes={max_bytes}")]).output().expect("starts")
    };
    let refused = models(bytes - 1);
    let error = String::from_utf8(refused.stderr).expect("UTF-8");
    assert_eq!((refused.status.code(), error.lines().count()), (Some(2), 1), "{error}");
    let key = format!("model.max_bytes = {bytes}");
    for words in ["undertone: ", &*folder.path().to_string_lossy(), "model.safetensors", " KiB", &key] {
        assert!(error.contains(words), "{error:?} lacks {words:?}");
    }
    assert!(models(bytes).status.success());
}

#[test]
fn a_client_loads_models_up_to_the_limit_of_the_default_model_and_cannot_raise_it() {
    const LIMIT: u64 = 1 << 30;
    let (running_in, small, large) = (TempDir::new().unwrap(), whole(), whole());
    // The file has a hole, and takes no room.
    File::options().write(true).open(large.path().join("model.safetensors")).unwrap().set_len(LIMIT).unwrap();
    let limit = format!("model.max_bytes={LIMIT}");
    let settings = ["server.model_changes=true", &limit, "server.drain_delay=0"];
    let running = Undertone::start(running_in.path(), "sqlite:data/undertone.db", &settings);
    let load = |folder: &TempDir| {
        let spec = json!({"path": folder.path(), "precision": "f32", "labels": "raw"});
        running.api().post("/api/v1/models/other", &spec).unwrap()
    };
    let refused = load(&large);
    assert_eq!((refused.status, &refused.body["code"]), (422, &json!("not_loadable")));
    assert_eq!(refused.body["field"], "path");
    assert!(refused.body["detail"].as_str().unwrap().contains("model.max_bytes"), "{}", refused.body);
    let spec = json!({"path": large.path(), "max_bytes": LIMIT * 2});
    let refused = running.api().post("/api/v1/models/other", &spec).unwrap();
    assert_eq!((refused.status, &refused.body["field"]), (422, &json!("max_bytes")));
    assert_eq!(load(&small).status, 201);
}
