//! The web console: its page, the files that the page refers to, and the ways to it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use actix_web::http::Method;
use actix_web::test::TestRequest;

use crate::support::{Answer, Listener, Service};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types lit-html";

/// What a browser accepts for a page.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn with(path: &str, name: &'static str, value: &str) -> TestRequest {
    TestRequest::get().uri(path).insert_header((name, value.to_owned()))
}

/// The version in the addresses to which the page refers.
async fn version(service: &Service) -> String {
    let page = service.get("/console/").await;
    let (_, rest) = page.text().split_once("assets/").unwrap();
    rest.split('/').next().unwrap().to_owned()
}

/// The paths at which the files in the folder of the console are served, without the page's: the own styles are one.
fn files_on_disk() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("console");
    let (mut files, mut folders) = (BTreeSet::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let is_for_tools = name.starts_with('.') || name.ends_with(".d.ts");
            if is_for_tools || ["index.html", "README.md", "jsconfig.json"].contains(&name.as_str()) {
                continue;
            }
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let path = entry.path().strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                files.insert(if path.starts_with("css/") { "style.css".to_owned() } else { path });
            }
        }
    }
    files
}

#[track_caller]
fn assert_policies(answer: &Answer) {
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
}

#[actix_web::test]
async fn the_page_refers_to_files_of_its_version_and_is_revalidated() {
    let service = Service::new();
    let page = service.get("/console/").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    assert_policies(&page);
    assert!(!page.text().contains("{version}"));

    let version = version(&service).await;
    assert!(version.len() == 16 && version.bytes().all(|digit| digit.is_ascii_hexdigit()), "{version}");
    let references: Vec<_> = page.text().split(['"', '\'']).filter(|text| text.contains("assets/")).collect();
    assert!(!references.is_empty());
    for reference in references {
        assert!(reference.starts_with(&format!("assets/{version}/")), "{reference} is not relative");
        assert_eq!(service.get(&format!("/console/{reference}")).await.status, 200, "{reference}");
    }
}

#[actix_web::test]
async fn every_file_of_the_folder_is_served_for_good() {
    let service = Service::new();
    let version = version(&service).await;
    let files = files_on_disk();
    assert!(files.contains("app.js"), "{files:?}");
    for path in files {
        let file = service.get(&format!("/console/assets/{version}/{path}")).await;
        assert_eq!(file.status, 200, "{path}: run `cargo xtask codegen`");
        assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_policies(&file);
        if path.starts_with("vendor/") {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("console").join(&path);
            assert_eq!(file.body, fs::read(source).unwrap(), "{path} is not as published");
        }
        let content_type = file.header("content-type").unwrap();
        match path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("js") => assert_eq!(content_type, "text/javascript; charset=utf-8"),
            Some("css") => assert_eq!(content_type, "text/css; charset=utf-8"),
            Some("svg") => assert_eq!(content_type, "image/svg+xml"),
            _ => assert_ne!(content_type, "application/octet-stream", "{path}"),
        }
    }
}

#[actix_web::test]
async fn a_client_that_has_the_content_gets_304() {
    let service = Service::new();
    let file = format!("/console/assets/{}/app.js", version(&service).await);
    for (path, lifetime) in
        [("/console/", "no-cache"), (file.as_str(), "public, max-age=31536000, immutable")]
    {
        let tag = service.get(path).await.header("etag").unwrap().to_owned();
        assert!(tag.starts_with("W/\""), "compressed bytes differ under the same tag: {tag}");
        let strong = tag.trim_start_matches("W/");
        for known in [tag.as_str(), strong, &format!("\"another\", {tag}"), "*"] {
            let request = with(path, "if-none-match", known).insert_header(("accept-encoding", "br"));
            let answer = service.send(request).await;
            assert_eq!((answer.status, answer.body.len()), (304, 0), "{path} {known}");
            assert_eq!(answer.header("etag"), Some(tag.as_str()));
            assert_eq!(answer.header("cache-control"), Some(lifetime));
            assert_eq!((answer.header("content-encoding"), answer.header("content-type")), (None, None));
            assert_policies(&answer);
        }
        for other in ["\"another\"", "W/\"another\"", "@", ""] {
            assert_eq!(service.send(with(path, "if-none-match", other)).await.status, 200, "{path} {other}");
        }
    }
}

