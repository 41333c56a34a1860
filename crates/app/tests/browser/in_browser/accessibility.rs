//! Every page with axe, in both themes: with data, without any, while it loads, and after an error; and in narrow
//! windows.

use serde_json::json;
use testkit::{FaultProxy, ProxyMode};

use super::PAGES;
use crate::page::{Page, WIDE};
use crate::program::Program;
use crate::webdriver::{Key, Theme, View};

const NARROW: View = View { width: 390, height: 844, theme: Theme::Light };
/// The narrowest window that pages must fit into without scrolling to the side (WCAG 1.4.10).
const NARROWEST: View = View { width: 320, height: 640, theme: Theme::Light };

/// Whether nothing loads.
const IS_SETTLED: &str = r#"document.querySelector(".skeleton, main [aria-busy=true]") === null"#;

/// Stores predictions of each sentiment, with metadata, and one with several sentences.
fn fill(program: &Program) {
    let item = |n: usize| {
        let texts =
            ["I love it.", "I hate it.", "It is a table.", "The food was great. The service was awful."];
        let channel = ["web", "app"][n % 2];
        let metadata = json!({ "channel": channel });
        json!({"text": format!("{} {n}", texts[n % 4]), "ref": format!("order-{n}"), "metadata": metadata})
    };
    let items: Vec<_> = (0..60).map(item).collect();
    let answer = program.api().post("/api/v1/predictions/batch", &json!({ "items": items })).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// Goes through the pages in both themes and checks each once `is_there`.
fn check_pages(page: &Page, view: View, state: &str, is_there: impl Fn(&Page, &str)) {
    for theme in Theme::ALL {
        page.set_view(View { theme, ..view });
        for (address, heading) in PAGES {
            page.go(address);
            page.see("heading", heading);
            is_there(page, heading);
            page.check_accessibility(&format!("{heading}, {state}, {}, {} px", theme.name(), view.width));
        }
    }
}

fn settled(page: &Page, _heading: &str) {
    page.wait_until(IS_SETTLED);
}

#[test]
fn pages_with_data_are_accessible() {
    let program = Program::open();
    fill(&program);
    let page = Page::open(&program.running, "/console/");
    for view in [WIDE, NARROW] {
        check_pages(&page, view, "with data", settled);
    }
}

#[test]
fn opened_drawers_and_forms_are_accessible() {
    let program = Program::open();
    fill(&program);
    let page = Page::open(&program.running, "/console/#/try");
    for theme in Theme::ALL {
        page.set_view(View { theme, ..WIDE });
        page.go("#/try");
        page.tab_to("textbox", "Text to classify");
        page.insert("The camera is wonderful. The battery is a disaster.");
        page.read("mixed");
        page.wait_until(IS_SETTLED);
        page.check_accessibility("an answer");
        page.go("#/history");
        page.enter("button", "Filter");
        page.see("dialog", "Filters");
        page.check_accessibility("filters");
        let newest = program.api().get("/api/v1/predictions?limit=1").unwrap().body;
        page.go(&format!("#/history?open={}", newest["items"][0]["id"].as_str().expect("an id")));
        page.see("dialog", "Prediction");
        page.see("heading", "Facts");
        page.check_accessibility("a prediction");
        page.go("#/keys");
        page.enter("button", "Issue a key");
        page.see("dialog", "Issue a key");
        page.check_accessibility("the form of keys");
        page.press(Key::Escape);
        page.see_no("dialog", "Issue a key");
        page.type_text("?");
        page.see_like("dialog", "");
        page.check_accessibility("the list of keys");
        page.press(Key::Escape);
    }
}

#[test]
fn pages_without_data_are_accessible() {
    let program = Program::open();
    let page = Page::open(&program.running, "/console/");
    check_pages(&page, WIDE, "empty", settled);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_load_or_have_failed_are_accessible() {
    let program = Program::open();
    let proxy = FaultProxy::start(program.running.address.parse().unwrap()).await;
    let mut page = Page::new(&proxy.addr().to_string());
    page.visit("/console/");
    check_pages(&page, WIDE, "empty", settled);
    page.let_requests_fail("net::ERR_");
    proxy.set_mode(ProxyMode::Stall).await;
    let reads = ["History", "Trends", "Models", "Keys"];
    check_pages(&page, WIDE, "loading", |page, heading| {
        if reads.contains(&heading) {
            page.wait_until(r#"document.querySelector("main .skeleton") !== null"#);
        }
    });
    proxy.set_mode(ProxyMode::Refuse).await;
    check_pages(&page, WIDE, "failed", |page, heading| {
        if reads.contains(&heading) {
            page.see_like("alert", "");
            page.see("button", "Try again");
        }
    });
    page.read("not reachable");
}

#[test]
fn the_question_for_a_key_is_accessible() {
    let program = Program::with_keys();
    let mut page = Page::new(&program.running.address);
    page.let_requests_fail("status of 401");
    page.visit("/console/");
    for theme in Theme::ALL {
        page.set_view(View { theme, ..NARROW });
        page.see("textbox", "API key or token");
        page.check_accessibility("the question for a key");
        page.tab_to("textbox", "API key or token");
        page.insert("ut_wrong");
        page.press(Key::Enter);
        page.see_like("alert", "");
        page.check_accessibility("a wrong key");
    }
}

#[test]
fn a_page_that_fits_into_its_window_does_not_scroll() {
    let program = Program::open();
    let page = Page::open(&program.running, "/console/#/try");
    page.see("heading", "Try");
    assert_eq!(page.evaluate("document.documentElement.scrollHeight - innerHeight"), 0);
}

#[test]
fn narrow_windows_do_not_scroll_to_the_side() {
    let program = Program::open();
    fill(&program);
    let page = Page::open(&program.running, "/console/");
    for view in [NARROWEST, NARROW, View { width: 800, ..WIDE }, WIDE] {
        page.set_view(view);
        for (address, heading) in PAGES {
            page.go(address);
            page.see("heading", heading);
            page.wait_until(IS_SETTLED);
            let beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth");
            assert!(beyond.as_i64() <= Some(0), "{heading} is {beyond} px wider than {} px", view.width);
        }
    }
}

#[test]
fn letters_of_twice_the_size_fit() {
    let program = Program::open();
    fill(&program);
    let page = Page::open(&program.running, "/console/");
    for (address, heading) in PAGES {
        page.go(address);
        page.see("heading", heading);
        page.evaluate("void (document.documentElement.style.fontSize = '200%')");
        page.wait_until(IS_SETTLED);
        let beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth");
        assert!(beyond.as_i64() <= Some(0), "{heading} is {beyond} px wider than its window");
        page.check_accessibility(&format!("{heading} with large letters"));
    }
}
