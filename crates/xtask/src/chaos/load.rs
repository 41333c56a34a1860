use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::api::{Api, Reply};
use super::ledger::{Deletion, Item, Kind, Ledger, Outcome, Request};
use super::random::Random;
use super::stop_signal::StopSignal;

/// How long a client waits for a response: longer than every limit of the service.
const TIMEOUT: Duration = Duration::from_secs(45);
/// The maximum pause between two requests of a client: short enough for constant load on the machine's cores.
const BETWEEN: Duration = Duration::from_millis(60);
/// The minimum pause after a refused request, as a client that honors `Retry-After` makes.
const REFUSED: Duration = Duration::from_millis(200);
/// The maximum number of texts in a batch.
const BATCH: usize = 20;

/// A client that sends each text once, and reads, deletes and lists its own predictions.
#[derive(Debug)]
pub(super) struct Client {
    api: Api,
    random: Random,
    /// The prefix of its refs.
    name: String,
    ledger: Ledger,
}

impl Client {
    /// Creates a client of the balancer's port.
    pub(super) fn new(number: u64, seed: u64, port: u16) -> Self {
        let random = Random::of_stream(seed, number);
        let api = Api::at(port, TIMEOUT);
        Self { api, random, name: format!("client-{number}"), ledger: Ledger::default() }
    }

    /// Sends one request after another until `signal` stops it.
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
        for (index, (item, answer)) in items.iter().zip(answers).enumerate() {
            match (&answer["prediction"], answer["status"].as_u64()) {
                (prediction @ Value::Object(_), Some(200)) => {
                    self.acknowledge(first + index, item, prediction);
                }
                (_, Some(503)) => {}
                _ => self.violation(Kind::Unexpected, format!("an item has the result {answer}")),
            }
        }
        true
    }

    /// Records a new text and returns its item.
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
        let (outcome, deletion) = (Outcome::Unknown, Deletion::NotRequested);
        self.ledger.items.push(Item { reference, text, outcome, deletion });
        item
    }

    /// Records the prediction of the text at an index.
    fn acknowledge(&mut self, index: usize, item: &Value, answer: &Value) {
        let Some(id) = answer["id"].as_str() else {
            self.violation(Kind::Unexpected, format!("a text has the result {answer}"));
            return;
        };
        if answer["ref"] != item["ref"] || answer["metadata"] != item["metadata"] {
            self.violation(Kind::Altered, format!("{item} has the result {answer}"));
        }
        let outcome = Outcome::Acknowledged { id: id.to_owned(), prediction: answer.to_string() };
        self.ledger.items[index].outcome = outcome;
    }

    fn get(&mut self) -> bool {
        let Some((index, id)) = self.choose_prediction() else { return true };
        let reply = self.api.get(&id);
        let missing = reply == Reply::NotFound;
        let body = self.success(Request::Get, reply);
        let text = &self.ledger.items[index];
        let violation = match (text.deletion, &body) {
            (Deletion::NotRequested, None) if missing => {
                Some(Kind::Lost.violation(format!("{text:?} is not found by its id")))
            }
            (Deletion::Acknowledged, Some(_)) => {
                Some(Kind::Undeleted.violation(format!("{text:?} is found by its id")))
            }
            (_, Some(body)) => text.check(&serde_json::from_str(body).unwrap_or_default()),
            (_, None) => None,
        };
        self.ledger.violations.extend(violation);
        missing || body.is_some()
    }

    fn delete(&mut self) -> bool {
        let Some((index, id)) = self.choose_prediction() else { return true };
        let before = self.ledger.items[index].deletion;
        let reply = self.api.delete(&id);
        let missing = reply == Reply::NotFound;
        let done = self.success(Request::Delete, reply).is_some();
        let text = &mut self.ledger.items[index];
        let violation = match before {
            Deletion::NotRequested if missing => Some(Kind::Lost),
            Deletion::Acknowledged if done => Some(Kind::Undeleted),
            _ => None,
        };
        let violation = violation.map(|kind| kind.violation(format!("deletion of {text:?}: done = {done}")));
        text.deletion = match before {
            Deletion::Acknowledged => before,
            // If the outcome of an earlier request was unknown, that request may have deleted the row.
            _ if done || (missing && before == Deletion::Unknown) => Deletion::Acknowledged,
            _ => Deletion::Unknown,
        };
        self.ledger.violations.extend(violation);
        missing || done
    }

    /// Lists one of its predictions by its ref, or the newest of all clients.
    fn list(&mut self) -> bool {
        let chosen = self.choose_prediction().filter(|_| self.random.below(2) == 0);
        let query = match &chosen {
            Some((index, _)) => format!("ref={}", self.ledger.items[*index].reference),
            None => "limit=50".to_owned(),
        };
        let reply = self.api.list(&query);
        let Some(body) = self.success(Request::List, reply) else { return false };
        let page: Value = serde_json::from_str(&body).unwrap_or_default();
        let items = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let violation = match chosen {
            Some((index, _)) => check_found(&self.ledger.items[index], items),
            None => check_order(items),
        };
        self.ledger.violations.extend(violation);
        true
    }

    /// Chooses one of its own predictions, which may be deleted.
    fn choose_prediction(&mut self) -> Option<(usize, String)> {
        // Most texts were acknowledged, so few attempts are enough.
        (0..8).find_map(|_| {
            let index = self.random.below(self.ledger.items.len());
            let id = self.ledger.items.get(index)?.id()?.to_owned();
            Some((index, id))
        })
    }

    /// Counts a reply and returns the body of a success.
    fn success(&mut self, request: Request, reply: Reply) -> Option<String> {
        let count = self.ledger.tally.count(request);
        match reply {
            Reply::Success(body) => {
                count.acknowledged += 1;
                return Some(body);
            }
            // The caller checks whether it is correct.
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
        self.ledger.violations.push(kind.violation(what));
    }
}