/// What a browser loads at most, as it is sent: 120 kB.
#[actix_web::test]
async fn all_files_together_are_small_when_compressed() {
    let service = Service::new();
    let version = version(&service).await;
    let files = files_on_disk().into_iter().map(|path| format!("/console/assets/{version}/{path}"));
    let mut total = 0;
    for path in files.chain(["/console/".to_owned()]) {
        let answer = service.send(with(&path, "accept-encoding", "gzip, deflate, br")).await;
        assert_eq!((answer.status, answer.header("content-encoding")), (200, Some("br")), "{path}");
        assert_eq!(answer.header("vary"), Some("accept-encoding"));
        total += answer.body.len();
    }
    assert!(total <= 120_000, "{total} bytes");
}

#[actix_web::test]
async fn browsers_are_redirected_to_the_page_by_relative_addresses() {
    let service = Service::new();
    let moved = service.get("/console").await;
    assert_eq!((moved.status, moved.header("location")), (308, Some("console/")));
    assert_policies(&moved);
    for accepted in [BROWSER, "application/json, TEXT/HTML;q=0.1"] {
        let moved = service.send(with("/", "accept", accepted)).await;
        assert_eq!((moved.status, moved.header("location")), (303, Some("console/")), "{accepted}");
        assert_policies(&moved);
    }
    for accepted in ["*/*", "application/json", "text/*", "text/html;q=0", "text/htmlx", ""] {
        let answer = service.send(with("/", "accept", accepted)).await;
        assert_eq!(answer.problem(), (404, "unknown_route".into(), None), "{accepted}");
    }
}

#[actix_web::test]
async fn other_versions_other_files_and_ways_out_of_the_folder_are_unknown_and_not_cached() {
    let service = Service::new();
    let version = version(&service).await;
    let in_assets = |path: &str| format!("/console/assets/{version}/{path}");
    for path in [
        "/console/assets/0000000000000000/app.js".to_owned(),
        "/console/assets/app.js".to_owned(),
        "/console/assets/".to_owned(),
        "/console/app.js".to_owned(),
        "/console/nothing".to_owned(),
        "/console/../Cargo.toml".to_owned(),
        "/console//".to_owned(),
        in_assets(""),
        in_assets("nothing.js"),
        in_assets("index.html"),
        in_assets("jsconfig.json"),
        in_assets("APP.JS"),
        in_assets("app.js/"),
        in_assets("/app.js"),
        in_assets("./app.js"),
        in_assets("../app.js"),
        in_assets("..%2fapp.js"),
        in_assets("%2e%2e/Cargo.toml"),
        in_assets("..%2f..%2f..%2fCargo.toml"),
        in_assets("..%5cCargo.toml"),
        in_assets("%2fetc%2fpasswd"),
        in_assets("/etc/passwd"),
        in_assets("app.js%00"),
    ] {
        let answer = service.get(&path).await;
        assert_eq!(answer.problem(), (404, "unknown_route".into(), None), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn without_the_console_its_paths_are_unknown() {
    let path = format!("/console/assets/{}/app.js", version(&Service::new()).await);
    let off = Service::with(|settings| settings.console = false);
    for path in ["/", "/console", "/console/", &path] {
        let answer = off.send(with(path, "accept", BROWSER)).await;
        assert_eq!(answer.problem(), (404, "unknown_route".into(), None), "{path}");
    }
}

#[actix_web::test]
async fn the_listener_for_operators_has_no_console() {
    let service = Service::with(|settings| settings.admin_split = true);
    let path = format!("/console/assets/{}/app.js", version(&service).await);
    for path in ["/", "/console", "/console/", &path] {
        let answer = service.send_to(Listener::Admin, with(path, "accept", BROWSER)).await;
        assert_eq!(answer.problem(), (404, "unknown_route".into(), None), "{path}");
    }
}

#[actix_web::test]
async fn the_console_needs_no_key_and_is_not_limited() {
    let service = Service::with_authentication(1, |_| {});
    let path = format!("/console/assets/{}/app.js", version(&service).await);
    for _ in 0..3 {
        for path in ["/console/", &path] {
            let answer = service.send(with(path, "authorization", "Bearer ut_1")).await;
            assert_eq!((answer.status, answer.header("ratelimit")), (200, None), "{path}");
        }
    }
}

#[actix_web::test]
async fn the_page_is_served_to_head_and_refused_to_other_methods() {
    let service = Service::new();
    let path = format!("/console/assets/{}/app.js", version(&service).await);
    for path in ["/console/", &path] {
        let head = service.send(TestRequest::default().method(Method::HEAD).uri(path)).await;
        assert_eq!((head.status, head.header("etag").is_some()), (200, true), "{path}");
        let post = service.send(TestRequest::post().uri(path)).await;
        assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")), "{path}");
    }
}
