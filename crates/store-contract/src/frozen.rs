//! Databases that earlier releases wrote, in `fixtures/`, and their contents: every later release must read them.
//!
//! `fixtures/README.md` lists the commits that wrote them, and how. They never change.

use std::fs;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::Duration;

use application::dtos::{Cursor, PredictionRecord};
use application::ports::{FeedEvent, PredictionFilter};
use domain::entities::{ApiKey, Tenant, TenantStatus};
use domain::policies::parse_query;
use domain::value_objects::{
    AuditLine, KeyName, LabelScore, Limits, PredictionId, Reference, SentenceResult, Sentiment,
    SentimentScores, TenantId, Timestamp,
};
use serde_json::{Map, Value, json};

use crate::StoreHarness;
use crate::chain::check_chain;
use crate::samples::{FIRST, Samples, confidence, entry, key, key_id, limits, reference, tenant};
use crate::steps::{audit_of, change, events, find, insert, list, list_ids, query, try_delete};

/// The schemas for which there is a database: the number of applied steps.
pub const SCHEMAS: [u32; 5] = [1, 2, 3, 4, 5];

/// The file `name` of the fixtures.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// Asserts that `store`, opened on the database of `schema` and migrated, returns everything that the earlier release
/// stored, and can be written.
pub async fn assert_works_on(store: &impl StoreHarness, schema: u32) {
    let expected = expected(schema);
    assert_rows(store, &expected["rows"]).await;
    if schema < 5 {
        assert_no_access(store).await;
    } else {
        assert_access(store, &expected).await;
    }
    assert_access_is_writable(store).await;
    assert_events(store, &expected["events"], schema).await;
    assert_is_writable(store).await;
}

/// Asserts that cursors of earlier releases can be read, and that this release makes the same.
pub fn assert_cursors() {
    let after = PredictionId::from_u128(0x0198_0000_0001_7abc_8000_0000_0000_0001);
    for schema in SCHEMAS {
        let expected = expected(schema);
        let expected = expected["cursors"].as_object().expect("cursors by their filters");
        assert_eq!(expected.len(), filters().len());
        for (name, filter) in filters() {
            let text = expected[name].as_str().expect("a cursor");
            let cursor = Cursor::parse(text, &filter).expect("the cursor is read");
            assert_eq!(cursor.after(), after, "{name}");
            assert_eq!(Cursor::after_row(after, &filter).to_string(), text, "{name}");
        }
    }
}

/// What the earlier release itself read from the database.
fn expected(schema: u32) -> Value {
    let release = schema.max(3);
    let text = fs::read_to_string(path(&format!("expected-{release:04}.json"))).expect("a fixture");
    serde_json::from_str(&text).expect("JSON")
}

async fn assert_rows(store: &impl StoreHarness, expected: &Value) {
    let rows = list(store, &PredictionFilter::default()).await;
    assert_eq!(&rows.iter().map(row).collect::<Value>(), expected);
    for record in &rows {
        assert_eq!(find(store, record.prediction.id).await.as_ref().map(row), Some(row(record)));
    }
    let samples =
        rows.iter().filter(|row| row.text.as_ref().is_some_and(|text| text.contains("number"))).count();
    for (terms, count) in
        [("brûlée", 1), ("最高の一日", 1), ("ann lee example", 1), ("brulee", 0), ("sample number", samples)]
    {
        assert_eq!(list_ids(store, &query(terms)).await.len(), count, "{terms}");
    }
    let others = store.predictions().list(&tenant("ann"), &PredictionFilter::default(), None, 10).await;
    assert_eq!(others.expect("the rows can be read").items.len(), 1);
}

