//! The commands other than `serve`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::database::Database;
use crate::undertone::Undertone;

/// Runs the program in `folder` to its end.
pub(crate) fn undertone(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_undertone"));
    command.current_dir(folder).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("taken");
    child.wait_with_output().expect("ends")
}

fn json_lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn one_text_is_classified_without_a_server_and_nothing_is_stored() {
    let folder = TempDir::new().unwrap();
    let lines = json_lines(&undertone(folder.path(), &["predict", "I love it"], ""));
    assert_eq!(lines[0]["sentiment"], "positive");
    assert!(lines[0].get("id").is_none());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_pipe_is_classified_line_by_line() {
    let folder = TempDir::new().unwrap();
    let lines = json_lines(&undertone(folder.path(), &["predict"], "I love it\nI hate it.\n"));
    let sentiments: Vec<_> = lines.iter().map(|line| line["sentiment"].as_str()).collect();
    assert_eq!(sentiments, [Some("positive"), Some("negative")]);
}

#[test]
fn options_have_the_names_of_the_api_and_are_checked_before_the_model_is_loaded() {
    let folder = TempDir::new().unwrap();
    let text = "I love it. I hate it.";
    let arguments =
        ["predict", "--top-k", "1", "--raw", "--granularity", "sentence", "--max-tokens", "64", text];
    let line = json_lines(&undertone(folder.path(), &arguments, "")).remove(0);
    assert_eq!(line["labels"].as_array().unwrap().len(), 1);
    assert!(line["labels"][0]["logit"].is_number());
    assert_eq!((&line["sentences"][1]["start"], &line["sentences"][1]["end"]), (&11.into(), &21.into()));
    for (arguments, named) in [
        (vec!["predict", "--top-k", "0", text], "options.top_k must be at least 1"),
        (vec!["predict", "--overflow", "reject", text], "options.overflow needs options.max_tokens"),
    ] {
        let output = undertone(folder.path(), &arguments, "");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(named), "{output:?}");
    }
    let arguments = ["predict", "--max-tokens", "2", "--overflow", "reject", text];
    let output = undertone(folder.path(), &arguments, "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("text must have at most 2 tokens, not "));
}

#[test]
fn the_columns_of_a_csv_file_are_in_the_output_and_a_bad_row_fails_alone() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("in.csv"), "n,review\n1,I love it\n2,\n3,\"I hate it, really.\"\n").unwrap();
    let arguments =
        ["predict", "--file", "in.csv", "--text-column", "review", "--output", "out.csv", "--keep"];
    let output = undertone(folder.path(), &arguments, "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let written = fs::read_to_string(folder.path().join("out.csv")).unwrap();
    let rows: Vec<&str> = written.lines().collect();
    assert!(rows[0].starts_with("n,review,sentiment,confidence"), "{written}");
    assert!(rows[1].starts_with("1,I love it,positive,"), "{written}");
    assert!(rows[2].contains("must not be blank"), "{written}");
    assert!(rows[3].starts_with("3,\"I hate it, really.\",negative,"), "{written}");
    assert!(folder.path().join("data/undertone.db").is_file());
}

#[test]
fn metadata_that_would_be_stored_altered_fails_its_row_as_it_does_over_http() {
    let folder = TempDir::new().unwrap();
    let line = |number: &str| format!("{{\"text\":\"a\",\"metadata\":{{\"n\":{number}}}}}\n");
    let input = [line("9223372036854775807"), line("9223372036854775808"), line("1e300")].concat();
    let arguments = ["predict", "--keep", "--input-format", "jsonl"];
    let output = undertone(folder.path(), &arguments, &input);
    assert!(!output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["metadata"]["n"].as_i64(), Some(i64::MAX));
    for refused in &lines[1..] {
        assert!(refused["error"].as_str().unwrap().contains("metadata.n must be"), "{refused}");
    }
    let running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &[]);
    let page = running.api().get("/api/v1/predictions").unwrap().body;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_backup_of_a_running_service_is_complete() {
    let folder = TempDir::new().unwrap();
    let running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &[]);
    let id = running.api().predict("in the backup").unwrap().body["id"].as_str().expect("an id").to_owned();
    let output = undertone(folder.path(), &["backup", "copy.db"], "");
    assert!(output.status.success(), "{output:?}");
    let again = undertone(folder.path(), &["backup", "copy.db"], "");
    assert_eq!(again.status.code(), Some(1), "the backup was overwritten");
    let restored = Undertone::start(folder.path(), "sqlite:copy.db", &[]);
    assert_eq!(restored.api().stored(&id)["text"], "in the backup");
}

