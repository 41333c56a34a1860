//! The live feed: events as they happen, resumed on any replica, of one tenant, without texts.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::Api;
use crate::command::undertone;
use crate::database::Database;
use crate::raw::RawConnection;
use crate::undertone::{Undertone, wait_for};

const SQLITE: &str = "sqlite:undertone.db";
const SECRET: &str = "zanzibarquartz";

/// An open feed.
pub(crate) struct Feed {
    connection: RawConnection,
    buffer: String,
}

/// One message of a feed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    id: i64,
    pub(crate) kind: String,
    pub(crate) data: Value,
}

impl Feed {
    pub(crate) fn open(address: &str, after: Option<i64>, key: Option<&str>) -> Self {
        let mut connection = RawConnection::open(address);
        let resume = after.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let key = key.map(|key| format!("Authorization: Bearer {key}\r\n")).unwrap_or_default();
        connection.send(&format!(
            "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n{resume}{key}\r\n"
        ));
        assert_eq!(connection.head(), 200);
        let mut feed = Self { connection, buffer: String::new() };
        assert_eq!(feed.block().as_deref(), Some("retry: 1000\n: connected"));
        feed
    }

    /// Returns the lines up to the next blank one; none at the end of the feed.
    fn block(&mut self) -> Option<String> {
        while !self.buffer.contains("\n\n") {
            let chunk = self.connection.chunk()?;
            assert!(!chunk.contains(SECRET), "a text was sent: {chunk}");
            self.buffer.push_str(&chunk);
        }
        let (block, rest) = self.buffer.split_once("\n\n").unwrap();
        let (block, rest) = (block.to_owned(), rest.to_owned());
        self.buffer = rest;
        Some(block)
    }

    /// Returns the next message, without heartbeats; none at the end of the feed.
    pub(crate) fn message(&mut self) -> Option<Message> {
        loop {
            let block = self.block()?;
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
            if let Some(data) = field("data: ") {
                return Some(Message {
                    id: field("id: ").unwrap().parse().unwrap(),
                    kind: field("event: ").unwrap().to_owned(),
                    data: serde_json::from_str(data).unwrap(),
                });
            }
        }
    }

    /// Returns the position from which a client without any event would resume.
    fn place(&mut self) -> i64 {
        let block = self.block().unwrap();
        block.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().parse().unwrap()
    }
}

fn predicted(api: &Api) -> String {
    let text = format!("I love the {SECRET}");
    api.predict(&text).unwrap().body["id"].as_str().unwrap().to_owned()
}

fn delete(api: &Api, id: &str) {
    assert_eq!(api.delete(&format!("/api/v1/predictions/{id}")).unwrap().status, 204);
}

/// Checks the events of a prediction and of its deletion.
fn assert_events(created: &Message, deleted: &Message, id: &str) {
    assert_eq!(
        (created.kind.as_str(), &created.data["subject"]),
        ("undertone.prediction.created", &json!(id))
    );
    assert_eq!(
        (deleted.kind.as_str(), &deleted.data["subject"]),
        ("undertone.prediction.deleted", &json!(id))
    );
    assert!(created.id < deleted.id);
    assert_eq!(created.data["sequence"], format!("{:019}", created.id));
    for fact in ["created_at", "sentiment", "confidence", "model", "revision", "tokens", "truncated"] {
        assert_eq!(created.data["data"][fact], deleted.data["data"][fact], "{fact}");
    }
    assert!(created.data["data"]["sentiment"].is_string(), "{created:?}");
}

