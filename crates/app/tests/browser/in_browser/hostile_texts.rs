//! Texts, references, metadata and names that would run as scripts if they were ever read as markup.

use serde_json::json;

use crate::page::Page;
use crate::program::Program;
use crate::webdriver::Key;

/// Each would set `hacked`, open a dialog, or load something if a browser took it for markup, a script or an address.
const HOSTILE: &str = include_str!("../assets/hostile-texts.txt");

/// What none of the console's pages has, and markup in a text would add.
const FOREIGN: &str = r#"[...document.querySelectorAll(
  "script:not([src]), iframe, object, embed, base, frame, video, audio, math, marquee, meta[http-equiv], template, " +
  "form[action], [formaction], [srcdoc], [style*=expression], [background], link:not([href^='assets/']), portal, " +
  "img:not([src*='/console/']), image, set, animate, a[href^='javascript:'], a[href^='data:'], a[href^='http://hostile']"
), ...[...document.querySelectorAll("*")].filter(element => [...element.attributes].some(({ name }) => name.startsWith("on")))
].map(element => element.outerHTML)"#;

/// The text of the answer on the page Try, without the words for screen readers.
const MARKED_TEXT: &str = r#"(() => {
  const text = document.querySelector(".try-answer[aria-busy=false] .marked")?.cloneNode(true);
  text?.querySelectorAll(".hidden").forEach(words => words.remove());
  return text?.textContent;
})()"#;

fn hostile() -> Vec<&'static str> {
    let texts: Vec<_> = HOSTILE.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(texts.len(), 50);
    texts
}

/// Checks that nothing of what the page shows was taken for more than text.
#[track_caller]
fn check(page: &Page, place: &str) {
    assert_eq!(page.evaluate("typeof window.hacked"), "undefined", "{place}");
    assert_eq!(page.evaluate(FOREIGN), json!([]), "{place}");
    assert_eq!(page.take_errors(), [], "{place}");
}

#[test]
fn hostile_texts_of_predictions_are_shown_as_texts() {
    let program = Program::open();
    let api = program.api();
    let mut ids = Vec::new();
    for text in hostile() {
        let name: String = text.chars().take(60).collect();
        let body = json!({"text": text, "ref": text.chars().take(128).collect::<String>(), "metadata": {name: text}});
        let answer = api.post("/api/v1/predictions", &body).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        ids.push(answer.body["id"].as_str().expect("an id").to_owned());
    }
    let page = Page::open(&program.running, "/console/#/history");
    page.read("50 predictions");
    check(&page, "the list");
    for (id, text) in ids.iter().zip(hostile()) {
        page.go(&format!("#/history?open={id}"));
        page.wait_until(&format!(
            r#"document.querySelector("dialog")?.innerText.includes({}) && document.querySelector("dialog .skeleton") === null"#,
            json!(text)
        ));
        check(&page, text);
    }
    page.go("#/trends");
    page.see("heading", "Trends");
    page.wait_until(r#"document.querySelector(".skeleton, main [aria-busy=true]") === null"#);
    check(&page, "the trends");
}

#[test]
fn hostile_texts_that_are_typed_are_shown_as_texts() {
    let program = Program::open();
    let page = Page::open(&program.running, "/console/#/try");
    for text in hostile() {
        page.tab_to("textbox", "Text to classify");
        page.press(Key::SelectAll);
        page.insert(text);
        page.press(Key::Enter);
        page.wait_until(&format!("({MARKED_TEXT}) === {}", json!(text)));
        check(&page, text);
    }
}

#[test]
fn hostile_names_of_keys_are_shown_as_texts() {
    let program = Program::open();
    let api = program.api();
    let mut names = Vec::new();
    for name in hostile() {
        let name: String = name.chars().take(128).collect();
        let body = json!({"name": name, "scopes": ["models:read"]});
        let answer = api.post("/api/v1/keys", &body).unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
        names.push(name);
    }
    let page = Page::open(&program.running, "/console/#/keys");
    page.see_like("button", "Revoke");
    page.wait_until("document.querySelectorAll('main table tbody tr').length >= 50");
    check(&page, "the keys");
    for name in names.iter().take(5) {
        page.enter("button", &format!("Revoke {name}"));
        page.see("dialog", "Revoke this key?");
        check(&page, name);
        page.press(Key::Escape);
        page.see_no("dialog", "Revoke this key?");
    }
}

#[test]
fn hostile_addresses_are_shown_as_texts() {
    let program = Program::open();
    let mut page = Page::open(&program.running, "/console/");
    page.let_requests_fail("status of 4");
    page.see("heading", "Try");
    for text in hostile() {
        let text = page.evaluate(&format!("encodeURIComponent({})", json!(text)));
        let text = text.as_str().expect("a text");
        for address in [
            format!("#/history?q={text}&ref={text}&model={text}&sentiment={text}&{text}={text}"),
            format!("#/trends?model={text}&by={text}&range={text}&from={text}"),
            format!("#/try?model={text}&compare={text}"),
            format!("#/{text}"),
        ] {
            page.go(&address);
            page.wait_until(r#"document.querySelector(".skeleton") === null"#);
            check(&page, &address);
        }
    }
}
