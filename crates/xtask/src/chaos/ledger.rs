use serde_json::Value;

/// The texts and requests of one client, or of all, with their outcomes.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) items: Vec<Item>,
    pub(super) tally: Tally,
    pub(super) violations: Vec<Violation>,
}

/// A text that was sent once.
#[derive(Debug)]
pub(super) struct Item {
    /// The client's unique id of the text, its `ref`.
    pub(super) reference: String,
    pub(super) text: String,
    pub(super) outcome: Outcome,
    pub(super) deletion: Deletion,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The prediction as it was returned, and its id.
    Acknowledged { id: String, prediction: String },
    /// There may be a row or none.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deletion {
    NotRequested,
    Acknowledged,
    /// It was requested, and may have happened.
    Unknown,
}

/// The kind of a violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// An acknowledged prediction, or a part of its write set, is missing.
    Lost,
    /// A prediction differs from what was acknowledged.
    Altered,
    /// There are two rows or two events of one prediction, or a feed position was assigned twice.
    Doubled,
    /// An event was not published, or the feed has a gap.
    Unpublished,
    /// A deleted prediction is found again.
    Undeleted,
    /// A response that no request of the clients may get.
    Unexpected,
    /// A replica did not end, start or serve as it should.
    Unhealthy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) kind: Kind,
    pub(super) what: String,
}

/// The kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    Single,
    Batch,
    Get,
    Delete,
    List,
}

/// The number of requests by kind and outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    counts: [Count; 5],
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) acknowledged: u64,
    pub(super) refused: u64,
    pub(super) unknown: u64,
}

impl Kind {
    pub(super) const ALL: [(Self, &'static str); 7] = [
        (Self::Lost, "lost"),
        (Self::Altered, "altered"),
        (Self::Doubled, "doubled"),
        (Self::Unpublished, "unpublished"),
        (Self::Undeleted, "undeleted"),
        (Self::Unexpected, "unexpected"),
        (Self::Unhealthy, "unhealthy"),
    ];

    pub(super) fn violation(self, what: impl Into<String>) -> Violation {
        Violation { kind: self, what: what.into() }
    }
}

impl Request {
    pub(super) const ALL: [(Self, &'static str); 5] = [
        (Self::Single, "single texts"),
        (Self::Batch, "batches"),
        (Self::Get, "get"),
        (Self::Delete, "delete"),
        (Self::List, "list"),
    ];
}

impl Tally {
    pub(super) fn of(&self, request: Request) -> Count {
        self.counts[request as usize]
    }

    pub(super) fn count(&mut self, request: Request) -> &mut Count {
        &mut self.counts[request as usize]
    }

    fn add(&mut self, other: &Self) {
        for (own, other) in self.counts.iter_mut().zip(&other.counts) {
            own.acknowledged += other.acknowledged;
            own.refused += other.refused;
            own.unknown += other.unknown;
        }
    }
}

impl Ledger {
    /// Merges the ledgers of all clients.
    pub(super) fn merge(ledgers: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::default();
        for ledger in ledgers {
            all.items.extend(ledger.items);
            all.violations.extend(ledger.violations);
            all.tally.add(&ledger.tally);
        }
        all
    }
}

impl Item {
    /// Returns the prediction's id, if it was acknowledged.
    pub(super) fn id(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Acknowledged { id, .. } => Some(id),
            Outcome::Unknown => None,
        }
    }

    /// Compares a prediction, found by the text's id or ref, with the text and with what was acknowledged.
    pub(super) fn check(&self, found: &Value) -> Option<Violation> {
        let is_equal = match &self.outcome {
            Outcome::Acknowledged { prediction, .. } => {
                let mut expected: Value = serde_json::from_str(prediction).unwrap_or_default();
                expected["text"] = Value::String(self.text.clone());
                expected == *found
            }
            Outcome::Unknown => found["text"] == *self.text && found["ref"] == *self.reference,
        };
        (!is_equal).then(|| Kind::Altered.violation(format!("{self:?} was found as {found}")))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde_json::json;

    use super::*;

    fn item(outcome: Outcome) -> Item {
        let (reference, text) = ("r-1".to_owned(), "so good".to_owned());
        Item { reference, text, outcome, deletion: Deletion::NotRequested }
    }

    #[test]
    fn a_stored_prediction_is_the_acknowledged_one_with_its_text() {
        let prediction = json!({ "id": "x", "ref": "r-1", "confidence": 0.25 }).to_string();
        let item = item(Outcome::Acknowledged { id: "x".to_owned(), prediction });
        let mut found = json!({ "id": "x", "ref": "r-1", "confidence": 0.25, "text": "so good" });
        assert_eq!(item.check(&found), None);
        found["confidence"] = json!(0.250_000_1);
        assert_eq!(item.check(&found).unwrap().kind, Kind::Altered);
        found["confidence"] = json!(0.25);
        found["text"] = json!("so bad");
        assert_eq!(item.check(&found).unwrap().kind, Kind::Altered);
    }

    #[test]
    fn a_prediction_that_was_not_received_is_compared_by_text_and_ref() {
        let item = item(Outcome::Unknown);
        assert_eq!(item.check(&json!({ "ref": "r-1", "text": "so good", "confidence": 0.5 })), None);
        assert_eq!(item.check(&json!({ "ref": "r-1", "text": "" })).unwrap().kind, Kind::Altered);
    }

    #[test]
    fn ledgers_are_merged() {
        let ledger = || {
            let mut ledger = Ledger { items: vec![item(Outcome::Unknown)], ..Ledger::default() };
            ledger.tally.count(Request::Get).refused += 2;
            ledger
        };
        let all = Ledger::merge([ledger(), ledger()]);
        assert_eq!((all.items.len(), all.tally.of(Request::Get).refused), (2, 4));
        assert_eq!(all.tally.of(Request::List), Count::default());
    }
}
