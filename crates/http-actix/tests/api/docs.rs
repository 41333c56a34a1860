//! The page that shows the API, and the files that it refers to.

use std::fs;
use std::path::Path;

use actix_web::test::TestRequest;

use crate::support::{Answer, Service};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Addresses in attributes of the page, without those of other pages.
fn references(page: &Answer) -> Vec<&str> {
    page.text().split('"').filter(|text| text.starts_with("assets/")).collect()
}

#[actix_web::test]
async fn the_page_is_served_from_the_binary_under_its_own_policy() {
    let service = Service::new();
    let moved = service.get("/docs").await;
    assert_eq!((moved.status, moved.header("location")), (308, Some("docs/")));
    assert_eq!(moved.header("content-security-policy"), Some(POLICY));

    let page = service.get("/docs/").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    assert_eq!(page.header("content-security-policy"), Some(POLICY));
    let html = page.text();
    assert!(!html.contains("https://") && !html.contains("//cdn"), "the page loads something from outside");
    assert!(!html.contains("<script>"), "the page has a script that its policy forbids");

    let references = references(&page);
    for part in ["swagger-ui.css", "swagger-ui-bundle.js", "page.js", "page.css", "icon.svg"] {
        assert!(references.iter().any(|reference| reference.ends_with(part)), "{part}");
    }
    for reference in references {
        let file = service.get(&format!("/docs/{reference}")).await;
        assert_eq!(file.status, 200, "{reference}");
        assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(file.header("content-security-policy"), Some(POLICY));
        if let Some((_, path)) = reference.split_once("/vendor/") {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("api-docs/vendor").join(path);
            assert_eq!(file.body, fs::read(source).unwrap(), "{path} is not as published");
        }
    }
}

#[actix_web::test]
async fn the_page_shows_this_services_document() {
    let service = Service::new();
    let page = service.get("/docs/").await;
    let script = references(&page).into_iter().find(|reference| reference.ends_with("/page.js")).unwrap();
    let script = service.get(&format!("/docs/{script}")).await;
    assert!(script.text().contains("\"../openapi.json\""), "{}", script.text());
}

#[actix_web::test]
async fn a_browser_loads_the_files_once_and_compressed() {
    let service = Service::new();
    let page = service.get("/docs/").await;
    let mut total = 0;
    for reference in references(&page) {
        let path = format!("/docs/{reference}");
        let get = || TestRequest::get().uri(&path).insert_header(("accept-encoding", "gzip, deflate, br"));
        let file = service.send(get()).await;
        assert_eq!(
            (file.header("content-encoding"), file.header("vary")),
            (Some("br"), Some("accept-encoding"))
        );
        total += file.body.len();
        let tag = file.header("etag").unwrap().to_owned();
        let again = service.send(get().insert_header(("if-none-match", tag))).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
    }
    assert!(total <= 400_000, "{total} bytes");
}

#[actix_web::test]
async fn a_missing_file_of_the_page_is_an_unknown_route() {
    let service = Service::new();
    for path in
        ["/docs/nothing.js", "/docs/assets/x/page.js", "/docs/../Cargo.toml", "/docs/%2e%2e/Cargo.toml"]
    {
        assert_eq!(service.get(path).await.problem(), (404, "unknown_route".into(), None), "{path}");
    }
}
