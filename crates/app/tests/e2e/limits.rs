//! Limits of tenants, keys and tokens, set while the service runs.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::FakeIdentityProvider;

use crate::administration::Commands;
use crate::api::{Answer, Api};
use crate::database::Database;
use crate::raw::RawConnection;
use crate::tokens::{AUDIENCE, ISSUER, RsaIssuer};
use crate::undertone::{Undertone, wait_for};

const SQLITE: &str = "sqlite:data/undertone.db";
const REQUIRED: &str = "auth.mode=required";

/// Sends texts until one is refused, and returns the refusal.
fn refusal(api: &Api) -> Answer {
    wait_for("a refusal", || {
        let answer = api.predict("I love it").unwrap();
        (answer.status != 200).then_some(answer)
    })
}

/// Waits until responses have the limits in their headers, and checks that none is later than specified.
fn wait_for_limits(api: &Api, changed: Instant) -> Answer {
    let mut last = Duration::ZERO;
    let limited = wait_for("limits", || {
        let sent = changed.elapsed();
        let answer = api.predict("I love it").unwrap();
        if answer.header("ratelimit-policy").is_none() {
            last = sent;
            return None;
        }
        Some(answer)
    });
    // The limit of the specification, not a guess at the machine's speed: a request was not limited so late.
    assert!(last < Duration::from_secs(5), "unlimited {last:?} after the change");
    limited
}

/// Changes the limits of `tenant`, whose requests `api` sends.
fn a_change_takes_effect(commands: &Commands<'_>, tenant: &str, api: &Api) {
    let answer = api.predict("I love it").unwrap();
    assert_eq!((answer.status, answer.header("ratelimit")), (200, None));
    commands.succeed(&format!("tenants limit {tenant} --requests 1:2 --texts-per-day 1000"));
    let limited = wait_for_limits(api, Instant::now());
    let policy = limited.header("ratelimit-policy").unwrap().to_owned();
    assert!(policy.starts_with("\"requests\";q=2;w=2, \"texts-day\";q=1000;w=86400"), "{policy}");

    let refused = refusal(api);
    assert_eq!((refused.status, &refused.body["code"]), (429, &json!("rate_limited")), "{}", refused.body);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(refused.header("ratelimit").unwrap().starts_with("\"requests\";r=0;t=1"), "{refused:?}");

    let usage = wait_for("the usage", || {
        let usage = api.get("/api/v1/usage").unwrap();
        (usage.status == 200).then_some(usage.body)
    });
    assert_eq!(usage["tenant"], tenant);
    let requests = &usage["limits"]["requests"];
    assert_eq!((&requests["per_second"], &requests["burst"]), (&json!(1), &json!(2)), "{usage}");
    let day = &usage["limits"]["texts_per_day"];
    assert_eq!((&day["quota"], &day["used"]), (&json!(1_000), &usage["texts_today"]), "{usage}");
    assert!(usage["texts_today"].as_u64().unwrap() >= 2, "{usage}");

    commands.succeed(&format!("tenants limit {tenant} --requests none --texts-per-day none"));
    wait_for("no limits", || {
        let answer = api.predict("I love it").unwrap();
        (answer.status == 200 && answer.header("ratelimit").is_none()).then_some(())
    });
}

fn a_limit_takes_effect_on_a_running_service(store: &str) {
    let folder = TempDir::new().unwrap();
    let commands = Commands { folder: folder.path(), store, settings: &[] };
    commands.succeed("tenants add acme");
    let running = Undertone::start(folder.path(), store, &[REQUIRED]);
    let key = commands.issue("--tenant acme --scopes predictions:write");
    a_change_takes_effect(&commands, "acme", &running.api().with_credential(&key));
}

#[test]
fn a_limit_takes_effect_on_a_running_service_on_sqlite() {
    a_limit_takes_effect_on_a_running_service(SQLITE);
}

#[test]
fn a_limit_takes_effect_on_a_running_service_on_postgres() {
    let database = Database::create();
    a_limit_takes_effect_on_a_running_service(&database.url());
}

#[test]
fn without_authentication_the_limits_are_those_of_the_default_tenant() {
    let folder = TempDir::new().unwrap();
    let commands = Commands { folder: folder.path(), store: SQLITE, settings: &[] };
    let running = Undertone::start(folder.path(), SQLITE, &[]);
    a_change_takes_effect(&commands, "default", &running.api());
}

