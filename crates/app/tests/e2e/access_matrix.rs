//! Every route with every credential and every kind of request: one status each, in one snapshot.

use std::collections::BTreeMap;
use std::fmt::Write;

use domain::value_objects::Scope;
use http_actix::{HttpSettings, public_routes};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::FakeIdentityProvider;

use crate::api::Api;
use crate::command::undertone;
use crate::tokens::{AUDIENCE, ISSUER, RsaIssuer, now};
use crate::undertone::{Undertone, wait_for};

const STORE: &str = "sqlite:undertone.db";
const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";

/// A request to a route.
struct Case {
    name: &'static str,
    path: String,
    body: Option<(&'static str, String)>,
}

fn case(name: &'static str, path: impl Into<String>) -> Case {
    Case { name, path: path.into(), body: None }
}

impl Case {
    fn with(self, media_type: &'static str, body: impl Into<String>) -> Self {
        Self { body: Some((media_type, body.into())), ..self }
    }
}

/// A route with a body: good, unreadable, too large and of a wrong media type.
fn bodies(path: &str, media_type: &'static str, good: &Value) -> Vec<Case> {
    vec![
        case("good body", path).with(media_type, good.to_string()),
        case("bad body", path).with(media_type, "{"),
        case("too large body", path).with(media_type, "x".repeat(40_000)),
        case("wrong media type", path).with("text/plain", good.to_string()),
        case("bad query", format!("{path}?colour=red")).with(media_type, good.to_string()),
    ]
}

/// A route without a body.
fn plain(path: &str) -> Vec<Case> {
    vec![case("good", path), case("bad query", format!("{path}?colour=red"))]
}

/// A route without a body that requires a query.
fn required(path: &str, query: &str) -> Vec<Case> {
    vec![case("good", format!("{path}?{query}")), case("bad query", format!("{path}?colour=red"))]
}

/// What the requests are about: made by the owner for each credential, since some requests use it up.
struct Subject<'a> {
    owner: &'a Api,
    model: String,
    folder: &'a str,
}

impl Subject<'_> {
    fn prediction(&self) -> String {
        let made = self.owner.predict("good").unwrap();
        format!("/api/v1/predictions/{}", made.body["id"].as_str().unwrap())
    }

    fn key(&self) -> String {
        let made = self.owner.post("/api/v1/keys", &json!({"scopes": ["models:read"]})).unwrap();
        format!("/api/v1/keys/{}", made.body["id"].as_str().unwrap())
    }

    /// The address of a file to which the page at `page` refers.
    fn file_of(&self, page: &str) -> String {
        let text = self.owner.text(page);
        let file = text.split('"').find(|text| text.starts_with("assets/")).unwrap();
        format!("{page}{file}")
    }

    /// The requests to a route. A route that is not listed here fails the test.
    fn cases(&self, method: &str, path: &str) -> Vec<Case> {
        let text = json!({"text": "good"});
        let by_id = |good: String, bad: &str, unknown: &str| {
            let bad_query = case("bad query", format!("{good}?colour=red"));
            vec![case("good id", good), case("bad id", bad), case("unknown id", unknown), bad_query]
        };
        match (method, path) {
            ("POST", "/api/v1/predictions") => bodies(path, JSON, &text),
            ("POST", "/api/v1/predictions/batch") => bodies(path, JSON, &json!({"items": [text]})),
            ("POST", "/api/v1/predictions/stream") => bodies(path, LINES, &text),
            ("POST", "/api/v1/keys") => bodies(path, JSON, &json!({"scopes": ["keys:admin"]})),
            ("POST", "/api/v1/models/{name}") => {
                let path = format!("/api/v1/models/{}", self.model);
                let mut cases = bodies(&path, JSON, &json!({"path": self.folder, "threads": 1}));
                cases
                    .push(case("bad name", "/api/v1/models/-a").with(JSON, json!({"path": "a"}).to_string()));
                cases
            }
            ("DELETE", "/api/v1/models/{name}") => {
                let path = format!("/api/v1/models/{}", self.model);
                by_id(path, "/api/v1/models/-a", "/api/v1/models/unknown")
            }
            ("GET" | "DELETE", "/api/v1/predictions/{id}") => by_id(
                self.prediction(),
                "/api/v1/predictions/not-a-uuid",
                "/api/v1/predictions/01997a3e-7c10-7d52-a1f0-5f0f6f3f9f11",
            ),
            ("DELETE", "/api/v1/keys/{id}") => {
                by_id(self.key(), "/api/v1/keys/x", "/api/v1/keys/000000000000")
            }
            ("GET", "/api/v1/analytics/terms") => required(path, "sentiment=negative"),
            ("GET", path) if PLAIN.contains(&path) => plain(path),
            // A feed does not end, and a caller is refused before the query is read.
            ("GET", "/api/v1/events") => vec![case("bad query", format!("{path}?colour=red"))],
            ("GET", "/docs/assets/{version}/{path:.*}") => plain(&self.file_of("/docs/")),
            ("GET", "/console/assets/{version}/{path:.*}") => plain(&self.file_of("/console/")),
            _ => panic!("add {method} {path} to the matrix"),
        }
    }
}

