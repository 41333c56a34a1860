//! Where a key is, and what happens when it ends.

use serde_json::json;

use crate::page::Page;
use crate::program::{EVERY_SCOPE, Program};
use crate::undertone::wait_for;
use crate::webdriver::Key;

#[test]
fn a_key_that_ends_is_asked_for_again_and_nothing_typed_is_lost() {
    let program = Program::with_keys();
    let (first, second) = (program.issue("first", EVERY_SCOPE), program.issue("second", EVERY_SCOPE));
    let mut page = Page::new(&program.running.address);
    page.let_requests_fail("status of 401");
    page.visit("/console/#/keys");
    page.unlock(&first);
    page.enter("button", "Issue a key");
    page.see("dialog", "Issue a key");
    page.type_text("half done");
    revoke(&program, &first);
    page.enter("button", "Issue the key");
    page.see("dialog", "Your key is needed again");
    page.check_accessibility("the key is asked for again");
    page.unlock(&second);
    page.see("dialog", "The new key");
    page.read("half done");
    page.enter("button", "I have stored the key");
    let listed = program.api().with_credential(&second).get("/api/v1/keys").unwrap().body;
    let names: Vec<_> = listed["items"].as_array().expect("keys").iter().map(|key| &key["name"]).collect();
    assert_eq!(names.iter().filter(|name| ***name == "half done").count(), 1, "{listed}");
}

#[test]
fn a_key_is_stored_in_the_tab_alone_and_can_be_forgotten() {
    let program = Program::with_keys();
    let key = program.issue("operator", EVERY_SCOPE);
    let mut page = Page::new(&program.running.address);
    page.let_requests_fail("status of 401");
    page.visit("/console/");
    page.tab_to("textbox", "API key or token");
    page.type_text("ut_000000000000_wrong");
    page.press(Key::Enter);
    page.read("Not accepted");
    page.tab_to("textbox", "API key or token");
    page.press(Key::SelectAll);
    page.unlock(&key);
    for address in ["#/try", "#/history", "#/trends", "#/models", "#/service", "#/keys"] {
        page.go(address);
        page.wait_until(r#"document.querySelector(".skeleton, main [aria-busy=true]") === null"#);
        let places = r#"JSON.stringify([
          location.href, document.cookie, document.documentElement.outerHTML, history.state,
          { ...localStorage }, performance.getEntriesByType("resource").map(({ name }) => name),
        ])"#;
        let places = page.evaluate(places);
        assert!(!places.as_str().expect("a text").contains(&key[16..]), "{address}");
    }
    assert_eq!(page.evaluate("indexedDB.databases().then(all => all.length)"), 0);
    assert_eq!(page.evaluate("caches.keys().then(all => all.length)"), 0);
    assert_eq!(page.evaluate("Object.values({ ...sessionStorage })"), json!([key]));
    page.visit("/console/#/try");
    page.see("heading", "Try");
    page.enter("button", "Forget key");
    page.see("textbox", "API key or token");
    assert_eq!(page.evaluate("sessionStorage.length"), 0);
}

#[test]
fn a_key_of_another_tenant_shows_nothing_of_the_tenant_before() {
    let program = Program::with_keys();
    let scopes = "predictions:write,predictions:read";
    let first = program.issue("first", scopes);
    let other = program.issue_for_new_tenant("acme", scopes);
    for (key, text) in [(&first, "A text of the first tenant."), (&other, "A text of acme.")] {
        assert_eq!(program.api().with_credential(key).predict(text).unwrap().status, 200);
    }
    let mut page = Page::new(&program.running.address);
    page.let_requests_fail("status of 401");
    page.visit("/console/#/history");
    page.unlock(&first);
    page.see_like("link", "A text of the first tenant.");
    revoke(&program, &first);
    page.see("dialog", "Your key is needed again");
    page.unlock(&other);
    page.see_like("link", "A text of acme.");
    page.see_no("link", "A text of the first tenant.");
    page.read("tenant acme");
    assert!(!page.text().contains("first tenant"), "{}", page.text());
}

/// Revokes a key and waits until the service refuses it, which takes seconds.
fn revoke(program: &Program, key: &str) {
    program.revoke(key);
    let api = program.api().with_credential(key);
    wait_for("the revocation", || (api.get("/api/v1/me").unwrap().status == 401).then_some(()));
}
