//! Two tenants of one service: neither sees anything of the other.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::Api;
use crate::command::undertone;
use crate::database::Database;
use crate::undertone::Undertone;

const SCOPES: &str = "predictions:write,predictions:read,predictions:delete,models:read,keys:admin";

#[test]
fn nothing_of_a_tenant_is_visible_to_another_on_sqlite() {
    assert_isolated("sqlite:undertone.db");
}

#[test]
fn nothing_of_a_tenant_is_visible_to_another_on_postgres() {
    let database = Database::create();
    assert_isolated(&database.url());
}

fn assert_isolated(store: &str) {
    let folder = TempDir::new().unwrap();
    let tenants = ["ann", "ben"];
    let keys = tenants.map(|tenant| {
        undertone(folder.path(), store, &["tenants", "add", tenant]);
        let flags = ["keys", "issue", "--tenant", tenant, "--scopes", SCOPES];
        undertone(folder.path(), store, &flags).trim().to_owned()
    });
    let running = Undertone::start(folder.path(), store, &["auth.mode=required"]);
    let [ann, ben] = keys.each_ref().map(|key| running.api().with_credential(key));
    for text in ["the parcel is late", "the parcel is great", "a third parcel"] {
        let body = json!({"text": text, "ref": "same", "metadata": {"of": "ann"}});
        assert_eq!(ann.post("/api/v1/predictions", &body).unwrap().status, 200);
    }

    // The text is in the cache of the other tenant: for this one it is new, in the body and in the header.
    let again = ann.predict("the parcel is late").unwrap();
    assert!(again.cache_status.is_some_and(|status| status.contains("hit")));
    let first = ben.predict("the parcel is late").unwrap();
    assert_eq!(first.body["cached"], false);
    assert!(first.cache_status.is_some_and(|status| status.contains("fwd=miss")));

    let own = first.body["id"].as_str().unwrap();
    for query in ["", "?ref=same", "?q=parcel", "?q=great", "?min_confidence=0", "?model=sentiment-minilm-l6"]
    {
        let found = ids(&ben, &format!("/api/v1/predictions{query}"));
        assert!(found.iter().all(|id| id == own), "{query}: {found:?}");
    }
    let page = ann.get("/api/v1/predictions?limit=2").unwrap().body;
    let cursor = page["next_cursor"].as_str().unwrap();
    let found = ids(&ben, &format!("/api/v1/predictions?limit=2&cursor={cursor}"));
    assert!(found.iter().all(|id| id == own), "a cursor of another tenant: {found:?}");
    for item in page["items"].as_array().unwrap() {
        let path = format!("/api/v1/predictions/{}", item["id"].as_str().unwrap());
        assert_eq!((ben.get(&path).unwrap().status, ben.delete(&path).unwrap().status), (404, 404));
        assert_eq!(ann.get(&path).unwrap().status, 200);
    }

    let path = format!("/api/v1/keys/{}", &keys[0][3..15]);
    assert_eq!(ben.delete(&path).unwrap().status, 404);
    assert_eq!(ben.get("/api/v1/keys").unwrap().body["items"].as_array().unwrap().len(), 1);
    let lines = ben.get("/api/v1/audit").unwrap().body["items"].clone();
    assert!(lines.as_array().unwrap().iter().all(|line| line["tenant"] == "ben"), "{lines}");
    assert_eq!(ben.get("/api/v1/me").unwrap().body["tenant"], "ben");
}

/// The ids of the predictions on a page.
fn ids(api: &Api, path: &str) -> Vec<String> {
    let page = api.get(path).unwrap();
    assert_eq!(page.status, 200, "{path}: {}", page.body);
    let items = page.body["items"].as_array().unwrap().clone();
    items.iter().map(|item: &Value| item["id"].as_str().unwrap().to_owned()).collect()
}
