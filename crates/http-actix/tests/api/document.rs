//! The OpenAPI document agrees with the routes.

use std::collections::BTreeSet;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use http_actix::{HttpSettings, ProblemCode, openapi, problem_catalog_markdown, public_routes};
use serde_json::{Value, json};

use crate::support::{Service, uuid};

/// The page that shows the document and the web console are not part of the API.
const UNDOCUMENTED: [&str; 7] = [
    "/docs",
    "/docs/",
    "/docs/assets/{version}/{path:.*}",
    "/",
    "/console",
    "/console/",
    "/console/assets/{version}/{path:.*}",
];

fn document() -> Value {
    serde_json::from_str(&openapi()).unwrap()
}

/// Every path of the document with its methods in upper case.
fn documented() -> BTreeSet<(String, String)> {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let operations = |(path, item): (&String, &Value)| {
        let path = path.clone();
        item.as_object()
            .unwrap()
            .keys()
            .map(move |method| (path.clone(), method.to_uppercase()))
            .collect::<Vec<_>>()
    };
    paths.iter().flat_map(operations).collect()
}

#[test]
fn the_document_is_openapi_3_1_and_always_the_same() {
    assert_eq!(document()["openapi"], "3.1.0");
    assert_eq!(openapi(), openapi());
    assert!(openapi().ends_with("}\n"));
}

#[test]
fn the_document_describes_every_route_and_nothing_else() {
    let routes: BTreeSet<(String, String)> = public_routes(&HttpSettings::default())
        .into_iter()
        .filter(|(path, _)| !UNDOCUMENTED.contains(path))
        .flat_map(|(path, methods)| {
            methods.into_iter().map(move |(method, _)| (path.to_owned(), method.to_owned()))
        })
        .filter(|(_, method)| method != "HEAD")
        .collect();
    assert_eq!(routes, documented());
}

#[actix_web::test]
async fn every_operation_responds_with_a_status_that_it_lists() {
    let service = Service::new();
    // A feed ends only then.
    service.begin_to_shut_down();
    let document = document();
    for (path, method) in documented() {
        let operation = &document["paths"][&path][method.to_lowercase()];
        let uri = path
            .replace("keys/{id}", "keys/000000000000")
            .replace("{id}", &uuid(1))
            .replace("{name}", "fast");
        let request = TestRequest::default().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(&uri);
        let answer = service.send(request).await;
        assert_ne!(answer.status, 405, "{method} {path}");
        assert!(
            operation["responses"].get(answer.status.to_string()).is_some(),
            "{method} {path}: {}",
            answer.status
        );
    }
}

#[test]
fn every_operation_has_a_summary_and_its_problems() {
    let document = document();
    for (path, method) in documented() {
        let operation = &document["paths"][&path][method.to_lowercase()];
        for member in ["summary", "operationId"] {
            assert!(operation[member].is_string(), "{method} {path} has no {member}");
        }
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{method} {path}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            let reported = path.starts_with("/health");
            if status.as_str() >= "400" && !reported {
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{method} {path} {status}");
            }
            assert!(response["headers"]["X-Request-ID"].is_object(), "{method} {path} {status}");
        }
    }
}

#[test]
fn operations_of_the_api_have_the_headers_of_limits_and_deadlines() {
    let document = document();
    let mut keyed = Vec::new();
    for (path, method) in documented() {
        let operation = &document["paths"][&path][method.to_lowercase()];
        let is_limited = path.starts_with("/api/");
        for (status, response) in operation["responses"].as_object().unwrap() {
            for header in ["RateLimit", "RateLimit-Policy"] {
                let has_header = response["headers"][header].is_object();
                assert_eq!(has_header, is_limited, "{method} {path} {status}");
            }
            let waits = response["headers"]["Retry-After"].is_object();
            assert!(waits || !["429", "503"].contains(&status.as_str()) || !is_limited, "{method} {path}");
        }
        let sent = |name: &str| {
            let parameters = operation["parameters"].as_array();
            parameters.is_some_and(|all| all.iter().any(|parameter| parameter["name"] == name))
        };
        let reads = is_limited && method == "GET" && path != "/api/v1/events";
        let is_timed = reads || path.starts_with("/api/v1/predictions");
        assert_eq!(sent("X-Request-Timeout-Ms"), is_timed, "{method} {path}");
        if sent("Idempotency-Key") {
            assert!(operation["responses"]["200"]["headers"]["Idempotent-Replayed"].is_object(), "{path}");
            keyed.push(path);
        }
    }
    assert_eq!(keyed, ["/api/v1/predictions", "/api/v1/predictions/batch"]);
}

#[test]
fn the_document_and_the_catalog_list_every_kind_of_problem() {
    let text = openapi();
    let page = problem_catalog_markdown();
    // Of no operation: these refuse an unknown method, or a browser's preflight.
    let elsewhere = [ProblemCode::MethodNotAllowed, ProblemCode::CorsRefused];
    for code in ProblemCode::ALL {
        let listed = text.contains(&format!("* `{}`:", code.code()));
        assert_eq!(listed, !elsewhere.contains(&code), "{}", code.code());
        assert!(page.contains(&format!("`{}`", code.code())));
    }
}

#[test]
fn request_bodies_allow_no_other_members() {
    let schemas = &document()["components"]["schemas"];
    for name in
        ["PredictionInput", "BatchInput", "BatchItemInput", "PredictionOptions", "ModelInput", "KeyInput"]
    {
        assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
    }
    let limits = &schemas["KeyInput"]["properties"]["limits"];
    for object in [limits, &limits["properties"]["requests"], &limits["properties"]["texts"]] {
        assert_eq!(object["additionalProperties"], false);
    }
    assert_eq!(schemas["PredictionInput"]["required"], json!(["text"]));
    assert_eq!(schemas["PredictionInput"]["properties"]["text"]["maxLength"], 10_000);
}

#[actix_web::test]
async fn the_served_document_has_the_configured_limit() {
    let service = Service::with(|settings| settings.max_text_chars = 50_000);
    let answer = service.get("/openapi.json").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let text = &answer.json()["components"]["schemas"]["PredictionInput"]["properties"]["text"];
    assert_eq!(text["maxLength"], 50_000);
}
