//! What each key is shown: a matrix of keys and pages, as a snapshot.

use std::fmt::Write;

use super::PAGES;
use crate::page::Page;
use crate::program::{EVERY_SCOPE, Program};

/// The words that say that a key does not allow a page.
const REFUSED: &str = "Your key does not allow this page";

#[test]
fn each_scope_shows_what_it_allows() {
    let program = Program::with_keys();
    let mut matrix = String::new();
    let scopes = EVERY_SCOPE.split(',').chain(["predictions:write,predictions:read", EVERY_SCOPE]);
    for scopes in scopes {
        let key = program.issue("matrix", scopes);
        let mut page = Page::new(&program.running.address);
        page.let_requests_fail("status of 401");
        page.visit("/console/");
        page.unlock(&key);
        let name = if scopes == EVERY_SCOPE { "every scope" } else { scopes };
        writeln!(matrix, "{name}").unwrap();
        for (address, heading) in PAGES {
            writeln!(matrix, "  {heading:8} {}", shown(&page, address, heading)).unwrap();
            assert_eq!(page.take_errors(), [], "{heading} with {name}");
        }
    }
    insta::assert_snapshot!("pages_by_scope", matrix);
}

/// Describes a page: whether the rail links to it, whether it opens, and which buttons it has.
fn shown(page: &Page, address: &str, heading: &str) -> String {
    page.go(address);
    page.wait_until(&format!(r#"location.hash.startsWith("{address}")"#));
    page.wait_until(&format!(
        r#"document.querySelector(".skeleton, main [aria-busy=true]") === null
           && (document.getElementById("title").innerText === "{heading}" || document.body.innerText.includes("{REFUSED}"))"#
    ));
    let is_linked = page.all("link").iter().any(|link| link.name == heading);
    if page.text().contains(REFUSED) {
        return format!("{}refused", if is_linked { "linked, " } else { "" });
    }
    let script = r#"[...new Set([...document.querySelectorAll("main button")]
      .filter(button => button.checkVisibility())
      .map(button => (button.ariaLabel ?? button.innerText).replace(/\s+/g, " ")))].join(" | ")"#;
    let buttons = page.evaluate(script);
    format!(
        "{}: {}",
        if is_linked { "open" } else { "open, not linked" },
        buttons.as_str().unwrap_or_default()
    )
}
