//! A tenant, its keys, and their rotation, as a new user would go about it.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::administration::{Commands, id_of};
use crate::api::Api;
use crate::database::Database;
use crate::undertone::{Undertone, wait_for};

const REQUIRED: &str = "auth.mode=required";
const SQLITE: &str = "sqlite:data/undertone.db";

/// Waits until a request of `api` gets `status`.
fn wait_for_status(api: &Api, status: u16) {
    let sent = || api.predict("I love it").is_ok_and(|answer| answer.status == status);
    wait_for("another status", || sent().then_some(()));
}

fn from_the_first_tenant_to_a_rotated_key(store: &str) {
    let folder = TempDir::new().unwrap();
    let commands = Commands { folder: folder.path(), store, settings: &[] };
    commands.succeed("tenants add acme");
    let first =
        commands.issue("--tenant acme --scopes predictions:write,predictions:read --name web --expires 90d");
    let mut running = Undertone::start(folder.path(), store, &[REQUIRED]);
    let without = running.api();
    assert_eq!(without.predict("I love it").unwrap().status, 401);
    let api = without.with_credential(&first);
    let id = api.predict("I love it").unwrap().body["id"].as_str().expect("an id").to_owned();
    assert_eq!(api.stored(&id)["text"], "I love it");
    let me = api.get("/api/v1/me").unwrap().body;
    assert_eq!((&me["tenant"], &me["key"]["id"]), (&json!("acme"), &json!(id_of(&first))), "{me}");
    // The scopes and the name are those of the replaced key.
    let second = commands.issue(&format!("--tenant acme --replaces {} --overlap 1h", id_of(&first)));
    let rotated = without.with_credential(&second);
    assert_eq!((api.predict("a").unwrap().status, rotated.predict("b").unwrap().status), (200, 200));
    let keys = commands.items("keys list --tenant acme");
    assert_eq!((&keys[0]["id"], &keys[0]["name"]), (&json!(id_of(&second)), &json!("web")));
    assert_eq!(keys[0]["scopes"], keys[1]["scopes"]);
    assert!(keys[1]["expires_at"].as_str() < keys[0]["expires_at"].as_str().or(Some("~")));
    commands.succeed(&format!("keys revoke {}", id_of(&first)));
    wait_for_status(&api, 401);
    assert_eq!(rotated.predict("still served").unwrap().status, 200);
    assert_eq!(rotated.stored(&id)["text"], "I love it");
    // The last uses are stored at the latest when the service ends.
    running.terminate();
    assert!(running.wait().success());
    let keys = commands.items("keys list");
    assert!(keys.iter().all(|key| key["last_used_at"].is_string()), "{keys:?}");
    let states: Vec<_> = keys.iter().map(|key| key["status"].clone()).collect();
    assert_eq!(states, [json!("active"), json!("revoked")]);
    let table = commands.succeed("keys list --tenant acme");
    assert!(table.lines().all(|line| line.len() <= 80), "{table}");
    let secrets = [&first[16..], &second[16..]];
    assert!(secrets.iter().all(|secret| !table.contains(secret)), "{table}");
}

#[test]
fn from_the_first_tenant_to_a_rotated_key_on_sqlite() {
    from_the_first_tenant_to_a_rotated_key(SQLITE);
}

#[test]
fn from_the_first_tenant_to_a_rotated_key_on_postgres() {
    let database = Database::create();
    from_the_first_tenant_to_a_rotated_key(&database.url());
}

#[test]
fn a_key_ends_by_itself() {
    let folder = TempDir::new().unwrap();
    let commands = Commands { folder: folder.path(), store: SQLITE, settings: &[] };
    commands.succeed("tenants add acme");
    let running = Undertone::start(folder.path(), SQLITE, &[REQUIRED]);
    let key = commands.issue("--tenant acme --scopes predictions:write --expires 5s");
    wait_for_status(&running.api().with_credential(&key), 401);
    let again = commands.items("keys list --tenant acme");
    assert_eq!(again[0]["status"], "expired");
}

