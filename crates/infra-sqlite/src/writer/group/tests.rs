#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};
use std::time::Instant;

use application::ports::{Deadline, SchemaMigrator, UnitOfWork};
use domain::entities::Prediction;
use domain::value_objects::{EventId, PredictionId, TenantId, Timestamp};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Metadata, Subscriber, info_span};

use super::*;
use crate::migrate::SqliteMigrator;
use crate::pool::Database;
use crate::settings::SqliteSettings;

/// A set that appends the event `id`, and deletes a prediction that is not there if `id` is odd.
fn pending(id: u128) -> (PendingSet, oneshot::Receiver<Result<(), StoreError>>) {
    pending_until(Deadline::Never, id)
}

fn pending_until(deadline: Deadline, id: u128) -> (PendingSet, oneshot::Receiver<Result<(), StoreError>>) {
    let prediction_id = PredictionId::from_u128(id);
    let event = Prediction::deleted(prediction_id, None, EventId::from_u128(id), Timestamp::from_micros(0));
    let mut work = UnitOfWork::of(&TenantId::default());
    work.append(&[event]);
    if id % 2 == 1 {
        work.delete(prediction_id);
    }
    work.begin_by(deadline);
    let (answer, answered) = oneshot::channel();
    let set = PreparedSet::new(&work, usize::MAX);
    (PendingSet { set, answer, span: Span::none() }, answered)
}

async fn session(folder: &tempfile::TempDir) -> Session {
    let url = format!("sqlite:{}", folder.path().join("undertone.db").display());
    let database = Database::from_settings(&SqliteSettings::new(url)).unwrap();
    let connection = database.first_writing().await.unwrap();
    SqliteMigrator::new(database.clone()).up().await.unwrap();
    Session::new(database, connection, None)
}

#[tokio::test]
async fn abandoned_and_late_sets_are_left_out_and_bad_ones_fail_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(&folder).await;
    let ((gone, receiver), (good, first)) = (pending(2), pending(4));
    let ((bad, refused), (good_too, second)) = (pending(5), pending(6));
    let (late, too_late) = pending_until(Deadline::At(Instant::now()), 8);
    drop(receiver);
    write(&mut session, vec![gone, good, late, bad, good_too]).await;

    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert!(matches!(too_late.await.unwrap(), Err(StoreError::DeadlineExceeded)));
    assert!(matches!(refused.await.unwrap(), Err(StoreError::NotFound { entity: "prediction", .. })));
    let connection = session.begin(Room::Normal, Flush::AtCommit).await.unwrap();
    let ids: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT event_id FROM outbox ORDER BY seq").fetch_all(connection).await.unwrap();
    assert_eq!(ids, [4_u128, 6].map(|id| id.to_be_bytes().to_vec()));
}

/// Records which spans follow from which.
#[derive(Default)]
struct Recorder {
    names: Mutex<Vec<&'static str>>,
    links: Mutex<Vec<(u64, u64)>>,
}

impl Subscriber for Recorder {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut names = self.names.lock().unwrap();
        names.push(span.metadata().name());
        Id::from_u64(names.len() as u64)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.links.lock().unwrap().push((span.into_u64(), follows.into_u64()));
    }

    fn event(&self, _event: &Event<'_>) {}

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

#[tokio::test]
async fn a_group_follows_from_the_spans_of_its_callers_once_each() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(&folder).await;
    let recorder = Arc::new(Recorder::default());
    let dispatch = Dispatch::new(Arc::clone(&recorder));
    let guard = tracing::dispatcher::set_default(&dispatch);
    // A second subscriber enables call sites that another test's thread has reached first.
    let _other = Dispatch::new(Recorder::default());

    let (one, other) = (info_span!("one"), info_span!("other"));
    let spans = [one.clone(), Span::none(), other.clone(), one.clone()];
    let (sets, answers): (Vec<_>, Vec<_>) = (1..5).map(|number| pending(number * 2)).unzip();
    let sets = sets.into_iter().zip(spans).map(|(pending, span)| PendingSet { span, ..pending });
    write(&mut session, sets.collect()).await;
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    drop(guard);

    let name = |id: &u64| recorder.names.lock().unwrap()[*id as usize - 1];
    let mut links: Vec<_> =
        recorder.links.lock().unwrap().iter().map(|(group, caller)| (name(group), name(caller))).collect();
    links.sort_unstable();
    assert_eq!(links, [("db.write_group", "one"), ("db.write_group", "other")]);
}
