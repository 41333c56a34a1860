//! Random interleavings of what two tenants do, compared with a model of two maps that share nothing.

use std::cell::Cell;
use std::collections::BTreeMap;

use application::dtos::PredictionRecord;
use application::ports::{PredictionFilter, UnitOfWork};
use domain::entities::{ApiKey, Prediction};
use domain::value_objects::{AuditEntry, EventId, PredictionId, Sentiment, TenantId, Timestamp};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, TestError, TestRunner};
use tokio::runtime::Handle;

use crate::StoreHarness;
use crate::cases::filters::matches;
use crate::samples::{FIRST, Samples, classified, entry, key, reference, tenant, text};
use crate::steps::{ALL, add_tenant, assert_conflict, assert_not_found, audit_of, events, query};

/// The sequences that are tried.
const SEQUENCES: u32 = 24;

/// The rows and the keys that the tenants share the ids of: few, so that they meet.
const IDS: u8 = 5;

/// Something that a tenant does.
#[derive(Debug, Clone)]
enum Step {
    Insert { row: u8, text: usize, reference: usize, sentiment: usize },
    Delete { row: u8 },
    Find { row: u8 },
    List { filter: usize, after: Option<u8>, limit: u32 },
    IssueKey { key: u8 },
    RevokeKey { key: u8 },
    FindKey { key: u8 },
    ListKeys,
    ListAudit { limit: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    let row = || 0..IDS;
    prop_oneof![
        6 => (row(), 0..3_usize, 0..3_usize, 0..2_usize).prop_map(|(row, text, reference, sentiment)| {
            Step::Insert { row, text, reference, sentiment }
        }),
        2 => row().prop_map(|row| Step::Delete { row }),
        2 => row().prop_map(|row| Step::Find { row }),
        6 => (0..6_usize, proptest::option::of(row()), 1..4_u32)
            .prop_map(|(filter, after, limit)| Step::List { filter, after, limit }),
        2 => row().prop_map(|key| Step::IssueKey { key }),
        1 => row().prop_map(|key| Step::RevokeKey { key }),
        1 => row().prop_map(|key| Step::FindKey { key }),
        1 => Just(Step::ListKeys),
        1 => (1..4_u32).prop_map(|limit| Step::ListAudit { limit }),
    ]
}

/// Whatever two tenants do in whatever order, each reads exactly what it has stored.
#[expect(clippy::unused_async, reason = "every case is an async function")]
pub async fn no_interleaving_shows_one_tenant_the_rows_of_another(store: &impl StoreHarness) {
    let config =
        Config { cases: SEQUENCES, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let turns = proptest::collection::vec((any::<bool>(), step()), 1..48);
    let (handle, sequence) = (Handle::current(), Cell::new(0));
    let outcome = tokio::task::block_in_place(|| {
        TestRunner::new(config).run(&turns, |turns| {
            sequence.set(sequence.get() + 1);
            handle.block_on(async {
                let mut world = World::start(store, sequence.get()).await;
                for (first, step) in &turns {
                    world.take_turn(usize::from(*first), step).await;
                }
                world.check_everything().await;
            });
            Ok(())
        })
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, turns)) => panic!("{reason} after {turns:#?}"),
        Err(error @ TestError::Abort(_)) => panic!("{error}"),
    }
}

/// What one tenant has stored.
struct Side {
    tenant: TenantId,
    rows: BTreeMap<u8, Prediction>,
    keys: BTreeMap<u8, ApiKey>,
    lines: Vec<AuditEntry>,
    events: Vec<EventId>,
}

struct World<'s, S> {
    store: &'s S,
    /// Distinguishes the tenants and the keys of this sequence from those of others.
    sequence: u32,
    samples: Samples,
    sides: [Side; 2],
}