#[test]
fn a_limit_takes_effect_within_five_seconds_on_an_idle_service() {
    let folder = TempDir::new().unwrap();
    let commands = Commands { folder: folder.path(), store: SQLITE, settings: &[] };
    let running = Undertone::start(folder.path(), SQLITE, &[]);
    let policy =
        || running.api().get("/api/v1/models").unwrap().header("ratelimit-policy").map(str::to_owned);
    assert_eq!(policy(), None);
    commands.succeed("tenants limit default --requests 5:5");
    #[expect(
        clippy::disallowed_methods,
        reason = "the service must be idle for as long as a change may take"
    )]
    thread::sleep(Duration::from_secs(5));
    assert_eq!(policy().as_deref(), Some("\"requests\";q=5;w=1"));
}

#[test]
fn tenants_and_keys_are_limited_apart() {
    let folder = TempDir::new().unwrap();
    let commands = Commands { folder: folder.path(), store: SQLITE, settings: &[] };
    for tenant in ["ann", "ben"] {
        commands.succeed(&format!("tenants add {tenant}"));
    }
    commands.succeed("tenants limit ann --requests 1");
    commands.succeed("tenants limit ben --requests 1000");
    let running = Undertone::start(folder.path(), SQLITE, &[REQUIRED]);
    let scopes = "--scopes predictions:write";
    let issue = |arguments: String| running.api().with_credential(&commands.issue(&arguments));
    let ann = issue(format!("--tenant ann {scopes}"));
    let ben = issue(format!("--tenant ben {scopes}"));
    let narrow = issue(format!("--tenant ben {scopes} --requests 1"));
    for api in [&ann, &narrow] {
        assert_eq!(refusal(api).body["code"], "rate_limited");
    }
    for _ in 0..50 {
        // Refused or not, neither uses up the limit of others.
        for api in [&ann, &narrow] {
            assert!([200, 429].contains(&api.predict("I love it").unwrap().status));
        }
        assert_eq!(ben.predict("I love it").unwrap().status, 200);
    }
    let usage = wait_for("the usage", || {
        let usage = narrow.get("/api/v1/usage").unwrap();
        (usage.status == 200).then_some(usage.body)
    });
    assert_eq!(usage["limits"]["requests"]["burst"], 1_000, "{usage}");
    assert_eq!(usage["key"]["limits"]["requests"]["burst"], 1, "{usage}");
    assert_eq!(ben.get("/api/v1/usage").unwrap().body["key"], Value::Null);
}

