//! A revocation takes effect on every replica, and ends open streams.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::undertone;
use crate::database::Database;
use crate::raw::RawConnection;
use crate::undertone::{Undertone, wait_for};

const REQUIRED: &str = "auth.mode=required";

#[test]
fn five_seconds_after_its_revocation_no_replica_accepts_a_key() {
    let database = Database::create();
    let (folder, url) = (TempDir::new().unwrap(), database.url());
    let issue = |scopes: &str| {
        let flags = ["keys", "issue", "--tenant", "default", "--scopes", scopes];
        undertone(folder.path(), &url, &flags).trim().to_owned()
    };
    let (admin, key) = (issue("keys:admin"), issue("predictions:write"));
    let replicas = [(); 2].map(|()| Undertone::start(folder.path(), &url, &[REQUIRED]));
    let mut stream = OpenStream::start(&replicas[1].address, &key);
    for replica in &replicas {
        assert_eq!(replica.api().with_credential(&key).predict("good").unwrap().status, 200);
    }
    let path = format!("/api/v1/keys/{}", &key[3..15]);
    assert_eq!(replicas[0].api().with_credential(&admin).delete(&path).unwrap().status, 204);
    let revoked = Instant::now();
    // Sent all the time, so that the key never leaves a cache for want of use.
    let last = replicas.each_ref().map(|replica| {
        let api = replica.api().with_credential(&key);
        let mut last = Duration::ZERO;
        wait_for("the key to be refused", || {
            let sent = revoked.elapsed();
            match api.predict("good").unwrap().status {
                200 => {
                    last = sent;
                    None
                }
                status => (status == 401).then_some(()),
            }
        });
        last
    });
    // The limit of the specification, not a guess at the machine's speed: a request was accepted so late.
    for accepted in last {
        assert!(accepted < Duration::from_secs(5), "accepted {accepted:?} after the revocation");
    }
    assert_eq!(stream.end(), json!({"done": false, "reason": "unauthenticated", "ok": 1, "failed": 0}));
}

#[test]
fn a_key_that_is_revoked_while_its_request_is_sent_slowly_is_refused() {
    let (folder, store) = (TempDir::new().unwrap(), "sqlite:undertone.db");
    let issue = || {
        let flags = ["keys", "issue", "--tenant", "default", "--scopes", "keys:admin"];
        undertone(folder.path(), store, &flags).trim().to_owned()
    };
    let (admin, leaked) = (issue(), issue());
    let running = Undertone::start(folder.path(), store, &[REQUIRED]);
    let body = json!({"scopes": ["keys:admin"]}).to_string();
    let mut connection = RawConnection::open(&running.address);
    connection.send(&format!(
        "POST /api/v1/keys HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {leaked}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
        body.len(),
        &body[..body.len() - 1]
    ));
    // Until this request is answered, the one before has been authenticated.
    let api = running.api();
    assert_eq!(api.with_credential(&leaked).get("/api/v1/me").unwrap().status, 200);
    let path = format!("/api/v1/keys/{}", &leaked[3..15]);
    assert_eq!(api.with_credential(&admin).delete(&path).unwrap().status, 204);
    wait_for("the key to be refused", || {
        (api.with_credential(&leaked).get("/api/v1/me").unwrap().status == 401).then_some(())
    });
    connection.send(&body[body.len() - 1..]);
    assert_eq!(connection.head(), 401);
}

/// A stream whose body has not ended.
struct OpenStream {
    connection: RawConnection,
}

impl OpenStream {
    /// Sends one line and reads its response.
    fn start(address: &str, key: &str) -> Self {
        let mut connection = RawConnection::open(address);
        connection.send(&format!(
            "POST /api/v1/predictions/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
        ));
        connection.send_chunk("{\"text\": \"good\"}\n");
        assert_eq!(connection.head(), 200);
        let first = connection.chunk().expect("a line");
        assert!(first.contains("\"prediction\""), "{first}");
        Self { connection }
    }

    /// Reads the last line.
    fn end(&mut self) -> Value {
        let last = self.connection.chunk().expect("a line");
        serde_json::from_str(&last).unwrap()
    }
}
