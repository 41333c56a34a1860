use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::api::{Api, Reply};
use super::ledger::{Deletion, Item, Kind, Ledger, Outcome, Request};
use super::random::Random;
use super::stop_signal::StopSignal;

/// How long a client waits for an answer: longer than every limit of the service.
const TIMEOUT: Duration = Duration::from_secs(45);
/// The most between two requests of a client: there is load all the time, and the cores have time for the faults.
const BETWEEN: Duration = Duration::from_millis(60);
/// The least that a client waits when it was refused, as `Retry-After` asks it to do.
const REFUSED: Duration = Duration::from_millis(200);
/// The most texts of a batch.
const BATCH: usize = 20;

/// One client: it sends texts, each once, and reads, deletes and lists its own answers.
#[derive(Debug)]
pub(super) struct Client {
    api: Api,
    random: Random,
    /// What its refs begin with.
    name: String,
    ledger: Ledger,
}

impl Client {
    /// The client of a number, at the balancer's port.
    pub(super) fn new(number: u64, seed: u64, port: u16) -> Self {
        let random = Random::of_stream(seed, number);
        let api = Api::at(port, TIMEOUT);
        Self { api, random, name: format!("client-{number}"), ledger: Ledger::default() }
    }

    /// One request after another until the end comes.
    pub(super) fn run(mut self, signal: &StopSignal) -> Ledger {
        while !signal.is_stopped() {
            let served = match self.random.below(100) {
                0..45 => self.single(),
                45..60 => self.batch(),
                60..80 => self.get(),
                80..87 => self.delete(),
                _ => self.list(),
            };
            let least = if served { Duration::ZERO } else { REFUSED };
            signal.pause(self.random.between(least, least + BETWEEN));
        }
        self.ledger
    }

    fn single(&mut self) -> bool {
        let item = self.new_text();
        let reply = self.api.predict(&item);
        let Some(body) = self.success(Request::Single, reply) else { return false };
        let answer = serde_json::from_str(&body).unwrap_or_default();
        let last = self.ledger.items.len() - 1;
        self.acknowledge(last, &item, &answer);
        true
    }

    fn batch(&mut self) -> bool {
        let length = 1 + self.random.below(BATCH);
        let first = self.ledger.items.len();
        let items: Vec<Value> = (0..length).map(|_| self.new_text()).collect();
        let reply = self.api.predict_batch(&json!({ "items": items }));
        let Some(body) = self.success(Request::Batch, reply) else { return false };
        let answer: Value = serde_json::from_str(&body).unwrap_or_default();
        let answers = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        if answers.len() != length {
            self.violation(Kind::Unexpected, format!("a batch of {length} was answered with {body}"));
            return true;
        }
        for (place, (item, answer)) in items.iter().zip(answers).enumerate() {
            match (&answer["prediction"], answer["status"].as_u64()) {
                (prediction @ Value::Object(_), Some(200)) => {
                    self.acknowledge(first + place, item, prediction);
                }
                (_, Some(503)) => {}
                _ => self.violation(Kind::Unexpected, format!("an item was answered with {answer}")),
            }
        }
        true
    }

    /// Notes a text that is about to be sent, and gives what to send.
    fn new_text(&mut self) -> Value {
        const WORDS: [&str; 12] = [
            "wonderful",
            "terrible",
            "the",
            "room",
            "was",
            "slow",
            "friendly",
            "never",
            "again",
            "food",
            "I",
            "liked",
        ];
        let number = self.ledger.items.len();
        let reference = format!("{}-{number}", self.name);
        let mut text = format!("{reference}:");
        for _ in 0..4 + self.random.below(12) {
            // Writing to a string does not fail.
            let _ = write!(text, " {}", self.random.choose(&WORDS));
        }
        let item = json!({ "text": text, "ref": reference, "metadata": { "number": number } });
        let (outcome, deletion) = (Outcome::Open, Deletion::NotAsked);
        self.ledger.items.push(Item { reference, text, outcome, deletion });
        item
    }

    /// Notes that the text at a place was answered.
    fn acknowledge(&mut self, place: usize, item: &Value, answer: &Value) {
        let Some(id) = answer["id"].as_str() else {
            self.violation(Kind::Unexpected, format!("a text was answered with {answer}"));
            return;
        };
        if answer["ref"] != item["ref"] || answer["metadata"] != item["metadata"] {
            self.violation(Kind::Altered, format!("{item} was answered with {answer}"));
        }
        let outcome = Outcome::Acknowledged { id: id.to_owned(), answer: answer.to_string() };
        self.ledger.items[place].outcome = outcome;
    }

    fn get(&mut self) -> bool {
        let Some((place, id)) = self.some_answer() else { return true };
        let reply = self.api.get(&id);
        let missing = reply == Reply::NotFound;
        let body = self.success(Request::Get, reply);
        let text = &self.ledger.items[place];
        let violation = match (text.deletion, &body) {
            (Deletion::NotAsked, None) if missing => {
                Some(Kind::Lost.found(format!("{text:?} is not found by its id")))
            }
            (Deletion::Acknowledged, Some(_)) => {
                Some(Kind::Undeleted.found(format!("{text:?} is found by its id")))
            }
            (_, Some(body)) => text.check(&serde_json::from_str(body).unwrap_or_default()),
            (_, None) => None,
        };
        self.ledger.violations.extend(violation);
        missing || body.is_some()
    }