/// The routes that are read without an id or a required parameter.
const PLAIN: [&str; 19] = [
    "/api/v1/predictions",
    "/api/v1/predictions/export",
    "/api/v1/models",
    "/api/v1/me",
    "/api/v1/keys",
    "/api/v1/audit",
    "/api/v1/usage",
    "/api/v1/analytics/trends",
    "/api/v1/analytics/breakdown",
    "/health",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/docs/",
    "/",
    "/console",
    "/console/",
];

/// The service, and a credential of each kind.
struct Gate {
    running: Undertone,
    provider: FakeIdentityProvider,
    owner: Api,
    credentials: Vec<(String, Option<String>)>,
}

impl Gate {
    fn open(folder: &TempDir) -> Self {
        let provider = FakeIdentityProvider::start();
        let (old, new) = (RsaIssuer::new(0, "old"), RsaIssuer::new(1, "new"));
        provider.publish(&[old.jwk()]);
        for name in ["other", "closed"] {
            undertone(folder.path(), STORE, &["tenants", "add", name]);
        }
        let all = Scope::ALL.map(Scope::as_str).join(",");
        let issue = |tenant: &str, scopes: &str| {
            let flags = ["keys", "issue", "--tenant", tenant, "--scopes", scopes];
            undertone(folder.path(), STORE, &flags).trim().to_owned()
        };
        let mut credentials: Vec<(String, Option<String>)> = vec![
            ("no key".to_owned(), None),
            ("malformed key".to_owned(), Some("ut_1".to_owned())),
            ("other tenant".to_owned(), Some(issue("other", &all))),
            ("disabled tenant".to_owned(), Some(issue("closed", &all))),
            ("all scopes".to_owned(), Some(issue("default", &all))),
        ];
        for scope in Scope::ALL {
            credentials.push((scope.to_string(), Some(issue("default", scope.as_str()))));
        }
        undertone(folder.path(), STORE, &["tenants", "disable", "closed"]);
        let owner_key = issue("default", &all);
        let settings = [
            "auth.mode=required".to_owned(),
            "auth.failures_per_minute=100000".to_owned(),
            "auth.protect_metrics=true".to_owned(),
            format!("auth.jwt.jwks_url={}", provider.url()),
            format!("auth.jwt.issuer={ISSUER}"),
            format!("auth.jwt.audience=[\"{AUDIENCE}\"]"),
            "limits.max_body_bytes=32768".to_owned(),
            "limits.max_batch_body_bytes=32768".to_owned(),
            "model.threads=1".to_owned(),
        ];
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let running = Undertone::start(folder.path(), STORE, &settings);
        let owner = running.api().with_credential(&owner_key);
        let mut gate = Self { running, provider, owner, credentials };
        gate.add_ended_keys();
        gate.add_tokens(&old, &new);
        gate
    }

    fn add(&mut self, name: &str, credential: String) {
        self.credentials.push((name.to_owned(), Some(credential)));
    }

    fn issue(&self, body: &Value) -> (String, String) {
        let made = self.owner.post("/api/v1/keys", body).unwrap().body;
        let text = |member: &str| made[member].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        (text("id"), text("key"))
    }

