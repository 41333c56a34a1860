//! A newcomer's path through the pages, with the keyboard alone.

use crate::page::Page;
use crate::program::{EVERY_SCOPE, Program};
use crate::undertone::wait_for;
use crate::webdriver::Key;

/// The first text of a newcomer.
const TEXT: &str = "I love it.";

#[test]
fn from_a_key_to_a_key_with_the_keyboard_alone() {
    let program = Program::with_keys();
    let key = program.issue("operator", EVERY_SCOPE);
    let mut page = Page::new(&program.running.address);
    page.let_requests_fail("status of 401");
    page.visit("/console/");
    page.see("textbox", "API key or token");
    assert_eq!(page.focused().unwrap().name, "API key or token");
    page.unlock(&key);

    classify(&page);
    look_at_the_history(&page);
    look_at_the_trends(&page);
    delete(&page, &program, &key);
    look_at_the_models(&page);
    issue_and_revoke_a_key(&page);
}

fn classify(page: &Page) {
    page.see("heading", "Try");
    page.tab_to("textbox", "Text to classify");
    page.type_text(TEXT);
    page.press(Key::Enter);
    page.read("positive");
    page.read("not cached");
}

fn look_at_the_history(page: &Page) {
    page.enter("link", "History");
    page.see("heading", "History");
    page.tab_to_like("link", TEXT);
    page.press(Key::Enter);
    page.see("dialog", "Prediction");
    page.see("heading", "Facts");
    page.press(Key::Escape);
    page.see_no("dialog", "Prediction");
    page.see_like("link", TEXT);
    wait_for("the row to have the focus again", || {
        page.focused().filter(|focused| focused.name.contains(TEXT)).map(drop)
    });
}

fn look_at_the_trends(page: &Page) {
    page.enter("link", "Trends");
    page.see("heading", "Trends");
    page.see_like("button", "Refresh");
}

/// Deletes the prediction, undoes that, and deletes it for good.
fn delete(page: &Page, program: &Program, key: &str) {
    let api = program.api().with_credential(key);
    let stored = || api.get("/api/v1/predictions").unwrap().body["items"].as_array().expect("items").len();
    assert_eq!(stored(), 1);
    page.type_text("gh");
    page.see("heading", "History");
    for is_meant in [false, true] {
        page.tab_to_like("link", TEXT);
        page.press(Key::Enter);
        page.enter("button", "Delete");
        page.see("button", "Undo");
        if is_meant {
            wait_for("the deletion", || (stored() == 0).then_some(()));
            page.read("No predictions yet");
        } else {
            page.enter("button", "Undo");
            page.see_like("link", TEXT);
            assert_eq!(stored(), 1);
        }
    }
}

fn look_at_the_models(page: &Page) {
    page.enter("link", "Models");
    page.see("heading", "Models");
    page.read("sentiment-minilm-l6");
}

fn issue_and_revoke_a_key(page: &Page) {
    page.enter("link", "Keys");
    page.see("heading", "Keys");
    page.enter("button", "Issue a key");
    page.see("dialog", "Issue a key");
    page.see("textbox", "Name");
    assert_eq!(page.focused().unwrap().name, "Name");
    page.type_text("web shop");
    page.enter("button", "Issue the key");
    page.see("dialog", "The new key");
    page.enter("button", "I have stored the key");
    page.see_no("dialog", "The new key");
    page.enter("button", "Revoke web shop");
    page.see("dialog", "Revoke this key?");
    page.type_text("web shop");
    page.press(Key::Enter);
    page.see_no("button", "Revoke web shop");
}

#[test]
fn letters_are_text_in_fields_and_can_be_switched_off() {
    let program = Program::open();
    let page = Page::open(&program.running, "/console/#/try");
    page.tab_to("textbox", "Text to classify");
    page.type_text("g h ?");
    assert_eq!(page.see("textbox", "Text to classify").value, "g h ?");
    page.tab_to("link", "Try");
    page.type_text("?");
    let keys = page.see_like("dialog", "");
    let switch = page.all("checkbox").first().cloned().expect("a switch");
    page.tab_to("checkbox", &switch.name);
    page.type_text(" ");
    page.press(Key::Escape);
    page.see_no("dialog", &keys.name);
    page.tab_to("link", "Models");
    page.type_text("gh?");
    page.press(Key::Tab);
    assert_eq!(page.all("dialog"), []);
    page.see("heading", "Try");
}

