//! The audit on the command line, and what a change behind the service's back does to it.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use tempfile::TempDir;

use crate::administration::{Commands, id_of};
use crate::database::run;

const SQLITE: &str = "sqlite:data/undertone.db";
const SEALED: &[&str] = &["audit.key=0123456789abcdef0123456789abcdef"];

/// Changes the database behind the service's back.
fn tamper(folder: &Path, statements: &str) {
    let file = SqliteConnectOptions::new().filename(folder.join("data/undertone.db"));
    let statements = AssertSqlSafe(statements.to_owned());
    run(async move {
        let mut connection = file.connect().await.expect("opened");
        connection.execute(statements).await.expect("executed");
        connection.close().await.expect("closed");
    });
}

/// Commands over a store whose audit has six sealed lines.
fn with_lines(folder: &Path) -> Commands<'_> {
    let commands = Commands { folder, store: SQLITE, settings: SEALED };
    commands.succeed("tenants add acme");
    let key = commands.issue("--tenant acme --scopes models:read");
    commands.succeed(&format!("keys revoke {}", id_of(&key)));
    commands.succeed("tenants disable acme");
    commands.succeed("tenants enable acme");
    commands.succeed("tenants add other");
    commands
}

/// The anchor that a check prints.
fn anchor(commands: &Commands) -> String {
    let report = commands.succeed("audit verify");
    report.lines().find_map(|line| line.strip_prefix("--anchor ")).expect("an anchor").to_owned()
}

#[test]
fn the_audit_lists_who_changed_what() {
    let folder = TempDir::new().unwrap();
    let commands = with_lines(folder.path());
    let lines = commands.items("audit list");
    let actions: Vec<_> = lines.iter().map(|line| line["action"].as_str().unwrap()).collect();
    let expected =
        ["tenant.added", "tenant.enabled", "tenant.disabled", "key.revoked", "key.issued", "tenant.added"];
    assert_eq!(actions, expected);
    let numbers: Vec<_> = lines.iter().map(|line| line["seq"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [6, 5, 4, 3, 2, 1]);
    assert!(lines.iter().all(|line| line["actor"].as_str().unwrap().starts_with("command-line:")));
    assert_eq!(lines[4]["detail"], "models:read");
    assert_eq!(commands.items("audit list --tenant other").len(), 1);
    assert_eq!(commands.items("audit list --limit 2").len(), 2);
    let table = commands.succeed("audit list --limit 500");
    assert!(table.lines().all(|line| line.len() <= 80), "{table}");
    assert_eq!(table.lines().count(), 1 + 2 * 6, "{table}");
}

#[test]
fn a_line_that_was_changed_removed_or_moved_is_detected() {
    for (statements, named) in [
        ("UPDATE audit SET actor = 'command-line:eve' WHERE seq = 2", "line 2 does not match its seal"),
        ("UPDATE audit SET at = at + 1 WHERE seq = 3", "line 3 does not match its seal"),
        ("UPDATE audit SET tenant = NULL WHERE seq = 3", "line 3 does not match its seal"),
        ("DELETE FROM audit WHERE seq = 3", "line 3 is missing"),
        ("DELETE FROM audit WHERE seq > 4", "lines 5 to 6 are missing"),
        ("DELETE FROM audit WHERE seq < 3", "lines 1 to 2 are missing"),
        ("UPDATE audit SET seal = NULL WHERE seq = 4", "line 4 has no seal"),
        (
            "UPDATE audit SET seq = 7 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; \
             UPDATE audit SET seq = 4 WHERE seq = 7",
            "line 3 does not match its seal",
        ),
    ] {
        let folder = TempDir::new().unwrap();
        let commands = with_lines(folder.path());
        tamper(folder.path(), statements);
        let output = commands.run("audit verify");
        assert_eq!(output.status.code(), Some(1), "{statements}: {output:?}");
        let report = String::from_utf8(output.stdout).unwrap();
        assert!(report.contains(named) && !report.contains("--anchor"), "{statements}: {report}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("the audit is not as it was written"));
    }
}

#[test]
fn lines_that_were_removed_from_the_end_with_their_count_are_detected_by_an_anchor() {
    let folder = TempDir::new().unwrap();
    let commands = with_lines(folder.path());
    let anchor = anchor(&commands);
    assert!(anchor.starts_with("6:"), "{anchor}");
    commands.succeed("tenants add third");
    commands.succeed(&format!("audit verify --anchor {anchor}"));
    tamper(
        folder.path(),
        "DELETE FROM audit WHERE seq > 4; \
         UPDATE audit_head SET seq = 4, seal = (SELECT seal FROM audit WHERE seq = 4)",
    );
    commands.succeed("audit verify");
    let output = commands.run(&format!("audit verify --anchor {anchor}"));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("lines 5 to 6 are missing"), "{output:?}");
}

#[test]
fn lines_before_the_key_have_no_seal_and_another_key_matches_none() {
    let folder = TempDir::new().unwrap();
    let unsealed = Commands { folder: folder.path(), store: SQLITE, settings: &[] };
    unsealed.succeed("tenants add first");
    let error = unsealed.fail("audit verify", 2);
    assert!(error.contains("set audit.key"), "{error}");
    let commands = with_lines(folder.path());
    let output = commands.run("audit verify");
    let report = String::from_utf8_lossy(&output.stdout);
    let hint = "line 1 has no seal\npass --unsealed 1 if audit.key was set only after line 1\n";
    assert!(output.status.code() == Some(1) && report.ends_with(hint), "{output:?}");
    let report = commands.succeed("audit verify --unsealed 1");
    assert!(report.starts_with("checked 7 lines; 1 line at the beginning without a seal\n"), "{report}");
    let other = ["audit.key=another key of at least thirty-two bytes"];
    let other = Commands { settings: &other, ..commands };
    assert_eq!(other.run("audit verify").status.code(), Some(1));
    let short = Commands { settings: &["audit.key=short"], ..other };
    let error = short.fail("audit verify", 2);
    assert!(error.contains("audit.key must have at least 32 bytes, not 5"), "{error}");
}
