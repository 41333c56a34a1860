//! Tenants: added, disabled, enabled and erased while the service runs.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::administration::{Commands, id_of};
use crate::api::Api;
use crate::command_line::undertone;
use crate::database::Database;
use crate::undertone::{Undertone, wait_for};

const SQLITE: &str = "sqlite:data/undertone.db";

fn wait_for_status(api: &Api, status: u16) {
    let sent = || api.get("/api/v1/predictions").is_ok_and(|answer| answer.status == status);
    wait_for("another status", || sent().then_some(()));
}

fn tenants_change_while_the_service_runs(store: &str) {
    let folder = TempDir::new().unwrap();
    let commands = Commands { folder: folder.path(), store, settings: &[] };
    commands.succeed("tenants add acme");
    commands.succeed("tenants add other");
    let running = Undertone::start(folder.path(), store, &["auth.mode=required"]);
    let scopes = "--scopes predictions:write,predictions:read";
    let [acme, other] = ["acme", "other"].map(|tenant| {
        let key = commands.issue(&format!("--tenant {tenant} {scopes}"));
        running.api().with_credential(&key)
    });
    for api in [&acme, &other] {
        (0..3).for_each(|_| assert_eq!(api.predict("I love it").unwrap().status, 200));
    }
    commands.succeed("tenants disable acme");
    wait_for_status(&acme, 403);
    commands.succeed("tenants enable acme");
    wait_for_status(&acme, 200);

    let error = commands.fail("tenants erase acme", 2);
    assert!(error.contains("--yes"), "{error}");
    for removed in ["rows removed); running the command again", "(0 rows removed);"] {
        let output = commands.run("tenants erase acme --yes --grace 0s");
        let report = String::from_utf8_lossy(&output.stderr).into_owned();
        let (last, expected) = (report.lines().last().unwrap_or_default(), "erased tenant acme (");
        assert!(output.status.success() && last.starts_with(expected), "{output:?}");
        assert!(last.contains(removed), "{last}");
    }
    let output = commands.run("tenants erase acme --yes --grace 100ms");
    assert!(String::from_utf8_lossy(&output.stderr).contains("waiting 0.1 s for requests"), "{output:?}");
    // The key is gone with the other rows.
    wait_for_status(&acme, 401);
    let page = other.get("/api/v1/predictions").unwrap().body;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(3));
    let statuses: Vec<_> = commands
        .items("tenants list")
        .iter()
        .map(|tenant| (tenant["name"].clone(), tenant["status"].clone()))
        .collect();
    let expected = [("acme", "erased"), ("default", "active"), ("other", "active")];
    assert_eq!(statuses, expected.map(|(name, status)| (json!(name), json!(status))));
    let error = commands.fail("tenants add acme", 1);
    assert!(error.contains("with the status erased; choose another name"), "{error}");
}

#[test]
fn tenants_change_while_the_service_runs_on_sqlite() {
    tenants_change_while_the_service_runs(SQLITE);
}

#[test]
fn tenants_change_while_the_service_runs_on_postgres() {
    let database = Database::create();
    tenants_change_while_the_service_runs(&database.url());
}

#[test]
fn a_change_that_the_tenant_does_not_allow_is_refused_in_one_line() {
    let folder = TempDir::new().unwrap();
    let commands = Commands { folder: folder.path(), store: SQLITE, settings: &[] };
    commands.succeed("tenants add acme");
    for (line, named) in [
        ("tenants add acme", "tenant acme exists already, with the status active"),
        ("tenants add default", "tenant default exists already, with the status active"),
        ("tenants enable acme", "its status is active, not disabled"),
        ("tenants disable other", "there is no tenant other"),
        ("tenants limit other", "there is no tenant other"),
        ("tenants limit other --requests 1", "there is no tenant other"),
        ("tenants erase other --yes", "there is no tenant other"),
        ("tenants erase default --yes", "tenant cannot be default"),
    ] {
        let error = commands.fail(line, 1);
        assert!(error.contains(named), "{line}: {error}");
    }
    assert_eq!(commands.run("tenants add Acme").status.code(), Some(2));
    let table = commands.succeed("tenants list");
    assert!(table.starts_with("NAME     STATUS  ADDED\nacme     active  20"), "{table}");
}

#[test]
fn limits_are_shown_by_the_commands_and_a_key_is_never_wider_than_its_tenant() {
    let folder = TempDir::new().unwrap();
    let commands = Commands { folder: folder.path(), store: SQLITE, settings: &[] };
    commands.succeed("tenants add acme");
    assert_eq!(commands.items("tenants list")[0]["limits"], Value::Null);
    commands.succeed("tenants limit acme --requests 10:20 --concurrent 4 --texts-per-day 5000");
    commands.succeed("tenants limit acme --texts 5 --concurrent none");
    let shown = commands.succeed("tenants limit acme");
    let lines = [
        "requests       10 per second, at most 20 at once",
        "texts          5 per second, at most 1000 at once",
        "concurrent     unlimited",
        "texts per day  5000",
    ];
    assert_eq!(shown, lines.map(|line| format!("{line}\n")).concat());
    let rate = |per_second, burst| json!({"per_second": per_second, "burst": burst});
    let limits = json!({
        "requests": rate(10, 20), "texts": rate(5, 1_000), "concurrent": null, "texts_per_day": 5_000
    });
    assert_eq!(commands.items("tenants list")[0]["limits"], limits);
    let table = commands.succeed("tenants list");
    assert!(table.contains("limits: requests 10/s:20, texts 5/s:1000, texts per day 5000"), "{table}");

    let scopes = "--tenant acme --scopes predictions:write";
    for wider in ["--requests 11", "--requests 10:21", "--texts 5:1001", "--texts-per-day 5001"] {
        let error = commands.fail(&format!("keys issue {scopes} {wider}"), 1);
        assert!(error.contains("must be at most that of tenant acme"), "{wider}: {error}");
    }
    let first = commands.issue(&format!("{scopes} --requests 1 --concurrent 2"));
    // A rotated key has the limits of the one before.
    commands.issue(&format!("--tenant acme --replaces {}", id_of(&first)));
    let keys = commands.items("keys list");
    let own = json!({"requests": rate(1, 1), "texts": null, "concurrent": 2, "texts_per_day": null});
    assert_eq!([&keys[0]["limits"], &keys[1]["limits"]], [&own, &own]);
    let table = commands.succeed("keys list");
    assert!(table.contains("predictions:write; limits: requests 1/s, concurrent 2"), "{table}");
}

#[test]
fn a_service_without_authentication_is_refused_where_other_machines_reach_it() {
    let folder = TempDir::new().unwrap();
    for host in ["0.0.0.0", "::", "192.0.2.1"] {
        let output = undertone(folder.path(), &["--host", host, "--port", "0"], "");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(error.lines().count(), 1, "{error}");
        for way in ["auth.mode = \"required\"", "auth.mode = \"disabled\"", "undertone keys issue"] {
            assert!(error.contains(way), "{error}");
        }
    }
    let listeners = ["--port", "0", "--set", "server.admin_address=0.0.0.0:0"];
    let output = undertone(folder.path(), &listeners, "");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && error.contains("server.admin_address"), "{output:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was created");
    for mode in ["disabled", "required"] {
        let settings = ["server.host=0.0.0.0", &format!("auth.mode={mode}")];
        let running = Undertone::launch(folder.path(), SQLITE, &settings);
        assert!(running.address.starts_with("0.0.0.0:"), "{}", running.address);
    }
}