#[test]
fn arrow_keys_move_through_sentences_and_rows() {
    let program = Program::open();
    for text in ["The food was great. The service was awful.", "I hate it.", "It is a table."] {
        assert_eq!(program.api().predict(text).unwrap().status, 200);
    }
    let page = Page::open(&program.running, "/console/#/try");
    page.tab_to("textbox", "Text to classify");
    page.insert("The food was great. The service was awful.");
    page.press(Key::Enter);
    page.read("Point at a sentence");
    while !page.text().contains("Sentence 1 of 2") {
        page.press(Key::Tab);
    }
    page.press(Key::Right);
    page.read("Sentence 2 of 2");

    page.go("#/history");
    page.tab_to_like("link", "The service was awful");
    page.press(Key::Enter);
    page.see("dialog", "Prediction");
    page.press(Key::Escape);
    page.see_no("dialog", "Prediction");
    page.press(Key::Down);
    wait_for("the next row to have the focus", || {
        page.focused().filter(|focused| focused.name.contains("It is a table")).map(drop)
    });
}

#[test]
fn dialogs_hold_the_focus_and_return_it() {
    let program = Program::open();
    let page = Page::open(&program.running, "/console/#/keys");
    page.enter("button", "Issue a key");
    page.see("dialog", "Issue a key");
    for _ in 0..60 {
        page.press(Key::Tab);
        let within =
            "document.activeElement === document.body || document.activeElement.closest('dialog') !== null";
        assert_eq!(page.evaluate(within), true, "{:?}", page.focused());
    }
    page.press(Key::Escape);
    page.see_no("dialog", "Issue a key");
    wait_for("the button to have the focus again", || {
        page.focused().filter(|focused| focused.name == "Issue a key").map(drop)
    });
}

#[test]
fn the_chart_is_read_and_opened_with_the_keyboard() {
    let program = Program::open();
    for text in ["I love it.", "I hate it.", "It is a table."] {
        assert_eq!(program.api().predict(text).unwrap().status, 200);
    }
    let page = Page::open(&program.running, "/console/#/trends");
    // Predictions are counted within seconds; the page reads them again when it is asked to.
    wait_for("the predictions to be counted", || {
        page.enter("button", "Refresh");
        page.all("slider").first().cloned()
    });
    page.tab_to_like("slider", "Net sentiment");
    page.press(Key::Left);
    let read = page.see_like("slider", "Net sentiment");
    page.press(Key::Left);
    wait_for("another bucket", || {
        (page.see_like("slider", "Net sentiment").value != read.value).then_some(())
    });
    page.press(Key::Right);
    page.press(Key::Enter);
    page.see("heading", "History");
    page.wait_until(r"/from=.*to=/.test(location.hash)");
    page.see_like("link", "It is a table.");
}

#[test]
fn the_way_back_closes_a_drawer_and_a_deleted_row_passes_the_focus_on() {
    let program = Program::open();
    for text in ["I love it.", "I hate it."] {
        assert_eq!(program.api().predict(text).unwrap().status, 200);
    }
    let page = Page::open(&program.running, "/console/#/history");
    page.tab_to_like("link", "I hate it.");
    page.press(Key::Enter);
    page.see("dialog", "Prediction");
    page.evaluate("history.back()");
    page.see_no("dialog", "Prediction");
    page.tab_to_like("link", "I hate it.");
    page.press(Key::Enter);
    page.enter("button", "Delete");
    page.see_no("link", "I hate it.");
    // The next row is open, and Tab goes on from there and not from the beginning of the page.
    page.see("dialog", "Prediction");
    page.wait_until("document.activeElement !== document.body");
    page.press(Key::Escape);
    page.see_no("dialog", "Prediction");
    wait_for("a row to have the focus", || {
        page.focused().filter(|focused| focused.name.contains("I love it")).map(drop)
    });
}

#[test]
fn the_first_tab_skips_to_the_page() {
    let program = Program::open();
    let page = Page::open(&program.running, "/console/#/models");
    page.see("heading", "Models");
    page.evaluate("document.activeElement.blur()");
    page.press(Key::Tab);
    assert_eq!(page.focused().unwrap().name, "Skip to the page");
    page.press(Key::Enter);
    page.wait_until("document.activeElement.id === 'main'");
}