impl<'s, S: StoreHarness> World<'s, S> {
    async fn start(store: &'s S, sequence: u32) -> Self {
        let side = |name: &str| Side {
            tenant: tenant(&format!("{name}-{sequence}")),
            rows: BTreeMap::new(),
            keys: BTreeMap::new(),
            lines: Vec::new(),
            events: Vec::new(),
        };
        let sides = [side("ann"), side("bob")];
        for side in &sides {
            add_tenant(store, &side.tenant).await;
        }
        // Ids of events are unique in the store.
        let samples = Samples::starting_at(u64::from(sequence) * 1_000);
        Self { store, sequence, samples, sides }
    }

    async fn take_turn(&mut self, turn: usize, step: &Step) {
        match *step {
            Step::Insert { row, text, reference, sentiment } => {
                let prediction = self.prediction(row, text, reference, sentiment);
                self.insert(turn, row, prediction).await;
            }
            Step::Delete { row } => self.delete(turn, row).await,
            Step::Find { row } => self.find(turn, row).await,
            Step::List { filter, after, limit } => self.list(turn, &filters()[filter], after, limit).await,
            Step::IssueKey { key } => self.issue(turn, key).await,
            Step::RevokeKey { key } => self.revoke(turn, key).await,
            Step::FindKey { key } => self.find_key(key).await,
            Step::ListKeys => self.list_keys(turn).await,
            Step::ListAudit { limit } => self.list_audit(turn, limit).await,
        }
    }

    /// Lists and finds everything of both tenants.
    async fn check_everything(&self) {
        let events = events(self.store).await;
        for (turn, side) in self.sides.iter().enumerate() {
            for filter in filters() {
                self.list(turn, &filter, None, ALL).await;
            }
            for row in 0..IDS {
                self.find(turn, row).await;
                self.find_key(row).await;
            }
            self.list_keys(turn).await;
            let lines: Vec<_> = side.lines.iter().rev().cloned().collect();
            assert_eq!(audit_of(self.store, &side.tenant).await, lines);
            let own = events.iter().filter(|event| event.tenant == side.tenant);
            assert_eq!(own.map(|event| event.event_id).collect::<Vec<_>>(), side.events);
        }
    }

    fn prediction(
        &mut self,
        row: u8,
        some_text: usize,
        some_reference: usize,
        sentiment: usize,
    ) -> Prediction {
        self.samples.one_with(|new| {
            new.id = row_id(row);
            new.text = text(["a good day", "a bad day", "nothing"][some_text]);
            new.reference = [None, Some("a"), Some("b")][some_reference].map(reference);
            new.result = classified(Sentiment::ALL[sentiment], 0.75);
        })
    }

    /// A unit of work with a line of the audit, which is added to the model if the unit is committed.
    fn work(&self, turn: usize, target: &str) -> (UnitOfWork, AuditEntry) {
        let side = &self.sides[turn];
        let line = entry(Some(&side.tenant), target);
        let mut work = UnitOfWork::of(&side.tenant);
        work.audit(line.clone());
        (work, line)
    }

    async fn insert(&mut self, turn: usize, row: u8, prediction: Prediction) {
        let (mut work, line) = self.work(turn, &format!("insert {row}"));
        work.insert(&prediction);
        work.append(prediction.events());
        let outcome = self.store.writes().commit(work).await;
        let side = &mut self.sides[turn];
        if side.rows.contains_key(&row) {
            assert_conflict(&outcome);
        } else {
            outcome.expect("the row is inserted");
            side.lines.push(line);
            side.events.extend(prediction.events().iter().map(domain::events::DomainEvent::event_id));
            side.rows.insert(row, prediction);
        }
    }

    async fn delete(&mut self, turn: usize, row: u8) {
        let (mut work, line) = self.work(turn, &format!("delete {row}"));
        work.delete(row_id(row));
        let outcome = self.store.writes().commit(work).await;
        let side = &mut self.sides[turn];
        if side.rows.remove(&row).is_some() {
            outcome.expect("the row is deleted");
            side.lines.push(line);
        } else {
            assert_not_found(&outcome);
        }
    }