/// The tenants, the keys and the audit, which the fifth step added; nothing is limited.
async fn assert_access(store: &impl StoreHarness, expected: &Value) {
    let tenants = store.tenants().list().await.expect("the tenants can be read");
    let mut keys = Vec::new();
    for tenant in &tenants {
        keys.extend(store.keys().list(&tenant.id).await.expect("the keys can be read"));
    }
    let named = |tenant: &Tenant| json!([tenant.id.as_str(), tenant.status.as_str()]);
    assert_eq!(tenants.iter().map(named).collect::<Value>(), expected["tenants"]);
    assert_eq!(keys.iter().map(api_key).collect::<Value>(), expected["keys"]);
    assert!(tenants.iter().all(|tenant| tenant.limits.is_unlimited()));
    assert!(keys.iter().all(|key| key.limits.is_unlimited()));
    let lines = store.audit().walk(0, 100).await.expect("the lines can be read");
    assert_eq!(lines.iter().map(line).collect::<Value>(), expected["lines"]);
    assert_eq!(check_chain(&lines), Ok(()));
}

/// The rows belong to the tenant `default`, which the fifth step registers; there are no keys and no audit yet.
async fn assert_no_access(store: &impl StoreHarness) {
    let tenants = store.tenants().list().await.expect("the tenants can be read");
    let default = TenantId::default();
    assert_eq!(
        tenants.iter().map(|tenant| (&tenant.id, tenant.status)).collect::<Vec<_>>(),
        [(&default, TenantStatus::Active)]
    );
    assert_eq!(store.keys().list(&default).await.expect("the keys can be read"), []);
    assert_eq!(store.audit().appended().await.expect("the head can be read"), 0);
}

/// A key can be issued and the tenant be limited.
async fn assert_access_is_writable(store: &impl StoreHarness) {
    let default = TenantId::default();
    let new = ApiKey { limits: limits(), ..key(&default, 1) };
    let per_day = Limits { texts_per_day: NonZeroU64::new(9), ..Limits::default() };
    let issued = change(store, &default, |work| {
        work.insert_key(new.clone());
        work.set_tenant_limits(per_day);
        work.audit(entry(Some(&default), "a line of this release"));
    });
    issued.await.expect("the key is issued");
    let found = store.keys().find(&key_id(1)).await.expect("the key can be read").expect("the key");
    assert_eq!((found.key, found.tenant_limits), (new, per_day));
    assert_eq!(audit_of(store, &default).await[0], entry(Some(&default), "a line of this release"));
    let lines = store.audit().walk(0, 100).await.expect("the lines can be read");
    assert_eq!(check_chain(&lines), Ok(()));
}

/// The events of the outbox, which the second step added; the earlier release has published three of them, whose
/// positions they have.
async fn assert_events(store: &impl StoreHarness, expected: &Value, schema: u32) {
    // The old relay's lease has expired, and the fence continues from its value.
    let lease = store.leases().acquire("outbox-relay", "the cases", Duration::from_secs(10)).await;
    let lease = lease.expect("the lease can be acquired").expect("the lease is free");
    assert_eq!(lease.fence, if schema >= 3 { 2 } else { 1 });
    let expected: &[Value] = if schema < 2 { &[] } else { expected.as_array().expect("events") };
    let events = events(store).await;
    assert_eq!(events.iter().map(event).collect::<Vec<_>>(), expected);
    assert!(events.iter().zip(1..).all(|(event, position)| event.position == position));
    assert!(events.iter().all(|event| event.facts.is_none()), "earlier releases stored no facts");
    // The earlier release has published what it gave a position; the analytics have never run.
    let sinks = store.sinks().list().await.expect("the sinks can be read");
    let positions: Vec<_> = sinks.iter().map(|sink| (sink.name.as_str(), sink.position)).collect();
    assert_eq!(positions, [("analytics", -1), ("log", if schema < 2 { 0 } else { 3 })]);
}

async fn assert_is_writable(store: &impl StoreHarness) {
    let before = list_ids(store, &PredictionFilter::default()).await;
    try_delete(store, &before[1..3]).await.expect("old rows are deleted");
    let mut samples = Samples::new();
    let new = samples.one_at(Timestamp::from_micros(FIRST + 3_600_000_000), |new| {
        let top_k = std::num::NonZeroU32::new(1);
        new.result = new.result.clone().restore_details(top_k, Some(Vec::new()));
    });
    insert(store, std::slice::from_ref(&new)).await;
    assert_eq!(find(store, new.id()).await, Some((&new).into()));
    let expected = [&[new.id()], &before[..1], &before[3..]].concat();
    assert_eq!(list_ids(store, &PredictionFilter::default()).await, expected);
    let last = events(store).await.pop().expect("an event");
    assert_eq!(last.prediction_id, Some(new.id()));
    assert!(last.facts.is_some());
}

