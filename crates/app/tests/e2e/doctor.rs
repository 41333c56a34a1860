//! `undertone doctor`: what it finds, and its exit codes.

use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::command_line::undertone;
use crate::database::Database;
use crate::undertone::Undertone;

/// Runs `doctor` and returns its exit code and its document.
fn doctor(folder: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let arguments = [&["doctor", "--format", "json", "--precision", "f32"], arguments].concat();
    let output = undertone(folder, &arguments, "");
    let document = serde_json::from_slice(&output.stdout);
    (output.status.code(), document.unwrap_or_else(|error| panic!("{error}: {output:?}")))
}

/// The verdict, what was seen and what to do of the check `name`.
fn finding<'d>(document: &'d Value, name: &str) -> (&'d str, &'d str, &'d str) {
    let mut findings = document["findings"].as_array().unwrap().iter();
    let found = findings.find(|finding| finding["check"] == name);
    let found = found.unwrap_or_else(|| panic!("no {name} in {document:#}"));
    let text = |field: &str| found[field].as_str().unwrap_or_default();
    (text("verdict"), text("seen"), text("advice"))
}

fn count(document: &Value, verdict: &str) -> usize {
    document["findings"].as_array().unwrap().iter().filter(|finding| finding["verdict"] == verdict).count()
}

#[test]
fn a_fresh_folder_is_fine_and_stays_as_it_is() {
    let folder = TempDir::new().unwrap();
    let (code, document) = doctor(folder.path(), &["--port", "0"]);
    assert_eq!(count(&document, "fail"), 0, "{document:#}");
    assert_eq!(code, Some(0));
    assert!(finding(&document, "store").1.ends_with("which the first start creates"), "{document:#}");
    assert!(finding(&document, "model").1.contains("self-test of"), "{document:#}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn each_fault_is_found_with_what_to_do() {
    let folder = TempDir::new().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let refused = std::thread::spawn(move || drop(listener.accept()));
    let arguments =
        ["--port", &port, "--store", "postgres://ann:s3cret@127.0.0.1:1/x", "--model", "./no/such"];
    let (code, document) = doctor(folder.path(), &arguments);
    refused.join().unwrap();
    assert_eq!(code, Some(1), "{document:#}");
    for (name, seen, advice) in [
        ("store", "connection refused", "start PostgreSQL"),
        ("model", "there is no model folder ./no/such", "set model.path"),
        ("port", "address already in use", "choose another --port"),
    ] {
        let found = finding(&document, name);
        assert!(found.0 == "fail" && found.1.contains(seen) && found.2.contains(advice), "{found:?}");
    }
    assert!(!document.to_string().contains("s3cret"));
}

#[test]
fn a_folder_that_cannot_be_written_to_is_found() {
    let folder = TempDir::new().unwrap();
    let (code, document) = doctor(folder.path(), &["--port", "0", "--store", "sqlite:/dev/null/x.db"]);
    assert_eq!(code, Some(1), "{document:#}");
    let found = finding(&document, "store");
    assert!(found.0 == "fail" && found.1.contains("/dev/null") && found.2.contains("--store"), "{found:?}");
}

#[test]
fn a_configuration_that_cannot_be_used_is_the_only_finding() {
    let folder = TempDir::new().unwrap();
    let (code, document) = doctor(folder.path(), &["--set", "server.prot=1"]);
    assert_eq!(code, Some(1));
    assert_eq!(document["findings"].as_array().unwrap().len(), 1);
    assert_eq!(finding(&document, "configuration").1, "unknown key server.prot");
}

#[test]
fn a_running_service_is_recognized_and_its_store_examined() {
    let folder = TempDir::new().unwrap();
    let database = Database::create();
    for store in ["sqlite:data/undertone.db", &database.url()] {
        let running = Undertone::start(folder.path(), store, &[]);
        let port = running.address.rsplit_once(':').unwrap().1.to_owned();
        let (code, document) = doctor(folder.path(), &["--port", &port, "--store", store]);
        assert_eq!(code, Some(0), "{document:#}");
        assert!(finding(&document, "store").1.contains(", writable, responds in "), "{document:#}");
        assert!(finding(&document, "schema").1.ends_with("none missing"), "{document:#}");
        let (verdict, seen, _) = finding(&document, "port");
        assert!(verdict == "ok" && seen.ends_with("is healthy"), "{document:#}");
    }
}

#[test]
fn warnings_fail_only_with_strict() {
    let folder = TempDir::new().unwrap();
    let open = ["--port", "0", "--host", "0.0.0.0", "--set", "auth.mode=disabled"];
    let (code, document) = doctor(folder.path(), &open);
    assert_eq!((code, finding(&document, "exposure").0), (Some(0), "warn"), "{document:#}");
    let (code, _) = doctor(folder.path(), &[&open[..], &["--strict"]].concat());
    assert_eq!(code, Some(1));
}

#[test]
fn people_get_a_line_for_each_check_and_below_it_what_to_do() {
    let folder = TempDir::new().unwrap();
    let output = undertone(folder.path(), &["doctor", "--port", "0", "--model", "./no/such"], "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("  ok    exposure       this machine only\n"), "{text}");
    assert!(text.contains("  fail  model          there is no model folder ./no/such\n"), "{text}");
    assert!(text.contains("\n                       → set model.path "), "{text}");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("undertone: 1 failed, ") && error.lines().count() == 1, "{error}");
}
