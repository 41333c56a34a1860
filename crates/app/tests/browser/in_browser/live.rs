//! What happens elsewhere appears by itself.

use testkit::{FaultProxy, ProxyMode};

use crate::page::Page;
use crate::program::Program;

#[tokio::test(flavor = "multi_thread")]
async fn predictions_and_deletions_appear_also_after_an_interruption() {
    let program = Program::open();
    let api = program.api();
    let id_of = |text: &str| api.predict(text).unwrap().body["id"].as_str().expect("an id").to_owned();
    let first = id_of("The first one.");
    let proxy = FaultProxy::start(program.running.address.parse().unwrap()).await;
    let mut page = Page::new(&proxy.addr().to_string());
    page.visit("/console/#/history");
    page.see_like("link", "The first one.");
    page.read("live");
    id_of("The second one.");
    page.see_like("link", "The second one.");
    page.let_requests_fail("net::ERR_");
    proxy.set_mode(ProxyMode::Refuse).await;
    page.read("not live");
    id_of("Written meanwhile.");
    assert_eq!(api.delete(&format!("/api/v1/predictions/{first}")).unwrap().status, 204);
    proxy.set_mode(ProxyMode::Pass).await;
    page.see_like("link", "Written meanwhile.");
    page.see_no("link", "The first one.");
    page.read("live");
    id_of("And after it.");
    page.see_like("link", "And after it.");
}

#[test]
fn the_console_opens_by_itself_once_the_service_answers() {
    let program = Program::open();
    let mut page = Page::new(&program.running.address);
    page.let_requests_fail("net::ERR_BLOCKED");
    page.block(&["*://*:*/api/v1/me"]);
    page.visit("/console/#/models");
    page.read("opens by itself");
    page.check_accessibility("the service does not answer");
    page.block(&[]);
    page.see("heading", "Models");
}