    fn add_ended_keys(&mut self) {
        let scopes = Scope::ALL.map(Scope::as_str);
        let (id, revoked) = self.issue(&json!({"scopes": scopes}));
        // A well-formed key that was never issued: one of another database.
        let elsewhere = TempDir::new().unwrap();
        let flags = ["keys", "issue", "--tenant", "default", "--scopes", "keys:admin"];
        self.add("unknown key", undertone(elsewhere.path(), STORE, &flags).trim().to_owned());
        assert_eq!(self.owner.delete(&format!("/api/v1/keys/{id}")).unwrap().status, 204);
        self.add("revoked key", revoked);
        let end = time(now() + 2).to_string();
        let (_, expired) = self.issue(&json!({"scopes": scopes, "expires_at": end}));
        let caller = self.running.api().with_credential(&expired);
        wait_for("the key to end", || (caller.get("/api/v1/me").unwrap().status == 401).then_some(()));
        self.add("expired key", expired);
    }

    /// Adds tokens of a provider that has replaced its key since the service fetched it.
    fn add_tokens(&mut self, old: &RsaIssuer, new: &RsaIssuer) {
        let withdrawn = old.token(&json!({}));
        assert_eq!(self.running.api().with_credential(&withdrawn).get("/api/v1/me").unwrap().status, 200);
        self.provider.publish(&[new.jwk()]);
        let rotated = new.token(&json!({}));
        let caller = self.running.api().with_credential(&rotated);
        // An unknown key makes the service fetch again, at most every 30 seconds.
        wait_for("the rotated keys", || (caller.get("/api/v1/me").unwrap().status == 200).then_some(()));
        self.add("token, rotated key", rotated);
        self.add("token, withdrawn key", withdrawn);
        let instance = "models:write metrics:read audit:instance keys:admin";
        for (name, changes) in [
            ("token, other audience", json!({"aud": "another"})),
            ("token, other issuer", json!({"iss": "https://another.example"})),
            ("token, expired", json!({"exp": now() - 3_600})),
            ("token, not yet valid", json!({"nbf": now() + 3_600})),
            ("token, unknown tenant", json!({"tenant": "missing"})),
            ("token, instance scopes", json!({"scope": instance})),
        ] {
            self.add(name, new.token(&changes));
        }
        self.add("token, alg none", new.unsigned());
        self.add("token, HS256 with the public key", new.confused());
        self.add("token, unknown kid", RsaIssuer::new(1, "unknown").token(&json!({})));
    }
}

/// A time in RFC 3339, from seconds since the epoch.
fn time(seconds: u64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(i64::try_from(seconds).unwrap()).unwrap()
}

/// Sends every case of a route with every credential and describes the statuses, one line a case.
fn statuses(gate: &Gate, method: &str, path: &str, folder: &str) -> String {
    let mut by_case: Vec<(&'static str, BTreeMap<u16, Vec<&str>>)> = Vec::new();
    for (index, (name, credential)) in gate.credentials.iter().enumerate() {
        let subject = Subject { owner: &gate.owner, model: format!("m{index}"), folder };
        let api = match credential {
            Some(credential) => gate.running.api().with_credential(credential),
            None => gate.running.api(),
        };
        for (place, case) in subject.cases(method, path).into_iter().enumerate() {
            let body = case.body.as_ref().map(|(media_type, body)| (*media_type, body.as_str()));
            let status = api.send(method, &case.path, body).unwrap().status;
            if by_case.len() == place {
                by_case.push((case.name, BTreeMap::new()));
            }
            by_case[place].1.entry(status).or_default().push(name);
        }
    }
    let mut page = format!("{method} {path}\n");
    for (case, statuses) in by_case {
        writeln!(page, "  {case}").unwrap();
        for (status, names) in statuses {
            let all = names.len() == gate.credentials.len();
            let names = if all { "every credential".to_owned() } else { names.join(" | ") };
            writeln!(page, "    {status}: {names}").unwrap();
        }
    }
    page
}

#[test]
fn every_route_answers_every_credential_and_request_with_its_status() {
    let folder = TempDir::new().unwrap();
    let gate = Gate::open(&folder);
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sentiment-minilm-l6");
    let mut page = String::new();
    for (path, methods) in public_routes(&HttpSettings { protect_metrics: true, ..HttpSettings::default() }) {
        for (method, _) in methods {
            if method != "HEAD" {
                page.push_str(&statuses(&gate, method, path, model));
            }
        }
    }
    assert_eq!(gate.running.log_of_level("ERROR"), Vec::<Value>::new());
    insta::assert_snapshot!(page);
}