#[test]
fn the_exit_code_of_a_healthcheck_is_its_result() {
    let folder = TempDir::new().unwrap();
    let running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &[]);
    let url = format!("http://{}", running.address);
    assert_eq!(undertone(folder.path(), &["healthcheck", "--url", &url], "").status.code(), Some(0));
    drop(running);
    assert_eq!(undertone(folder.path(), &["healthcheck", "--url", &url], "").status.code(), Some(1));
}

#[test]
fn migrations_go_down_and_up() {
    let folder = TempDir::new().unwrap();
    let status = |wanted: &str| {
        let output = undertone(folder.path(), &["migrate", "status"], "");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.lines().count() > 0 && text.lines().all(|line| line.contains(wanted)), "{text}");
        text.lines().count().to_string()
    };
    assert!(undertone(folder.path(), &["migrate", "up"], "").status.success());
    let steps = status("applied");
    assert!(undertone(folder.path(), &["migrate", "down", &steps], "").status.success());
    assert_refused(
        folder.path(),
        &["migrate", "status"],
        "there is nothing in the store sqlite:data/undertone.db",
    );
    assert!(undertone(folder.path(), &["migrate", "up"], "").status.success());
    status("applied");
}

/// Asserts that the program says `named` in one line and ends with exit code 2.
fn assert_refused(folder: &Path, arguments: &[&str], named: &str) {
    let output = undertone(folder, arguments, "");
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    let error = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = error.lines().filter(|line| line.starts_with("undertone: ")).collect();
    assert!(lines.len() == 1 && lines[0].contains(named), "{arguments:?}: {error}");
}

/// The commands that need a store.
const NEED_A_STORE: [&[&str]; 7] = [
    &["backup", "copy.db"],
    &["migrate", "status"],
    &["migrate", "down"],
    &["tenants", "list"],
    &["tenants", "disable", "acme"],
    &["keys", "list"],
    &["audit", "list"],
];

#[test]
fn a_command_that_needs_a_store_does_not_create_one() {
    let folder = TempDir::new().unwrap();
    let missing = format!("there is no database {}", folder.path().join("data/undertone.db").display());
    for arguments in NEED_A_STORE {
        assert_refused(folder.path(), arguments, &missing);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "something was created");
}

#[test]
fn a_command_that_needs_a_store_refuses_a_database_without_its_tables() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("empty.db"), "").unwrap();
    fs::write(folder.path().join("text.db"), "This is a text and no database at all.".repeat(40)).unwrap();
    let database = Database::create();
    for (store, named) in [
        ("sqlite:empty.db", "empty.db has no tables of Undertone"),
        ("sqlite:text.db", "not a database"),
        ("sqlite::memory:", "there is no database :memory:"),
        (&database.url(), "there is nothing in the store postgres"),
    ] {
        for arguments in NEED_A_STORE {
            assert_refused(folder.path(), &[&["--store", store], arguments].concat(), named);
        }
    }
    assert_eq!(fs::read(folder.path().join("empty.db")).unwrap().len(), 0, "the file was changed");
    assert!(!folder.path().join("copy.db").exists());
}

#[test]
fn the_effective_configuration_is_printed_without_its_secrets() {
    let folder = TempDir::new().unwrap();
    let arguments = ["--store", "postgres://ann:s3cret@db/x", "--port", "81", "--set", "hub.token=hf_s3cret"];
    let output = undertone(folder.path(), &[&["config"], &arguments[..]].concat(), "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("server.port = 81") && text.contains("postgres://ann:***@db/x"), "{text}");
    assert!(text.contains("hub.token = \"***\"") && !text.contains("s3cret"));
}

#[test]
fn a_password_in_an_address_that_cannot_be_parsed_is_shown_nowhere() {
    let folder = TempDir::new().unwrap();
    for store in [
        "postgres://ann:s3cret?x@127.0.0.1:1/x",
        "postgres://ann:12?s3cret@127.0.0.1:1/x",
        "postgres://ann:12/s3cret@127.0.0.1:1/x",
    ] {
        let shown = undertone(folder.path(), &["config", "--store", store], "");
        let served = undertone(folder.path(), &["--port", "0", "--store", store], "");
        for output in [&shown, &served] {
            assert_eq!(output.status.code(), Some(2), "{output:?}");
            let error = assert_no_secret(output);
            assert!(error.contains("store.url postgres:*** cannot be parsed"), "{error}");
        }
    }
    // An unknown parameter may be a password, too.
    let store = "postgres://127.0.0.1:1/x?pasword=s3cret";
    let shown = undertone(folder.path(), &["config", "--store", store], "");
    assert!(assert_no_secret(&shown).contains("store.url = \"postgres://127.0.0.1:1/x?pasword=***\""));
    let arguments =
        ["--port", "0", "--store", store, "--set", "store.start_timeout=0", "--set", "log.filter=trace"];
    let failed = undertone(folder.path(), &arguments, "");
    assert_eq!(failed.status.code(), Some(2), "{failed:?}");
    assert_no_secret(&failed);
}

/// Returns everything that was printed, after checking that it has no part of the password.
#[track_caller]
fn assert_no_secret(output: &Output) -> String {
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    let all = String::from_utf8_lossy(&all).into_owned();
    assert!(!all.contains("3cret"), "{all}");
    all
}

#[test]
fn a_file_that_is_missing_is_reported_before_the_model_is_loaded() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("empty-model")).unwrap();
    let arguments = ["--model", "./empty-model", "predict", "--file", "nope.csv"];
    let output = undertone(folder.path(), &arguments, "");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("nope.csv"), "{error}");
    assert!(!error.contains("empty-model"), "{error}");
}

