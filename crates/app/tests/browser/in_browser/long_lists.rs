//! Lists that are longer than the window.

use serde_json::json;

use crate::page::Page;
use crate::program::Program;

/// More than are in the document at a time.
const ROWS: usize = 200;

/// Every node of the document, comments included.
const NODES: &str = "(() => {
    const walker = document.createTreeWalker(document, NodeFilter.SHOW_ALL);
    let nodes = 0;
    while (walker.nextNode()) nodes += 1;
    return nodes;
})()";

/// Scrolls, and waits for two frames, after which the rows of the window are drawn.
fn scroll_to(page: &Page, place: &str) {
    page.evaluate(&format!(
        "new Promise(drawn => {{
            scrollTo(0, {place});
            requestAnimationFrame(() => requestAnimationFrame(() => drawn(null)));
        }})"
    ));
}

#[test]
fn rows_that_leave_the_window_leave_nothing_in_the_document() {
    let program = Program::open();
    let items: Vec<_> = (1..=ROWS).map(|row| json!({ "text": format!("Row {row}.") })).collect();
    let stored = program.api().post("/api/v1/predictions/batch", &json!({ "items": items })).unwrap();
    assert_eq!(stored.status, 200, "{}", stored.body);
    let page = Page::open(&program.running, "/console/#/history");
    page.see_like("link", &format!("Row {ROWS}."));
    let bottom = "document.documentElement.scrollHeight";
    scroll_to(&page, bottom);
    page.read("No earlier predictions");
    scroll_to(&page, bottom);
    page.see_like("link", "Row 1.");
    scroll_to(&page, "0");
    let before = page.evaluate(NODES).as_u64().unwrap();
    for _ in 0..20 {
        scroll_to(&page, bottom);
        scroll_to(&page, "0");
    }
    page.see_like("link", &format!("Row {ROWS}."));
    let after = page.evaluate(NODES).as_u64().unwrap();
    assert!(after < before + 50, "{before} nodes before, {after} after");
}