#[test]
fn each_subject_of_a_token_has_the_limits_of_the_configuration() {
    let (folder, provider, issuer) =
        (TempDir::new().unwrap(), FakeIdentityProvider::start(), RsaIssuer::new(0, "k"));
    provider.publish(&[issuer.jwk()]);
    let settings = [
        REQUIRED.to_owned(),
        format!("auth.jwt.jwks_url={}", provider.url()),
        format!("auth.jwt.issuer={ISSUER}"),
        format!("auth.jwt.audience={AUDIENCE}"),
        "auth.jwt.limits.requests_per_second=1".to_owned(),
        "auth.jwt.limits.requests_burst=3".to_owned(),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let running = Undertone::start(folder.path(), SQLITE, &settings);
    let [ann, ben] = ["ann", "ben"]
        .map(|subject| running.api().with_credential(&issuer.token(&json!({ "sub": subject }))));
    assert_eq!(refusal(&ann).body["code"], "rate_limited");
    let answer = ben.predict("I love it").unwrap();
    assert_eq!((answer.status, answer.header("ratelimit-policy")), (200, Some("\"requests\";q=3;w=3")));
}

#[test]
fn a_rate_of_texts_refuses_requests_and_slows_streams_down() {
    let folder = TempDir::new().unwrap();
    let commands = Commands { folder: folder.path(), store: SQLITE, settings: &[] };
    commands.succeed("migrate up");
    commands.succeed("tenants limit default --texts 5:5");
    let running = Undertone::start(folder.path(), SQLITE, &[]);
    let api = running.api();
    let items = |count: usize| json!({"items": vec![json!({"text": "I love it"}); count]});
    let never = api.post("/api/v1/predictions/batch", &items(6)).unwrap();
    assert_eq!((never.status, &never.body["field"]), (422, &json!("items")), "{}", never.body);
    assert_eq!(refusal(&api).body["code"], "rate_limited");
    let refused = wait_for("a refusal", || {
        let answer = api.post("/api/v1/predictions/batch", &items(5)).unwrap();
        (answer.status != 200).then_some(answer)
    });
    assert_eq!((refused.status, &refused.body["code"]), (429, &json!("rate_limited")));
    assert!(refused.header("retry-after").is_some());

    let lines = "{\"text\": \"I love it\"}\n".repeat(15);
    let started = Instant::now();
    let answers = api.post_lines("/api/v1/predictions/stream", &lines);
    assert_eq!(answers.last().unwrap(), &json!({"done": true, "ok": 15, "failed": 0}), "{answers:?}");
    // By the specification, ten of them had to wait for a fifth of a second each.
    assert!(started.elapsed() >= Duration::from_secs(2), "{:?}", started.elapsed());
}

/// A stream whose body has not ended.
fn open_stream(address: &str) -> (RawConnection, u16) {
    let mut connection = RawConnection::open(address);
    connection.send(
        "POST /api/v1/predictions/stream HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    connection.send_chunk("{\"text\": \"good\"}\n");
    let status = connection.head();
    (connection, status)
}

#[test]
fn exactly_as_many_requests_as_allowed_are_in_progress_at_the_same_time() {
    let folder = TempDir::new().unwrap();
    let commands = Commands { folder: folder.path(), store: SQLITE, settings: &[] };
    commands.succeed("migrate up");
    commands.succeed("tenants limit default --concurrent 3");
    let running = Undertone::start(folder.path(), SQLITE, &[]);
    for _ in 0..3 {
        let mut streams: Vec<_> = (0..3).map(|_| open_stream(&running.address)).collect();
        assert!(streams.iter().all(|(_, status)| *status == 200));
        for _ in 0..5 {
            assert_eq!(open_stream(&running.address).1, 429);
        }
        let refused = running.api().predict("one too many").unwrap();
        assert_eq!((refused.status, &refused.body["code"]), (429, &json!("too_many_concurrent")));
        assert_eq!(refused.header("retry-after"), Some("1"));
        streams.pop();
        wait_for("room for another", || {
            (running.api().predict("in its place").unwrap().status == 200).then_some(())
        });
        drop(streams);
        let in_use =
            || running.api().get("/api/v1/usage").unwrap().body["limits"]["concurrent"]["in_use"].clone();
        wait_for("the end of the streams", || (in_use() == 1).then_some(()));
    }
}

#[test]
fn two_replicas_share_the_quota_of_a_day() {
    const QUOTA: usize = 200;
    /// The clients of each replica: the most that one commit can store, since each waits for its response.
    const CLIENTS: usize = 8;
    let (folder, database) = (TempDir::new().unwrap(), Database::create());
    let url = database.url();
    let commands = Commands { folder: folder.path(), store: &url, settings: &[] };
    commands.succeed("migrate up");
    commands.succeed(&format!("tenants limit default --texts-per-day {QUOTA}"));
    let replicas = [(); 2].map(|()| Undertone::start(folder.path(), &url, &[]));
    let accepted: usize = thread::scope(|scope| {
        let clients = replicas.iter().flat_map(|replica| (0..CLIENTS).map(|_| replica.api())).map(|api| {
            scope.spawn(move || {
                let answers = std::iter::from_fn(|| Some(api.predict("I love it").unwrap()));
                let mut accepted = 0;
                for answer in answers {
                    if answer.status != 200 {
                        assert_eq!((answer.status, &answer.body["code"]), (429, &json!("quota_exceeded")));
                        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
                        assert!((1..=86_400).contains(&wait), "{wait}");
                        break;
                    }
                    accepted += 1;
                }
                accepted
            })
        });
        let clients: Vec<_> = clients.collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    let (stored,): (i64,) = database.fetch_one("SELECT count(*) FROM predictions");
    assert_eq!(usize::try_from(stored), Ok(accepted));
    assert!((QUOTA..=QUOTA + 2 * CLIENTS).contains(&accepted), "{accepted} of {QUOTA}");
    for replica in &replicas {
        let usage = replica.api().get("/api/v1/usage").unwrap().body;
        assert_eq!(usage["texts_today"], accepted, "{usage}");
    }
}