#[test]
fn events_are_sent_as_they_happen_and_resumed_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let mut running = Undertone::start(folder.path(), SQLITE, &[]);
    let mut feed = Feed::open(&running.address, None, None);
    let place = feed.place();
    let id = predicted(&running.api());
    delete(&running.api(), &id);
    let (created, deleted) = (feed.message().unwrap(), feed.message().unwrap());
    assert_events(&created, &deleted, &id);

    // A feed does not delay the end of the service.
    let began = Instant::now();
    running.interrupt();
    assert_eq!(feed.message(), None);
    assert!(running.wait().success());
    assert!(began.elapsed() < Duration::from_secs(10), "the end took {:?}", began.elapsed());

    let running = Undertone::start(folder.path(), SQLITE, &[]);
    let mut again = Feed::open(&running.address, Some(place), None);
    assert_eq!([again.message().unwrap(), again.message().unwrap()], [created.clone(), deleted.clone()]);
    let mut rest = Feed::open(&running.address, Some(created.id), None);
    assert_eq!(rest.message().unwrap(), deleted);
}

#[test]
fn a_position_that_the_database_has_not_reached_is_a_gap() {
    let folder = TempDir::new().unwrap();
    let running = Undertone::start(folder.path(), SQLITE, &[]);
    let mut feed = Feed::open(&running.address, Some(1_000_000), None);
    assert_eq!(feed.message(), Some(Message { id: 0, kind: "gap".to_owned(), data: json!({"purged": 0}) }));
    let id = predicted(&running.api());
    assert_eq!(feed.message().unwrap().data["subject"], json!(id));
}

#[test]
fn a_feed_is_resumed_on_another_replica() {
    let database = Database::create();
    let folder = TempDir::new().unwrap();
    let [first, second] = [(); 2].map(|()| Undertone::start(folder.path(), &database.url(), &[]));
    let mut on_first = Feed::open(&first.address, None, None);
    let mut on_second = Feed::open(&second.address, None, None);
    let ids: Vec<String> =
        (0..20).map(|n| predicted(&if n % 2 == 0 { &first } else { &second }.api())).collect();
    let seen: Vec<Message> = ids.iter().map(|_| on_first.message().unwrap()).collect();
    let others: Vec<Message> = ids.iter().map(|_| on_second.message().unwrap()).collect();
    assert_eq!(seen, others, "the replicas send different feeds");
    let mut subjects: Vec<&str> =
        seen.iter().map(|message| message.data["subject"].as_str().unwrap()).collect();
    subjects.sort_unstable();
    let mut expected: Vec<&str> = ids.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(subjects, expected);

    first.kill();
    let mut resumed = Feed::open(&second.address, Some(seen[9].id), None);
    let rest: Vec<Message> = seen[10..].iter().map(|_| resumed.message().unwrap()).collect();
    assert_eq!(rest, seen[10..]);
}

#[test]
fn a_feed_has_the_events_of_its_tenant_and_ends_with_its_key() {
    let folder = TempDir::new().unwrap();
    undertone(folder.path(), SQLITE, &["tenants", "add", "other"]);
    let issue = |tenant: &str, scopes: &str| {
        let flags = ["keys", "issue", "--tenant", tenant, "--scopes", scopes];
        undertone(folder.path(), SQLITE, &flags).trim().to_owned()
    };
    let (own, theirs) = (issue("default", "predictions:write"), issue("other", "predictions:write"));
    let (reader, admin) = (issue("default", "predictions:read"), issue("default", "keys:admin"));
    let running = Undertone::start(folder.path(), SQLITE, &["auth.mode=required"]);
    let mut feed = Feed::open(&running.address, None, Some(&reader));
    predicted(&running.api().with_credential(&theirs));
    let id = predicted(&running.api().with_credential(&own));
    assert_eq!(feed.message().unwrap().data["subject"], json!(id));
    let path = format!("/api/v1/keys/{}", &reader[3..15]);
    assert_eq!(running.api().with_credential(&admin).delete(&path).unwrap().status, 204);
    let revoked = Instant::now();
    assert_eq!(feed.message(), None);
    assert!(revoked.elapsed() < Duration::from_secs(6), "it ended after {:?}", revoked.elapsed());
    wait_for("the key to be refused", || {
        let answer = running.api().with_credential(&reader).get("/api/v1/events").unwrap();
        (answer.status == 401).then_some(())
    });
}