fn number(value: f32) -> Value {
    Value::from(format!("{value:?}"))
}

fn scores(scores: SentimentScores) -> Value {
    json!([scores.negative.map(number), scores.neutral.map(number), scores.positive.map(number)])
}

fn label(label: &LabelScore) -> Value {
    json!({ "label": label.label, "score": number(label.score), "logit": label.logit.map(number) })
}

fn sentence(sentence: &SentenceResult) -> Value {
    let SentenceResult { span, sentiment, confidence, scores: three } = sentence;
    let confidence = confidence.map(|it| number(it.value()));
    json!([span.start, span.end, sentiment.map(Sentiment::as_str), confidence, scores(*three)])
}

/// A row in the form of the fixtures.
fn row(record: &PredictionRecord) -> Value {
    let it = &record.prediction;
    let entries = it.metadata.entries().iter();
    let metadata: Map<String, Value> =
        entries.map(|(key, value)| (key.clone(), Value::from(format!("{value:?}")))).collect();
    json!({
        "id": it.id.to_string(),
        "created_at": it.created_at.as_micros(),
        "ref": it.reference.as_ref().map(Reference::as_str),
        "sentiment": it.sentiment.map(Sentiment::as_str),
        "confidence": it.confidence.map(|it| number(it.value())),
        "scores": scores(it.scores),
        "labels": it.labels.iter().map(label).collect::<Vec<_>>(),
        "sentences": it.sentences.as_ref().map(|all| all.iter().map(sentence).collect::<Vec<_>>()),
        "model": [it.model.name(), it.model.revision()],
        "usage": [it.usage.tokens, it.usage.windows],
        "truncated": it.usage.truncated,
        "cached": it.cached,
        "metadata": metadata,
        "text": record.text,
    })
}

/// An event in the form of the fixtures.
fn event(event: &FeedEvent) -> Value {
    json!({
        "tenant": event.tenant.as_str(),
        "event_id": event.event_id.to_string(),
        "event_type": event.event_type,
        "prediction_id": event.prediction_id.map(|id| id.to_string()),
        "occurred_at": event.occurred_at.as_micros(),
        "payload": serde_json::from_str::<Value>(&event.payload).expect("JSON"),
    })
}

/// An API key in the form of the fixtures.
fn api_key(key: &ApiKey) -> Value {
    let times = [Some(key.created_at), key.expires_at, key.revoked_at, key.last_used_at];
    json!({
        "id": key.id.as_str(),
        "tenant": key.tenant.as_str(),
        "name": key.name.as_ref().map(KeyName::as_str),
        "scopes": key.scopes.to_string(),
        "secret": key.secret.as_bytes(),
        "times": times.map(|time| time.map(Timestamp::as_micros)),
    })
}

/// A line of the audit in the form of the fixtures.
fn line(line: &AuditLine) -> Value {
    json!([line.seq, line.entry.tenant.as_ref().map(TenantId::as_str), line.entry.target, line.seal])
}

/// A filter of each kind, by the name that the fixtures have for it.
fn filters() -> [(&'static str, PredictionFilter); 9] {
    let everything = PredictionFilter::default;
    let time = Some(Timestamp::from_micros(FIRST));
    [
        ("none", everything()),
        ("sentiment", PredictionFilter { sentiment: Some(Sentiment::Mixed), ..everything() }),
        ("model", PredictionFilter { model: Some("a/model".into()), ..everything() }),
        ("ref", PredictionFilter { reference: Some(reference("order-17")), ..everything() }),
        ("from", PredictionFilter { from: time, ..everything() }),
        ("to", PredictionFilter { to: time, ..everything() }),
        ("min_confidence", PredictionFilter { min_confidence: Some(confidence(0.7)), ..everything() }),
        ("max_confidence", PredictionFilter { max_confidence: Some(confidence(0.7)), ..everything() }),
        ("q", PredictionFilter { terms: parse_query("Crème brûlée").expect("terms"), ..everything() }),
    ]
}
