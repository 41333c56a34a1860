//! An address says what a page shows, so that it can be reloaded, sent to others, and gone back to.

use crate::page::Page;
use crate::program::Program;

/// Two texts of which each has a sentiment of its own.
const TEXTS: [&str; 2] = ["I love the garden.", "I hate the parking."];

fn with_texts() -> Program {
    let program = Program::open();
    for text in TEXTS {
        assert_eq!(program.api().predict(text).unwrap().status, 200);
    }
    program
}

#[test]
fn filters_are_in_the_address_and_survive_a_reload_and_the_way_back() {
    let program = with_texts();
    let page = Page::open(&program.running, "/console/#/history?sentiment=negative");
    page.see_like("link", TEXTS[1]);
    assert!(!page.text().contains(TEXTS[0]));
    page.enter("button", "Remove the filter: Sentiment");
    page.see_like("link", TEXTS[0]);
    page.wait_until("location.hash === '#/history'");
    page.evaluate("history.back()");
    page.wait_until("location.hash === '#/history?sentiment=negative'");
    page.see_no("link", TEXTS[0]);
    page.visit("/console/");
    page.visit("/console/#/history?sentiment=positive");
    page.see_like("link", TEXTS[0]);
    assert!(!page.text().contains(TEXTS[1]));
}

#[test]
fn words_that_are_searched_for_are_in_the_address() {
    let program = with_texts();
    let page = Page::open(&program.running, "/console/#/history");
    page.see_like("link", TEXTS[0]);
    page.tab_to("link", "History");
    page.type_text("/");
    page.see("searchbox", "Words in the texts");
    assert_eq!(page.focused().unwrap().role, "searchbox");
    page.type_text("parking");
    page.wait_until("location.hash === '#/history?q=parking'");
    page.see_no("link", TEXTS[0]);
    page.see_like("link", TEXTS[1]);
}

#[test]
fn a_typed_text_is_not_in_the_address_and_returns_with_the_page() {
    let program = Program::open();
    let page = Page::open(&program.running, "/console/#/try");
    page.tab_to("textbox", "Text to classify");
    page.insert("Half a thought");
    page.read("not cached");
    page.go("#/models");
    page.see("heading", "Models");
    page.go("#/try");
    assert_eq!(page.see("textbox", "Text to classify").value, "Half a thought");
    assert_eq!(page.evaluate("location.hash"), "#/try");
}

#[test]
fn an_unknown_page_says_so() {
    let program = Program::open();
    let page = Page::open(&program.running, "/console/#/nowhere");
    page.read("There is no such page");
    page.check_accessibility("an unknown page");
    page.enter("link", "Service");
    page.see("heading", "Service");
}