#[test]
fn what_cannot_be_issued_or_revoked_is_refused_in_one_line() {
    let folder = TempDir::new().unwrap();
    let commands = Commands { folder: folder.path(), store: SQLITE, settings: &[] };
    commands.succeed("tenants add acme");
    for (line, code, named) in [
        ("keys issue --tenant other --scopes models:read", 1, "there is no tenant other"),
        ("keys issue --tenant acme --scopes models:read --expires 2020-01-01", 1, "in the future"),
        ("keys issue --tenant acme --replaces AbcdefAbcdef", 1, "there is no active key AbcdefAbcdef"),
        ("keys revoke AbcdefAbcdef", 1, "there is no active key AbcdefAbcdef"),
        ("keys list --tenant other", 1, "there is no tenant other"),
    ] {
        let error = commands.fail(line, code);
        assert!(error.contains(named), "{line}: {error}");
    }
    for line in [
        "keys issue --tenant acme --scopes models",
        "keys issue --tenant acme",
        "keys issue --tenant ACME --scopes models:read",
        "keys issue --tenant acme --scopes models:read --overlap 1h",
        "keys issue --tenant acme --scopes models:read --expires soon",
        "keys revoke AbcdefAbcde",
    ] {
        let output = commands.run(line);
        assert_eq!(output.status.code(), Some(2), "{line}: {output:?}");
        assert!(output.stdout.is_empty(), "{line}: {output:?}");
    }
    assert!(commands.items("keys list").is_empty());
    // A whole key may be pasted for its id, and is not repeated.
    let key = commands.issue("--tenant acme --scopes models:read");
    let mistyped = commands.run(&format!("keys revoke {}", &key[..60].replace("ut_", "ut__")));
    assert_eq!(mistyped.status.code(), Some(2), "{mistyped:?}");
    assert!(!String::from_utf8_lossy(&mistyped.stderr).contains(&key[20..60]), "{mistyped:?}");
    commands.succeed(&format!("keys revoke {key}"));
}

#[test]
fn secrets_are_in_no_log_no_metric_and_no_output_of_other_commands() {
    let (audit_key, jwt_secret) = ("audit-s3cret-".repeat(3), "token-s3cret-".repeat(3));
    let settings = [
        format!("audit.key={audit_key}"),
        format!("auth.jwt.secret={jwt_secret}"),
        "auth.jwt.issuer=https://idp.example".to_owned(),
        "auth.jwt.audience=undertone".to_owned(),
        "log.filter=trace".to_owned(),
        REQUIRED.to_owned(),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let folder = TempDir::new().unwrap();
    let commands = Commands { folder: folder.path(), store: SQLITE, settings: &settings };
    let mut printed = String::new();
    let mut run = |line: &str| {
        let output = commands.run(line);
        printed += &String::from_utf8_lossy(&output.stderr);
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    run("tenants add acme");
    let key = run("keys issue --tenant acme --scopes predictions:write,models:read,metrics:read");
    let key = key.trim_end();
    let mut wrong = key.to_owned();
    wrong.replace_range(64..65, if key.ends_with('0') { "1" } else { "0" });
    let mut shown = [run("config"), run("keys list"), run("audit list"), run("audit verify")].concat();

    let mut running = Undertone::start(folder.path(), SQLITE, &settings);
    let api = running.api();
    for sent in [key, &wrong, "header.payload.signature"] {
        let api = api.with_credential(sent);
        shown += &api.predict("I love it").unwrap().body.to_string();
        shown += &api.get("/api/v1/me").unwrap().body.to_string();
    }
    shown += &api.with_credential(key).text("/metrics");
    running.terminate();
    assert!(running.wait().success());
    let log = running.log().iter().map(Value::to_string).collect::<String>();
    assert!(log.contains("\"TRACE\""), "the log is not at trace");
    let secrets = [&key[16..], &wrong[16..], "s3cret", "payload.signature"];
    for (place, text) in [("a log", &log), ("a command's log", &printed), ("an output", &shown)] {
        for secret in secrets {
            let found = text.find(secret).map(|at| &text[at.saturating_sub(300)..at]);
            assert_eq!(found, None, "a secret is in {place}");
        }
    }
}
