//! Clients that send texts continuously, each on a connection of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use crate::api::{Answer, Api};

/// One request of a client.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) text: String,
    /// The response; none if the connection broke before it.
    pub(crate) answer: Option<Answer>,
}

impl Sent {
    /// The prediction of a response with status 200.
    pub(crate) fn acknowledged(&self) -> Option<(&Value, &str)> {
        let answer = self.answer.as_ref().filter(|answer| answer.status == 200)?;
        Some((&answer.body, &self.text))
    }
}

pub(crate) struct Load {
    callers: Vec<JoinHandle<Vec<Sent>>>,
    ending: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
}

const PHRASES: [&str; 4] =
    ["I love it", "the worst service ever", "the parcel came on Monday", "not bad, could be better"];

impl Load {
    /// Starts `clients`; each sends texts until the load ends, its connection breaks, or `leave` returns true for a
    /// response. Every text is sent once.
    pub(crate) fn start(api: &Api, callers: usize, leave: fn(&Answer) -> bool) -> Self {
        Self::start_of(api, callers, None, leave)
    }

    /// As [`Load::start`], for the model `model`.
    pub(crate) fn start_of(
        api: &Api,
        callers: usize,
        model: Option<&'static str>,
        leave: fn(&Answer) -> bool,
    ) -> Self {
        let ending = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicU64::new(0));
        let callers = (0..callers)
            .map(|caller| {
                let (api, ending, answered) = (api.another(), Arc::clone(&ending), Arc::clone(&answered));
                let ask = move |text: &str| {
                    api.post("/api/v1/predictions", &json!({ "text": text, "model": model }))
                };
                thread::spawn(move || call(ask, caller, leave, &ending, &answered))
            })
            .collect();
        Self { callers, ending, answered }
    }

    /// Returns the number of responses so far, of any status.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::SeqCst)
    }

    /// Ends the load after the requests in flight and returns everything that was sent.
    pub(crate) fn end(self) -> Vec<Sent> {
        self.ending.store(true, Ordering::SeqCst);
        self.join()
    }

    /// Waits until every client has ended by itself.
    pub(crate) fn join(self) -> Vec<Sent> {
        self.callers.into_iter().flat_map(|caller| caller.join().expect("a caller went on")).collect()
    }
}

fn call(
    ask: impl Fn(&str) -> Result<Answer, ureq::Error>,
    caller: usize,
    leave: fn(&Answer) -> bool,
    ending: &AtomicBool,
    answered: &AtomicU64,
) -> Vec<Sent> {
    let mut sent = Vec::new();
    while !ending.load(Ordering::SeqCst) {
        let text = format!("{} ({caller}, {})", PHRASES[sent.len() % PHRASES.len()], sent.len());
        let answer = ask(&text).ok();
        answered.fetch_add(u64::from(answer.is_some()), Ordering::SeqCst);
        let last = answer.as_ref().is_none_or(leave);
        sent.push(Sent { text, answer });
        if last {
            break;
        }
    }
    sent
}
