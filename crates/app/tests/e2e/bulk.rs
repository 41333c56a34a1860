//! Streams and batches of long texts fill the model's queue while single texts arrive.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::json;
use tempfile::TempDir;

use crate::undertone::Undertone;

/// Returns a new text of some 500 tokens.
fn long_text(texts: &AtomicUsize) -> String {
    let number = texts.fetch_add(1, Ordering::SeqCst);
    format!("{number}: {}", "the parcel came late and I was not happy about it at all. ".repeat(36))
}

#[test]
fn no_single_text_is_refused_while_streams_and_batches_fill_the_queue() {
    let folder = TempDir::new().unwrap();
    // The queue has room for four long texts of streams and batches; two streams have 24 lines each in progress.
    let running =
        Undertone::start(folder.path(), "sqlite:data/undertone.db", &["model.max_queue_tokens=4096"]);
    let (texts, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let stream = |lines: &str| {
        let answers = running.api().post_lines("/api/v1/predictions/stream", lines);
        assert_eq!(answers.last().unwrap(), &json!({ "done": true, "ok": 24, "failed": 0 }), "{answers:?}");
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::SeqCst) {
                    let lines: Vec<_> =
                        (0..24).map(|_| json!({ "text": long_text(&texts) }).to_string()).collect();
                    stream(&format!("{}\n", lines.join("\n")));
                }
            });
        }
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                let items: Vec<_> = (0..4).map(|_| json!({ "text": long_text(&texts) })).collect();
                let answer =
                    running.api().post("/api/v1/predictions/batch", &json!({ "items": items })).unwrap();
                // On a busy machine a batch finds no room in time and is refused as a whole.
                match answer.status {
                    503 => assert_eq!(answer.body["code"], "saturated", "{}", answer.body),
                    _ => assert_eq!(
                        (answer.status, &answer.body["succeeded"]),
                        (200, &json!(4)),
                        "{}",
                        answer.body
                    ),
                }
            }
        });
        let answers: Vec<_> =
            (0..60).map(|number| running.api().predict(&format!("short text {number}"))).collect();
        is_over.store(true, Ordering::SeqCst);
        for answer in answers {
            let answer = answer.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    });
}
