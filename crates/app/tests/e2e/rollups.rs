//! The rollups equal what the predictions give, whatever happened meanwhile.

use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;

use crate::administration::Commands;
use crate::api::Api;
use crate::database::{Database, run};
use crate::undertone::{Undertone, wait_for};

const SQLITE: &str = "sqlite:data/undertone.db";
const SETTINGS: [&str; 1] = ["analytics.dimensions=[\"channel\"]"];

/// Expressions of one store: the bucket of a prediction, its truth values as numbers, the value of its channel and the
/// billionths of its confidence.
struct Expressions {
    bucket: &'static str,
    truncated: &'static str,
    cached: &'static str,
    billionths: &'static str,
}

const OF_SQLITE: Expressions = Expressions {
    bucket: "created_at - created_at % 900000000",
    truncated: "truncated",
    cached: "cached",
    billionths: "CAST(confidence * 1e9 + 0.5 AS INTEGER)",
};

const OF_POSTGRES: Expressions = Expressions {
    bucket: "date_bin('15 minutes', created_at, TIMESTAMPTZ '1970-01-01Z')",
    truncated: "truncated::int",
    cached: "cached::int",
    billionths: "floor(confidence::float8 * 1e9 + 0.5)::bigint",
};

impl Expressions {
    /// A statement that returns the number of rollups that differ from what the predictions give, of predictions, and
    /// of what is still to be counted.
    fn statement(&self) -> String {
        let Self { bucket, truncated, cached, billionths } = self;
        let counted = |dimension: &str, value: &str| {
            format!(
                "SELECT tenant, '{dimension}' AS dimension, {value} AS value, coalesce(sentiment, ''), {bucket} AS bucket, \
                 model_name, count(*), CAST(sum({truncated}) AS bigint), CAST(sum({cached}) AS bigint), \
                 CAST(sum(tokens) AS bigint), count(confidence), CAST(sum({billionths}) AS bigint) \
                 FROM predictions GROUP BY 1, 2, 3, 4, 5, 6"
            )
        };
        let channel = "CASE WHEN metadata ->> 'channel' IN (SELECT value FROM rollup_values) THEN metadata ->> 'channel' \
             WHEN metadata ->> 'channel' IS NULL THEN '(none)' ELSE '(other)' END";
        let expected = format!("{} UNION ALL {}", counted("", "''"), counted("channel", channel));
        let actual = "SELECT tenant, dimension, value, sentiment, bucket, name, predictions, truncated, cached, \
             tokens, confident, confidence_sum FROM rollups JOIN rollup_models ON id = model";
        format!(
            "SELECT (SELECT count(*) FROM (SELECT * FROM ({expected}) AS a EXCEPT {actual}) AS missing) \
             + (SELECT count(*) FROM ({actual} EXCEPT SELECT * FROM ({expected}) AS b) AS wrong), \
             (SELECT count(*) FROM predictions), \
             (SELECT count(*) FROM outbox WHERE position IS NULL) \
             + (SELECT last_position - sinks.position FROM outbox_feed, sinks WHERE name = 'analytics') \
             + (SELECT count(*) FROM rollup_outdated)"
        )
    }
}

/// Makes 260 predictions of 230 channels and returns their ids.
fn predict(api: &Api) -> Vec<String> {
    let items = (0..260).map(|number| match number {
        0..230 => json!({ "text": "I love it", "metadata": { "channel": format!("c{number}") } }),
        _ => json!({ "text": "I hate it" }),
    });
    let answer = api.post("/api/v1/predictions/batch", &json!({ "items": items.collect::<Vec<_>>() }));
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let items = answer.body["items"].as_array().expect("items").iter();
    items.map(|item| item["prediction"]["id"].as_str().expect("an id").to_owned()).collect()
}

/// Writes, deletes, kills and rebuilds; `state` runs a statement that returns three numbers.
fn rollups_equal_the_predictions(
    store: &str,
    of: &Expressions,
    state: impl Fn(&TempDir, String) -> (i64, i64, i64),
) {
    let folder = TempDir::new().unwrap();
    let check = |predictions: i64| {
        let settled = wait_for("everything to be counted", || {
            let (differing, stored, left) = state(&folder, of.statement());
            (left == 0).then_some((differing, stored))
        });
        assert_eq!(settled, (0, predictions));
    };
    let running = Undertone::start(folder.path(), store, &SETTINGS);
    let mut ids = predict(&running.api());
    check(260);
    for id in ids.drain(..20) {
        assert_eq!(running.api().delete(&format!("/api/v1/predictions/{id}")).unwrap().status, 204);
    }
    ids.extend(predict(&running.api()));
    running.kill();

    let running = Undertone::start(folder.path(), store, &SETTINGS);
    predict(&running.api());
    check(760);
    let commands = Commands { folder: folder.path(), store, settings: &SETTINGS };
    commands.succeed("analytics rebuild --tenant default");
    for id in ids.drain(220..300) {
        assert_eq!(running.api().delete(&format!("/api/v1/predictions/{id}")).unwrap().status, 204);
    }
    commands.succeed("analytics rebuild --all --wait");
    check(680);
    let error = commands.fail("analytics rebuild --tenant unknown", 1);
    assert!(error.contains("there is no tenant unknown"), "{error}");
}

#[test]
fn rollups_equal_the_predictions_on_sqlite() {
    rollups_equal_the_predictions(SQLITE, &OF_SQLITE, |folder, statement| {
        let options = SqliteConnectOptions::new().filename(folder.path().join("data/undertone.db"));
        run(async move {
            let mut connection = options.connect().await.expect("the database can be read");
            let row =
                sqlx::query_as(AssertSqlSafe(statement)).fetch_one(&mut connection).await.expect("a row");
            connection.close().await.expect("closed");
            row
        })
    });
}

#[test]
fn rollups_equal_the_predictions_on_postgres() {
    let database = Database::create();
    rollups_equal_the_predictions(&database.url(), &OF_POSTGRES, |_, statement| {
        database.fetch_one_of(AssertSqlSafe(statement))
    });
}
