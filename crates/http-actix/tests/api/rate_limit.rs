//! The headers `RateLimit` and `RateLimit-Policy`, read by an independent implementation of structured fields.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::test::TestRequest;
use application::ports::{LimitPolicy, LimitsStanding, PrincipalStanding, RateStanding};
use domain::value_objects::{Rate, Scope};
use serde_json::{Value, json};
use sfv::{BareItem, List, ListEntry, Parser};

use crate::access::{get, key, service as with_authentication, with_key};
use crate::support::{Answer, Service, all_limits, exceeded, limit_tenant, post, standing, stream_of, uuid};

const PREDICTIONS: &str = "/api/v1/predictions";
const BATCH: &str = "/api/v1/predictions/batch";

/// Returns the items of a header by their names, each with its parameters.
fn list(answer: &Answer, name: &str) -> BTreeMap<String, Value> {
    let header = answer.header(name).unwrap_or_else(|| panic!("{name} is missing: {}", answer.text()));
    let list: List = Parser::new(header).parse().unwrap();
    let items = list.into_iter().map(|entry| {
        let ListEntry::Item(item) = entry else { panic!("an inner list: {header}") };
        let parameters: Value = item
            .params
            .iter()
            .map(|(key, value)| (key.as_str().to_owned(), bare(value)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        (bare(&item.bare_item).as_str().unwrap().to_owned(), parameters)
    });
    items.collect()
}

fn bare(item: &BareItem) -> Value {
    match item {
        BareItem::Integer(integer) => json!(i64::from(*integer)),
        BareItem::String(text) => json!(text.as_str()),
        other => panic!("neither an integer nor a string: {other:?}"),
    }
}

#[actix_web::test]
async fn every_response_to_a_limited_caller_reports_what_is_left() {
    let service = Service::new();
    limit_tenant(&service, all_limits()).await;
    service.limiter.set_standing(PrincipalStanding { tenant: standing(), own: None });
    let missing = format!("{PREDICTIONS}/{}", uuid(9));
    let text = json!({"text": "good"});
    let made = service.post_json(PREDICTIONS, &text).await;
    let id = format!("{PREDICTIONS}/{}", made.json()["id"].as_str().unwrap());
    let mut answers = vec![
        (200, made),
        (200, service.get("/api/v1/models").await),
        (200, service.send(stream_of("{\"text\":\"a\"}\n")).await),
        (204, service.send(TestRequest::delete().uri(&id)).await),
        (404, service.get(&missing).await),
        (422, service.get("/api/v1/models?a=b").await),
        (415, service.send(TestRequest::post().uri(BATCH)).await),
    ];
    service.limiter.refuse_requests(exceeded(LimitPolicy::Requests, Duration::from_mins(1)));
    answers.push((429, service.get("/api/v1/models").await));
    service.limiter.allow_all();
    service.limiter.refuse_texts(exceeded(LimitPolicy::Texts, Duration::from_mins(1)));
    answers.push((429, service.post_json(PREDICTIONS, &text).await));
    for (status, answer) in &answers {
        assert_eq!(answer.status, *status, "{}", answer.text());
        let policies = [
            ("requests".to_owned(), json!({"q": 20, "w": 2})),
            ("texts".to_owned(), json!({"q": 1_000, "w": 100, "qu": "texts"})),
            ("texts-day".to_owned(), json!({"q": 50, "w": 86_400, "qu": "texts"})),
        ];
        assert_eq!(list(answer, "ratelimit-policy"), BTreeMap::from(policies));
        // The time of a policy is at most that of Retry-After.
        let day_ends = if *status == 429 { 60 } else { 30_120 };
        let left = [
            ("requests".to_owned(), json!({"r": 19, "t": 1})),
            ("texts".to_owned(), json!({"r": 940, "t": 6})),
            ("texts-day".to_owned(), json!({"r": 42, "t": day_ends})),
        ];
        assert_eq!(list(answer, "ratelimit"), BTreeMap::from(left));
    }
}

#[actix_web::test]
async fn a_caller_without_limits_gets_no_headers_about_them() {
    let service = Service::new();
    service.limiter.set_standing(PrincipalStanding { tenant: standing(), own: None });
    let answer = service.get("/api/v1/models").await;
    assert_eq!((answer.header("ratelimit"), answer.header("ratelimit-policy")), (None, None));
}

#[actix_web::test]
async fn of_tenant_and_key_the_limit_with_less_left_is_reported() {
    let service = with_authentication();
    let admin = key(&service, &[Scope::KeysAdmin, Scope::ModelsRead]).await;
    let body = json!({"scopes": ["models:read"], "limits": {"requests": {"per_second": 1}}});
    let issued = service.send(with_key(post("/api/v1/keys", &body), &admin)).await.json();
    let own = LimitsStanding {
        requests: Some(RateStanding {
            rate: Rate::try_new("limits.requests", 1, 1).unwrap(),
            remaining: 0,
            full_in: Duration::from_millis(900),
        }),
        ..LimitsStanding::default()
    };
    service.limiter.set_standing(PrincipalStanding { tenant: standing(), own: Some(own) });
    let answer = get(&service, "/api/v1/models", issued["key"].as_str().unwrap()).await;
    assert_eq!(list(&answer, "ratelimit-policy")["requests"], json!({"q": 1, "w": 1}));
    assert_eq!(list(&answer, "ratelimit")["requests"], json!({"r": 0, "t": 1}));
    assert_eq!(list(&answer, "ratelimit")["texts"], json!({"r": 940, "t": 6}));
}
