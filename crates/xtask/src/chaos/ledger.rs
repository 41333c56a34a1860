use serde_json::Value;

/// What one client, or all of them together, asked for and what came of it.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) items: Vec<Item>,
    pub(super) tally: Tally,
    pub(super) violations: Vec<Violation>,
}

/// A text that was sent once.
#[derive(Debug)]
pub(super) struct Item {
    /// The caller's own id, which no other text has.
    pub(super) reference: String,
    pub(super) text: String,
    pub(super) outcome: Outcome,
    pub(super) deletion: Deletion,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The answer, as it came, and its id.
    Acknowledged { id: String, answer: String },
    /// A row may be there, or none.
    Open,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deletion {
    NotAsked,
    Acknowledged,
    /// It was asked for, and nobody knows.
    Open,
}

/// What must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// An answer that was acknowledged, or half of a write set, is not there.
    Lost,
    /// It is there, and is not what was acknowledged.
    Altered,
    /// There are two rows where one was written, or two events, or two places in the feed.
    Doubled,
    /// An event was not published, or the feed has a hole.
    Unpublished,
    /// A deleted answer is there again.
    Undeleted,
    /// An answer that no request of the clients may get.
    Unexpected,
    /// A replica did not end, did not start or did not serve as it should.
    Unhealthy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) kind: Kind,
    pub(super) what: String,
}

/// The requests by what they asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    Single,
    Batch,
    Get,
    Delete,
    List,
}

/// How many requests had which outcome.
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

    pub(super) fn found(self, what: impl Into<String>) -> Violation {
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
    /// All of them as one.
    pub(super) fn together(ledgers: impl IntoIterator<Item = Self>) -> Self {
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
    /// The id of the answer, where it was acknowledged.
    pub(super) fn id(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Acknowledged { id, .. } => Some(id),
            Outcome::Open => None,
        }
    }

    /// What is wrong with a prediction that was found by the text's id or ref: it is the answer as it was
    /// acknowledged, and the text.
    pub(super) fn check(&self, found: &Value) -> Option<Violation> {
        let same = match &self.outcome {
            Outcome::Acknowledged { answer, .. } => {
                let mut whole: Value = serde_json::from_str(answer).unwrap_or_default();
                whole["text"] = Value::String(self.text.clone());
                whole == *found
            }
            Outcome::Open => found["text"] == *self.text && found["ref"] == *self.reference,
        };
        (!same).then(|| Kind::Altered.found(format!("{self:?} was found as {found}")))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use serde_json::json;

    use super::*;

    fn item(outcome: Outcome) -> Item {
        let (reference, text) = ("r-1".to_owned(), "so good".to_owned());
        Item { reference, text, outcome, deletion: Deletion::NotAsked }
    }

    #[test]
    fn an_answer_is_the_same_where_only_its_text_is_added() {
        let answer = json!({ "id": "x", "ref": "r-1", "confidence": 0.25 }).to_string();
        let item = item(Outcome::Acknowledged { id: "x".to_owned(), answer });
        let mut found = json!({ "id": "x", "ref": "r-1", "confidence": 0.25, "text": "so good" });
        assert_eq!(item.check(&found), None);
        found["confidence"] = json!(0.250_000_1);
        assert_eq!(item.check(&found).unwrap().kind, Kind::Altered);
        found["confidence"] = json!(0.25);
        found["text"] = json!("so bad");
        assert_eq!(item.check(&found).unwrap().kind, Kind::Altered);
    }

    #[test]
    fn of_an_answer_that_nobody_saw_text_and_ref_are_known() {
        let item = item(Outcome::Open);
        assert_eq!(item.check(&json!({ "ref": "r-1", "text": "so good", "confidence": 0.5 })), None);
        assert_eq!(item.check(&json!({ "ref": "r-1", "text": "" })).unwrap().kind, Kind::Altered);
    }

    #[test]
    fn ledgers_add_up() {
        let ledger = || {
            let mut ledger = Ledger { items: vec![item(Outcome::Open)], ..Ledger::default() };
            ledger.tally.count(Request::Get).refused += 2;
            ledger
        };
        let all = Ledger::together([ledger(), ledger()]);
        assert_eq!((all.items.len(), all.tally.of(Request::Get).refused), (2, 4));
        assert_eq!(all.tally.of(Request::List), Count::default());
    }
}
