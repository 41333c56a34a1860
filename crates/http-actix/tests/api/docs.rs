use crate::support::Service;

#[actix_web::test]
async fn the_page_is_served_from_the_binary_under_its_own_policy() {
    let service = Service::new();
    let moved = service.get("/docs").await;
    assert_eq!((moved.status, moved.header("location")), (308, Some("/docs/")));

    let page = service.get("/docs/").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    assert!(!policy.contains("http"), "the page may reach out to {policy}");
    let html = std::str::from_utf8(&page.body).unwrap();
    assert!(!html.contains("https://") && !html.contains("//cdn"), "the page loads something from outside");
    assert!(!html.contains("<script>"), "the page has a script that its policy forbids");

    for part in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js"] {
        assert!(html.contains(part), "{part}");
        assert_eq!(service.get(&format!("/docs/{part}")).await.status, 200, "{part}");
    }
}

#[actix_web::test]
async fn the_page_shows_this_services_document() {
    let service = Service::new();
    let script = service.get("/docs/swagger-initializer.js").await;
    let script = std::str::from_utf8(&script.body).unwrap();
    assert!(script.contains("/openapi.json"));
    assert!(!script.contains("petstore"));
}

#[actix_web::test]
async fn a_missing_file_of_the_page_is_an_unknown_route() {
    let service = Service::new();
    for path in ["/docs/nothing.js", "/docs/../Cargo.toml", "/docs/%2e%2e/Cargo.toml"] {
        assert_eq!(service.get(path).await.problem(), (404, "unknown_route".into(), None), "{path}");
    }
}
