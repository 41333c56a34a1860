//! Trends and breakdowns on the wire.

use application::ports::{Counted, TrendProgress};
use domain::value_objects::{Bucket, DimensionValue, Rollup, RollupKey, Sentiment, TenantId, Timestamp};
use serde_json::{Value, json};

use crate::support::Service;

/// 2025-12-31T00:00:00Z, a day before the time of the clock.
const START: i64 = 1_767_139_200_000_000;
const TRENDS: &str = "/api/v1/analytics/trends?from=2025-12-31T00:00:00Z&to=2025-12-31T02:00:00Z&bucket=1h";
const BREAKDOWN: &str = "/api/v1/analytics/breakdown?from=2025-12-31T00:10:00Z&to=2025-12-31T02:00:00Z";

fn bucket(quarters: i64) -> Bucket {
    Bucket::containing(Timestamp::from_micros(START + quarters * 900_000_000))
}

/// A service with 8 predictions, 2 of them without a sentiment.
fn service() -> Service {
    let service = Service::new();
    for (quarter, channel, sentiment, predictions) in [
        (0, "app", Some(Sentiment::Negative), 3),
        (0, "mail", Some(Sentiment::Positive), 1),
        (2, "mail", Some(Sentiment::Positive), 2),
        (3, "app", None, 2),
    ] {
        let value = DimensionValue { dimension: "channel".to_owned(), value: channel.to_owned() };
        for dimension in [None, Some(value)] {
            let key = RollupKey {
                tenant: TenantId::default(),
                dimension,
                sentiment,
                bucket: bucket(quarter),
                model_name: "m".to_owned(),
                model_revision: "1".to_owned(),
            };
            let confident = if sentiment.is_some() { predictions } else { 0 };
            let confidence_sum = confident * 500_000_000;
            let rollup = Rollup { predictions, truncated: 1, confident, confidence_sum, ..Rollup::default() };
            service.rollups.add(key, rollup);
        }
    }
    service
}

async fn get(service: &Service, path: &str) -> Value {
    let answer = service.get(path).await;
    assert_eq!(answer.status, 200, "{path}");
    answer.json()
}

#[actix_web::test]
async fn trends_have_every_bucket() {
    let service = service();
    assert_eq!(
        get(&service, TRENDS).await,
        json!({
            "buckets": [
                {
                    "start": "2025-12-31T00:00:00.000000Z",
                    "end": "2025-12-31T01:00:00.000000Z",
                    "total": 8,
                    "counts": {"negative": 3, "neutral": 0, "positive": 3, "mixed": 0, "unmapped": 2},
                    "net": 0.0,
                    "mean_confidence": 0.5,
                    "truncated": 4,
                },
                {
                    "start": "2025-12-31T01:00:00.000000Z",
                    "end": "2025-12-31T02:00:00.000000Z",
                    "total": 0,
                    "counts": {"negative": 0, "neutral": 0, "positive": 0, "mixed": 0, "unmapped": 0},
                    "net": null,
                    "mean_confidence": null,
                    "truncated": 0,
                },
            ],
            "bucket": "1h",
            "complete_until": "2026-01-01T00:00:00.000000Z",
            "recounting": false,
            "tz": "UTC",
        })
    );
    let of_value = get(&service, &format!("{TRENDS}&metadata.channel=mail&sentiment=positive&model=m")).await;
    assert_eq!(of_value["buckets"][0]["total"], 3);
    let grouped = get(&service, &format!("{TRENDS}&by=metadata.channel")).await;
    let groups = grouped["buckets"][0]["groups"].as_array().unwrap();
    let sizes: Vec<_> = groups.iter().map(|group| (&group["key"], &group["total"])).collect();
    assert_eq!(sizes, [(&json!("app"), &json!(5)), (&json!("mail"), &json!(3))]);
}

#[actix_web::test]
async fn what_is_not_counted_yet_is_reported() {
    let service = service();
    let recounting_from = Some(bucket(4));
    service.rollups.set_progress(TrendProgress { counted: Counted::Everything, recounting_from });
    for path in [TRENDS, BREAKDOWN] {
        let answer = get(&service, path).await;
        assert_eq!(answer["complete_until"], "2025-12-31T01:00:00.000000Z");
        assert_eq!(answer["recounting"], true);
    }
    let nothing = TrendProgress { counted: Counted::Nothing, recounting_from: None };
    service.rollups.set_progress(nothing);
    assert_eq!(get(&service, TRENDS).await["complete_until"], Value::Null);
}

#[actix_web::test]
async fn a_breakdown_compares_each_group_with_the_others() {
    let service = service();
    let answer = get(&service, &format!("{BREAKDOWN}&by=metadata.channel&limit=1")).await;
    let row = &answer["rows"][0];
    assert_eq!(
        (&row["key"], &row["total"], &row["negative"]["value"]),
        (&json!("app"), &json!(5), &json!(1.0))
    );
    let low = row["negative"]["low"].as_f64().unwrap();
    assert!((low - 0.438_503).abs() < 1e-6 && row["negative"]["high"] == 1.0, "{row}");
    let z = row["z"].as_f64().unwrap();
    assert!((z - 6.0_f64.sqrt()).abs() < 1e-9, "{row}");
    assert_eq!((&answer["rows"][1]["key"], &answer["rows"][1]["total"]), (&json!("(other)"), &json!(3)));
    assert_eq!(answer["from"], "2025-12-31T00:00:00.000000Z");
    assert_eq!(answer["to"], "2025-12-31T02:00:00.000000Z");
}

#[actix_web::test]
async fn unusable_parameters_are_refused() {
    let service = service();
    for (query, code, field) in [
        ("bucket=2h", "not_one_of", "bucket"),
        ("tz=Mars/Phobos", "malformed", "tz"),
        ("from=yesterday", "malformed", "from"),
        ("from=2026-01-02T00:00:00Z", "out_of_range", "from"),
        ("by=color", "not_one_of", "by"),
        ("by=metadata.color", "not_one_of", "by"),
        ("metadata.color=red", "not_one_of", "metadata.color"),
        ("metadata.a=1&metadata.b=2", "contradictory", "metadata.b"),
        ("metadata.a=1&metadata.a=2", "repeated_parameter", "metadata.a"),
        ("metadata.channel=app&by=metadata.channel", "contradictory", "by"),
        ("metadata.=x", "unknown_parameter", "metadata."),
        ("limit=1", "unknown_parameter", "limit"),
        ("from=2000-01-01T00:00:00Z&bucket=15m", "out_of_range", "bucket"),
    ] {
        let answer = service.get(&format!("/api/v1/analytics/trends?{query}")).await;
        let body = answer.json();
        assert_eq!((&body["code"], &body["field"]), (&json!(code), &json!(field)), "{query}");
    }
    for (query, code) in
        [("limit=0", "out_of_range"), ("limit=101", "out_of_range"), ("tz=UTC", "unknown_parameter")]
    {
        let body = service.get(&format!("/api/v1/analytics/breakdown?{query}")).await.json();
        assert_eq!(body["code"], code, "{query}");
    }
}