/// Checks the rows with the ref of an acknowledged text.
fn check_found(text: &Item, items: &[Value]) -> Option<super::ledger::Violation> {
    match (items, text.deletion) {
        ([], Deletion::NotRequested) => {
            Some(Kind::Lost.violation(format!("{text:?} is not found by its ref")))
        }
        ([], _) => None,
        ([_], Deletion::Acknowledged) => {
            Some(Kind::Undeleted.violation(format!("{text:?} is found by its ref")))
        }
        ([item], _) => text.check(item),
        _ => Some(Kind::Doubled.violation(format!("{text:?} is found {} times by its ref", items.len()))),
    }
}

/// Checks the order of a page: newest first, none twice.
fn check_order(items: &[Value]) -> Option<super::ledger::Violation> {
    let ids: Vec<&str> = items.iter().filter_map(|item| item["id"].as_str()).collect();
    let is_descending = ids.windows(2).all(|pair| pair[0] > pair[1]);
    (!is_descending || ids.len() != items.len())
        .then(|| Kind::Doubled.violation(format!("a page lists {ids:?}")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn text(deletion: Deletion) -> Item {
        let outcome =
            Outcome::Acknowledged { id: "x".to_owned(), prediction: json!({ "id": "x" }).to_string() };
        Item { reference: "r".to_owned(), text: "t".to_owned(), outcome, deletion }
    }

    #[test]
    fn a_ref_finds_its_row_once_and_none_after_its_deletion() {
        let row = json!({ "id": "x", "text": "t" });
        let kind =
            |deletion, items: &[Value]| check_found(&text(deletion), items).map(|violation| violation.kind);
        assert_eq!(kind(Deletion::NotRequested, std::slice::from_ref(&row)), None);
        assert_eq!(kind(Deletion::NotRequested, &[]), Some(Kind::Lost));
        assert_eq!(kind(Deletion::NotRequested, &[row.clone(), row.clone()]), Some(Kind::Doubled));
        assert_eq!(kind(Deletion::Acknowledged, &[]), None);
        assert_eq!(kind(Deletion::Acknowledged, std::slice::from_ref(&row)), Some(Kind::Undeleted));
        assert_eq!(kind(Deletion::Unknown, &[]), None);
        assert_eq!(kind(Deletion::Unknown, &[row]), None);
        assert_eq!(kind(Deletion::NotRequested, &[json!({ "id": "x", "text": "u" })]), Some(Kind::Altered));
    }

    #[test]
    fn a_page_is_descending_and_lists_nothing_twice() {
        let page = |ids: &[&str]| ids.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>();
        assert_eq!(check_order(&page(&["c", "b", "a"])), None);
        assert_eq!(check_order(&page(&["b", "b"])).unwrap().kind, Kind::Doubled);
        assert!(check_order(&page(&["a", "b"])).is_some());
        assert!(check_order(&[json!({})]).is_some());
    }
}