    async fn find(&self, turn: usize, row: u8) {
        let side = &self.sides[turn];
        let found = self.store.predictions().find(&side.tenant, row_id(row)).await;
        let expected = side.rows.get(&row).map(PredictionRecord::from);
        assert_eq!(found.expect("the row can be read"), expected);
    }

    async fn list(&self, turn: usize, filter: &PredictionFilter, after: Option<u8>, limit: u32) {
        let side = &self.sides[turn];
        let below = side.rows.range(..after.unwrap_or(IDS)).rev().map(|(_, row)| row);
        let mut expected: Vec<_> =
            below.filter(|row| matches(filter, row)).map(PredictionRecord::from).collect();
        let more = expected.len() > limit as usize;
        expected.truncate(limit as usize);
        let end = expected.last().filter(|_| more).map(|record| record.prediction.id);
        let page = self.store.predictions().list(&side.tenant, filter, after.map(row_id), limit).await;
        let page = page.expect("the rows can be read");
        assert_eq!((page.items, page.end), (expected, end), "{filter:?}");
    }

    fn key(&self, turn: usize, number: u8) -> ApiKey {
        key(&self.sides[turn].tenant, self.sequence * u32::from(IDS) + u32::from(number))
    }

    async fn issue(&mut self, turn: usize, number: u8) {
        let key = self.key(turn, number);
        let (mut work, line) = self.work(turn, &format!("issue {number}"));
        work.insert_key(key.clone());
        let outcome = self.store.writes().commit(work).await;
        if self.sides.iter().any(|side| side.keys.contains_key(&number)) {
            assert_conflict(&outcome);
        } else {
            outcome.expect("the key is issued");
            self.sides[turn].lines.push(line);
            self.sides[turn].keys.insert(number, key);
        }
    }

    async fn revoke(&mut self, turn: usize, number: u8) {
        let at = Timestamp::from_micros(FIRST + i64::from(number));
        let (mut work, line) = self.work(turn, &format!("revoke {number}"));
        work.revoke_key(self.key(turn, number).id, at);
        let outcome = self.store.writes().commit(work).await;
        let side = &mut self.sides[turn];
        match side.keys.get_mut(&number).filter(|key| key.revoked_at.is_none()) {
            Some(key) => {
                outcome.expect("the key is revoked");
                key.revoked_at = Some(at);
                side.lines.push(line);
            }
            None => assert_not_found(&outcome),
        }
    }

    async fn find_key(&self, number: u8) {
        let found = self.store.keys().find(&self.key(0, number).id).await.expect("the key can be read");
        let expected = self.sides.iter().find_map(|side| side.keys.get(&number));
        assert_eq!(found.map(|record| record.key).as_ref(), expected);
    }

    async fn list_keys(&self, turn: usize) {
        let side = &self.sides[turn];
        let listed = self.store.keys().list(&side.tenant).await.expect("the keys can be read");
        assert_eq!(listed.iter().collect::<Vec<_>>(), side.keys.values().rev().collect::<Vec<_>>());
    }

    async fn list_audit(&self, turn: usize, limit: u32) {
        let side = &self.sides[turn];
        let lines = self.store.audit().list(Some(&side.tenant), None, limit).await;
        let entries: Vec<_> =
            lines.expect("the lines can be read").into_iter().map(|line| line.entry).collect();
        let newest = side.lines.iter().rev().take(limit as usize).cloned();
        assert_eq!(entries, newest.collect::<Vec<_>>());
    }
}

fn row_id(row: u8) -> PredictionId {
    let lowest = PredictionId::lowest_at(Timestamp::from_micros(FIRST)).as_u128();
    PredictionId::from_u128(lowest | u128::from(row))
}

fn filters() -> [PredictionFilter; 6] {
    let any = PredictionFilter::default;
    [
        any(),
        PredictionFilter { reference: Some(reference("a")), ..any() },
        PredictionFilter { sentiment: Some(Sentiment::ALL[0]), ..any() },
        PredictionFilter { model: Some("sample-model".to_owned()), ..any() },
        query("day"),
        PredictionFilter { reference: Some(reference("b")), ..query("good day") },
    ]
}