    fn delete(&mut self) -> bool {
        let Some((place, id)) = self.some_answer() else { return true };
        let before = self.ledger.items[place].deletion;
        let reply = self.api.delete(&id);
        let missing = reply == Reply::NotFound;
        let done = self.success(Request::Delete, reply).is_some();
        let text = &mut self.ledger.items[place];
        let violation = match before {
            Deletion::NotAsked if missing => Some(Kind::Lost),
            Deletion::Acknowledged if done => Some(Kind::Undeleted),
            _ => None,
        };
        let violation = violation.map(|kind| kind.found(format!("deletion of {text:?}: done = {done}")));
        text.deletion = match before {
            Deletion::Acknowledged => before,
            // Where an earlier request was open, the row is gone either way.
            _ if done || (missing && before == Deletion::Open) => Deletion::Acknowledged,
            _ => Deletion::Open,
        };
        self.ledger.violations.extend(violation);
        missing || done
    }

    /// Finds one of its answers by its ref, or looks at the newest of all.
    fn list(&mut self) -> bool {
        let chosen = self.some_answer().filter(|_| self.random.below(2) == 0);
        let query = match &chosen {
            Some((place, _)) => format!("ref={}", self.ledger.items[*place].reference),
            None => "limit=50".to_owned(),
        };
        let reply = self.api.list(&query);
        let Some(body) = self.success(Request::List, reply) else { return false };
        let page: Value = serde_json::from_str(&body).unwrap_or_default();
        let items = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let violation = match chosen {
            Some((place, _)) => check_found(&self.ledger.items[place], items),
            None => check_order(items),
        };
        self.ledger.violations.extend(violation);
        true
    }

    /// One of its own answers, deleted ones among them.
    fn some_answer(&mut self) -> Option<(usize, String)> {
        // Few were not acknowledged: another try finds one that was.
        (0..8).find_map(|_| {
            let place = self.random.below(self.ledger.items.len());
            let id = self.ledger.items.get(place)?.id()?.to_owned();
            Some((place, id))
        })
    }

    /// Counts a reply and gives the body of an answer.
    fn success(&mut self, request: Request, reply: Reply) -> Option<String> {
        let count = self.ledger.tally.count(request);
        match reply {
            Reply::Success(body) => {
                count.acknowledged += 1;
                return Some(body);
            }
            // An answer as well; whether it is the right one is for those to say who asked.
            Reply::NotFound => count.acknowledged += 1,
            Reply::Refused => count.refused += 1,
            Reply::Unknown => count.unknown += 1,
            Reply::Unexpected(what) => {
                count.refused += 1;
                self.violation(Kind::Unexpected, format!("{request:?}: {what}"));
            }
        }
        None
    }

    fn violation(&mut self, kind: Kind, what: String) {
        self.ledger.violations.push(kind.found(what));
    }
}

/// What is wrong with the rows that have an acknowledged text's ref.
fn check_found(text: &Item, items: &[Value]) -> Option<super::ledger::Violation> {
    match (items, text.deletion) {
        ([], Deletion::NotAsked) => Some(Kind::Lost.found(format!("{text:?} is not found by its ref"))),
        ([], _) => None,
        ([_], Deletion::Acknowledged) => Some(Kind::Undeleted.found(format!("{text:?} is found by its ref"))),
        ([item], _) => text.check(item),
        _ => Some(Kind::Doubled.found(format!("{text:?} is found {} times by its ref", items.len()))),
    }
}

/// What is wrong with the order of a page: newest first, none twice.
fn check_order(items: &[Value]) -> Option<super::ledger::Violation> {
    let ids: Vec<&str> = items.iter().filter_map(|item| item["id"].as_str()).collect();
    let falls = ids.windows(2).all(|pair| pair[0] > pair[1]);
    (!falls || ids.len() != items.len()).then(|| Kind::Doubled.found(format!("a page lists {ids:?}")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn text(deletion: Deletion) -> Item {
        let outcome = Outcome::Acknowledged { id: "x".to_owned(), answer: json!({ "id": "x" }).to_string() };
        Item { reference: "r".to_owned(), text: "t".to_owned(), outcome, deletion }
    }

    #[test]
    fn a_ref_finds_its_row_once_and_none_after_its_deletion() {
        let row = json!({ "id": "x", "text": "t" });
        let kind = |deletion, items: &[Value]| check_found(&text(deletion), items).map(|found| found.kind);
        assert_eq!(kind(Deletion::NotAsked, std::slice::from_ref(&row)), None);
        assert_eq!(kind(Deletion::NotAsked, &[]), Some(Kind::Lost));
        assert_eq!(kind(Deletion::NotAsked, &[row.clone(), row.clone()]), Some(Kind::Doubled));
        assert_eq!(kind(Deletion::Acknowledged, &[]), None);
        assert_eq!(kind(Deletion::Acknowledged, std::slice::from_ref(&row)), Some(Kind::Undeleted));
        assert_eq!(kind(Deletion::Open, &[]), None);
        assert_eq!(kind(Deletion::Open, &[row]), None);
        assert_eq!(kind(Deletion::NotAsked, &[json!({ "id": "x", "text": "u" })]), Some(Kind::Altered));
    }

    #[test]
    fn a_page_falls_and_lists_nothing_twice() {
        let page = |ids: &[&str]| ids.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>();
        assert_eq!(check_order(&page(&["c", "b", "a"])), None);
        assert_eq!(check_order(&page(&["b", "b"])).unwrap().kind, Kind::Doubled);
        assert!(check_order(&page(&["a", "b"])).is_some());
        assert!(check_order(&[json!({})]).is_some());
    }
}
