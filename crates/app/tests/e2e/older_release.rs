//! An older release with the data of a newer one: one more migration, and an unknown word.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use tempfile::TempDir;

use crate::api::Api;
use crate::database::{Database, run};
use crate::undertone::{Undertone, wait_for};

/// The rows that a newer release changed, counted from the newest.
const CHANGED: [usize; 4] = [0, 3, 4, 11];

#[test]
fn an_older_release_lists_what_it_can_read_of_a_newer_ones_sqlite() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("undertone.db");
    assert_serves_beside_a_newer_release(&format!("sqlite:{}", file.display()), |statements| {
        let options = SqliteConnectOptions::new().filename(file.clone());
        run(async move {
            let mut connection = options.connect().await.unwrap();
            // A newer release has created the table again, with a wider check.
            connection.execute("PRAGMA ignore_check_constraints = ON").await.unwrap();
            connection.execute(AssertSqlSafe(statements)).await.unwrap();
        });
    });
}

#[test]
fn an_older_release_lists_what_it_can_read_of_a_newer_ones_postgresql() {
    let database = Database::create();
    assert_serves_beside_a_newer_release(&database.url(), |statements| {
        let widen = "ALTER TABLE predictions DROP CONSTRAINT predictions_sentiment_check;";
        database.execute_inside(format!("{widen} {statements}"));
    });
}

fn assert_serves_beside_a_newer_release(store: &str, change: impl FnOnce(String)) {
    let folder = TempDir::new().unwrap();
    let mut running = Undertone::start(folder.path(), store, &[]);
    let mut ids: Vec<String> = (0..12).map(|number| predicted(&running.api(), number)).collect();
    ids.reverse();
    running.terminate();
    assert!(running.wait().success());

    change(newer(store, CHANGED.map(|place| ids[place].as_str())));
    let running = Undertone::start(folder.path(), store, &[]);
    let readable: Vec<&String> =
        ids.iter().enumerate().filter(|(place, _)| !CHANGED.contains(place)).map(|(_, id)| id).collect();
    for limit in [1, 2, 5, 100] {
        assert_eq!(walked(&running.api(), limit).iter().collect::<Vec<_>>(), readable, "pages of {limit}");
    }
    let series = "undertone_corrupt_rows_total{table=\"predictions\"}";
    let metrics = running.api().text("/metrics");
    let counted = metrics.lines().find_map(|line| line.strip_prefix(series)).expect("the counter").trim();
    assert_eq!(counted, (4 * CHANGED.len()).to_string(), "each row, once a walk");
    let skipped = wait_for("the skipped rows to be logged", || {
        let warnings = running.log_of_level("WARN").into_iter();
        let skipped: Vec<Value> = warnings.filter(|line| line["fields"]["table"] == "predictions").collect();
        (!skipped.is_empty()).then_some(skipped)
    });
    assert_eq!(skipped.len(), 1, "no flood: {skipped:?}");
    assert_eq!(
        (&skipped[0]["fields"]["column"], &skipped[0]["fields"]["id"]),
        (&"sentiment".into(), &ids[0].as_str().into())
    );
    predicted(&running.api(), 12);
    assert_eq!(walked(&running.api(), 100).len(), readable.len() + 1);

    let down = undertone(folder.path(), store, &["migrate", "down"]);
    assert_eq!(down.status.code(), Some(1), "{down:?}");
    let error = String::from_utf8(down.stderr).unwrap();
    assert!(error.contains("step 9999 (a newer step) above it is unknown to this release"), "{error}");
    let status = undertone(folder.path(), store, &["migrate", "status"]);
    assert!(String::from_utf8(status.stdout).unwrap().ends_with("9999  unknown  a newer step\n"));
    assert_eq!(walked(&running.api(), 100).len(), readable.len() + 1, "nothing was reverted");
}

/// Returns the statements of a newer release: changes to the rows `ids`, and one more migration.
fn newer(store: &str, ids: [&str; 4]) -> String {
    let sqlite = store.starts_with("sqlite:");
    let id = |id: &str| if sqlite { format!("x'{}'", id.replace('-', "")) } else { format!("'{id}'") };
    let checksum = if sqlite { "x'00'" } else { "'\\x00'" };
    format!(
        "UPDATE predictions SET sentiment = 'sarcastic' WHERE id IN ({}); \
         INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'a newer step', TRUE, {checksum}, 0);",
        ids.map(id).join(", ")
    )
}

fn predicted(api: &Api, number: usize) -> String {
    let answer = api.predict(&format!("Text number {number}")).expect("answered");
    answer.body["id"].as_str().expect("an id").to_owned()
}

/// Returns the ids of all pages of `limit` predictions.
fn walked(api: &Api, limit: usize) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("/api/v1/predictions?limit={limit}{cursor}")).expect("answered");
        assert_eq!(page.status, 200, "{}", page.body);
        let items = page.body["items"].as_array().expect("items");
        ids.extend(items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()));
        let Some(next) = page.body["next_cursor"].as_str() else { return ids };
        cursor = format!("&cursor={next}");
    }
}

fn undertone(folder: &Path, store: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_undertone"));
    command.current_dir(folder).args(["--store", store]).args(arguments).output().expect("runs")
}
