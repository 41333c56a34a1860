use serde_json::{Value, json};

use crate::api::{Answer, Api};
use crate::undertone::wait_for;

/// A request that may be sent again.
pub(super) struct Repeatable {
    pub(super) path: &'static str,
    pub(super) body: Value,
    /// Its key, and the reference of its rows.
    pub(super) name: String,
    /// The rows that it stores.
    rows: usize,
}

impl Repeatable {
    pub(super) fn single(name: &str) -> Self {
        let body = json!({ "text": format!("the parcel {name} came late"), "ref": name });
        Self { path: "/api/v1/predictions", body, name: name.to_owned(), rows: 1 }
    }

    /// A batch of two texts and an item that fails.
    pub(super) fn batch(name: &str) -> Self {
        let item = |text: &str| json!({ "text": format!("the parcel {name} {text}"), "ref": name });
        let items = json!([item("came late"), { "text": "" }, item("was broken")]);
        let body = json!({ "items": items });
        Self { path: "/api/v1/predictions/batch", body, name: name.to_owned(), rows: 2 }
    }

    /// A batch that takes the model longer than any deadline of these tests.
    pub(super) fn slow_batch(name: &str) -> Self {
        let text = |item| format!("the parcel {name} {item} came late ").repeat(250);
        let items: Vec<Value> = (0..16).map(|item| json!({ "text": text(item), "ref": name })).collect();
        let rows = items.len();
        let body = json!({ "items": items });
        Self { path: "/api/v1/predictions/batch", body, name: name.to_owned(), rows }
    }

    pub(super) fn send(&self, api: &Api) -> Result<Answer, ureq::Error> {
        api.post_with(self.path, &self.body, &[(super::KEY, &self.name)])
    }

    /// Sends it with a deadline.
    pub(super) fn send_within(&self, api: &Api, timeout_ms: &str) -> Result<Answer, ureq::Error> {
        api.post_with(
            self.path,
            &self.body,
            &[(super::KEY, &self.name), ("x-request-timeout-ms", timeout_ms)],
        )
    }

    /// Sends it until it is answered.
    pub(super) fn answer(&self, api: &Api) -> Answer {
        wait_for("an answer", || {
            let answer = self.send(api).ok()?;
            if answer.status == 409 {
                assert_eq!(answer.body["code"], "idempotency_in_progress");
                assert_eq!(answer.header("retry-after"), Some("1"));
                return None;
            }
            assert_eq!(answer.status, 200, "{}", answer.body);
            Some(answer)
        })
    }

    /// Asserts that its rows are stored once, that they are those of `answer`, and that it is answered so again.
    pub(super) fn assert_stored_once(&self, api: &Api, answer: &Answer) {
        let stored = api.get(&format!("/api/v1/predictions?ref={}", self.name)).unwrap().body;
        let stored = ids(&stored);
        assert_eq!(stored.len(), self.rows, "{}: {stored:?}", self.name);
        assert_eq!(ids(&answer.body), stored, "{}", answer.body);
        let again = self.send(api).unwrap();
        assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")));
        assert_eq!(ids(&again.body), stored, "{}", again.body);
    }
}

/// The ids in a prediction, a list or the answer to a batch, in ascending order.
pub(super) fn ids(body: &Value) -> Vec<String> {
    let of = |prediction: &Value| prediction["id"].as_str().map(str::to_owned);
    let items = body["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_item = |item: &Value| of(item).or_else(|| of(&item["prediction"]));
    let mut ids: Vec<String> = of(body).into_iter().chain(items.iter().filter_map(of_item)).collect();
    ids.sort();
    ids
}
