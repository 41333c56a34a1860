//! Synthetic predictions in bulk: a filled store for tests and measurements at scale.
//!
//! [`fill`] writes through the ports, so that ids, terms and JSON are exactly what the program itself stores. It
//! appends no events: a filled store has nothing to publish.

mod answers;
mod random;
mod texts;

use std::sync::Arc;

use application::ports::{StoreError, UnitOfWork, WriteStore};
use domain::entities::{NewPrediction, Prediction};
use domain::value_objects::{Dimensions, EventId, PredictionId, TenantId, Timestamp};
use futures_util::{StreamExt, stream};

use self::random::Random;

/// What to fill a store with. The same seed generates the same rows.
#[derive(Debug, Clone, Copy)]
pub struct Seed {
    /// How many predictions.
    pub rows: u64,
    /// How many days their times span.
    pub days: u32,
    /// The instant before which all of them are created.
    pub until: Timestamp,
    /// Where the sequence of random numbers starts.
    pub start: u64,
}

/// The rows of a write set: few flushes to the disk and little memory.
const SET: u64 = 1_000;

/// The write sets that wait for the writer, which joins them into one transaction.
const WAITING: usize = 4;

/// Stores `seed.rows` predictions of the default tenant, oldest first; calls `progress` with the number of rows that
/// are committed.
///
/// # Errors
/// The store's; rows of earlier write sets are stored by then.
pub async fn fill(
    writes: &Arc<dyn WriteStore>,
    seed: &Seed,
    mut progress: impl FnMut(u64),
) -> Result<(), StoreError> {
    let mut random = Random::new(seed.start);
    let sets = (0..seed.rows.div_ceil(SET)).map(|set| {
        let rows = set * SET..seed.rows.min((set + 1) * SET);
        let mut work = UnitOfWork::of(&TenantId::default());
        let count = rows.end - rows.start;
        for row in rows {
            work.insert(&prediction(seed, row, &mut random));
        }
        async move { writes.commit(work).await.map(|()| count) }
    });
    let mut commits = stream::iter(sets).buffered(WAITING);
    let mut stored = 0;
    while let Some(count) = commits.next().await {
        stored += count?;
        progress(stored);
    }
    Ok(())
}

/// Row number `row`: the rows are in the order of their times, which are spread evenly, each at random within its share
/// of the span.
fn prediction(seed: &Seed, row: u64, random: &mut Random) -> Prediction {
    let span = u128::from(seed.days.max(1)) * 86_400_000_000;
    let share = (span / u128::from(seed.rows.max(1))).max(1);
    let age = span - share * u128::from(row) - u128::from(random.below(share as u64));
    let now = Timestamp::from_micros(seed.until.as_micros().saturating_sub(age as i64));
    let (text, sentiment) = texts::text(random, row);
    Prediction::create(
        NewPrediction {
            id: PredictionId::from_u128(id_at(now, random)),
            event_id: EventId::from_u128(id_at(now, random)),
            reference: answers::reference(random, row),
            metadata: answers::metadata(random),
            model: answers::model(random, row * 3 < seed.rows * 2),
            usage: answers::usage(text.as_str()),
            result: answers::result(random, sentiment, text.as_str()),
            cached: random.one_in(12),
            text,
            now,
        },
        &Dimensions::default(),
    )
}

/// The bits of a UUID of version 7 (RFC 9562) created at `now`, as the program creates them: its milliseconds, the
/// fraction of a millisecond in twelve bits, 62 random bits.
fn id_at(now: Timestamp, random: &mut Random) -> u128 {
    let micros = now.as_micros().max(0).unsigned_abs();
    let fraction = u128::from(micros % 1_000 * 4_096 / 1_000);
    let tail = u128::from(random.next() >> 2);
    u128::from(micros / 1_000) << 80 | 7 << 76 | fraction << 64 | 2 << 62 | tail
}
