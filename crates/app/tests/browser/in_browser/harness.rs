//! What the other tests rely on: errors are noticed, and elements are found and reached as users find and reach them.

use tempfile::TempDir;

use crate::page::{Page, WIDE};
use crate::undertone::Undertone;
use crate::webdriver::{Key, Theme, View};

const STORE: &str = "sqlite:undertone.db";

#[test]
fn errors_of_a_page_are_noticed() {
    let folder = TempDir::new().unwrap();
    let running = Undertone::start(folder.path(), STORE, &[]);
    let page = Page::open(&running, "/docs/");
    assert_eq!(page.take_errors(), []);
    for (script, source) in [
        ("void console.error('wrong')", "console-api"),
        ("void setTimeout(() => missing())", "javascript"),
        ("void Promise.reject(new Error('wrong'))", "javascript"),
        ("fetch('/missing').then(() => 1)", "network"),
    ] {
        page.evaluate(script);
        let errors = crate::undertone::wait_for("an error", || {
            Some(page.take_errors()).filter(|errors| !errors.is_empty())
        });
        assert_eq!(
            errors.iter().map(|error| error.source.as_str()).collect::<Vec<_>>(),
            [source],
            "{errors:?}"
        );
    }
}

#[test]
fn keys_views_and_roles_work() {
    let folder = TempDir::new().unwrap();
    let running = Undertone::start(folder.path(), STORE, &[]);
    let page = Page::open(&running, "/docs/");
    page.evaluate(
        "void (document.body.innerHTML = '<label>Name <input></label><button>Send it</button><p>a text')",
    );
    assert_eq!(page.see("textbox", "Name").value, "");
    page.tab_to("textbox", "Name");
    page.type_text("Ärger 1");
    assert_eq!(page.see("textbox", "Name").value, "Ärger 1");
    page.press(Key::SelectAll);
    page.press(Key::Delete);
    assert_eq!(page.see("textbox", "Name").value, "");
    page.evaluate("void document.querySelector('button').addEventListener('click', () => document.querySelector('p').textContent = 'sent')");
    page.enter("button", "Send it");
    page.read("sent");
    page.press(Key::BackTab);
    assert_eq!(page.focused().unwrap().role, "textbox");
    for theme in Theme::ALL {
        page.set_view(View { width: 390, theme, ..WIDE });
        let seen = "[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]";
        assert_eq!(page.evaluate(seen), serde_json::json!([390, theme == Theme::Dark]));
    }
}

#[test]
fn what_assistive_technology_cannot_name_is_noticed() {
    let folder = TempDir::new().unwrap();
    let running = Undertone::start(folder.path(), STORE, &[]);
    let page = Page::open(&running, "/docs/");
    page.evaluate("void (document.body.innerHTML = '<button></button>')");
    let violations = page.violations();
    assert!(violations.iter().any(|violation| violation.contains("button-name")), "{violations:?}");
}