#[test]
fn a_wrong_setup_is_one_clear_error_and_exit_code_2() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("empty-file"), "").unwrap();
    fs::create_dir(folder.path().join("empty-model")).unwrap();
    for (arguments, named) in [
        (vec!["--set", "server.prot=1"], "prot"),
        (vec!["--config", "absent.toml"], "absent.toml"),
        (vec!["--model", "./no/such/model", "predict", "x"], "no/such/model"),
        (vec!["--model", "./empty-model", "predict", "x"], "empty-model"),
        (vec!["--port", "0", "--model", "./empty-model"], "empty-model"),
        (vec!["--port", "0", "--set", "models.other.path=./empty-model"], "models.other: "),
        (vec!["--port", "0", "--set", "models.other.path=./no/such/model"], "models.other: "),
        (vec!["--port", "0", "--set", "models.sentiment-minilm-l6.device=cpu"], "the default model's name"),
        (vec!["predict", "--model-name", "other", "x"], "\"other\""),
        (
            vec!["--port", "0", "--store", "sqlite:empty-file/x.db", "--set", "store.start_timeout=0"],
            "empty-file",
        ),
        (vec!["--device", "cuda:0", "predict", "x"], "cuda"),
    ] {
        let output = undertone(folder.path(), &arguments, "");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        let message = error.lines().filter(|line| line.starts_with("undertone: ")).collect::<Vec<_>>();
        assert_eq!(message.len(), 1, "{arguments:?}: {error}");
        assert!(message[0].contains(named) && !error.contains("panicked"), "{arguments:?}: {error}");
    }
}

#[test]
fn any_configured_model_can_predict_and_is_described() {
    let folder = TempDir::new().unwrap();
    let raw = ["--set", "models.raw.labels=raw"];
    let predicted = |name: &str| {
        let arguments = [&raw[..], &["predict", "--model-name", name, "I love it"]].concat();
        json_lines(&undertone(folder.path(), &arguments, "")).remove(0)
    };
    let (default, other) = (predicted("sentiment-minilm-l6"), predicted("raw"));
    assert_eq!(
        (&default["sentiment"], &default["model"]["name"]),
        (&"positive".into(), &"sentiment-minilm-l6".into())
    );
    assert_eq!((&other["sentiment"], &other["model"]["name"]), (&Value::Null, &"raw".into()));
    assert_eq!(other["labels"], default["labels"]);
    let output = undertone(folder.path(), &[&raw[..], &["models"]].concat(), "");
    let models: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let entry =
        |place: usize| (models["items"][place]["name"].clone(), models["items"][place]["default"].clone());
    assert_eq!(
        (entry(0), entry(1)),
        (("sentiment-minilm-l6".into(), true.into()), ("raw".into(), false.into()))
    );
}

#[test]
fn the_bundled_model_is_described_with_its_checksum() {
    let folder = TempDir::new().unwrap();
    let output = undertone(folder.path(), &["models"], "");
    let models: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(models["items"][0]["name"], "sentiment-minilm-l6");
    let weights =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../models/sentiment-minilm-l6/README.md");
    let card = fs::read_to_string(weights).unwrap();
    assert!(card.contains(models["items"][0]["sha256"].as_str().expect("a checksum")));
}
