use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use application::ports::{CacheKey, MlError};
use domain::value_objects::{InputText, TenantId};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tracing::Span;

use crate::cached_ml_gateway::reading::{Outcome, Reading};

/// The readings under way in this process, found by what their texts will be kept under.
///
/// A flight belongs to all who wait for it. Each of them carries it on, so that it does not stand still when the one
/// who began it is busy with something else, such as a client that takes no more lines; and it goes on when that one
/// leaves. When the last has left, it is given up, and the model need not read its texts.
#[derive(Default)]
pub(super) struct Flights(Mutex<UnderWay>);

#[derive(Default)]
struct UnderWay {
    seats: HashMap<Listing, Listed>,
    /// The number of the last flight, which tells a flight from a later one with the same texts.
    last: u64,
}

struct Listed {
    flight: WeakShared<BoxFuture<'static, Arc<Outcome>>>,
    place: usize,
    number: u64,
    /// That of the caller who began it.
    span: Span,
}

/// What a reading under way is found by: whose text, which, and whether it was asked for alone.
type Listing = (TenantId, CacheKey, bool);

/// A reading under way.
pub(super) type Flight = Shared<BoxFuture<'static, Arc<Outcome>>>;

/// Where a text is read.
pub(super) struct Seat {
    pub(super) flight: Flight,
    /// Its place among the texts of the flight.
    pub(super) place: usize,
    /// Whether the flight was begun for it, and not for a twin.
    pub(super) first: bool,
    /// Whether the flight was begun before, by another caller.
    pub(super) joined: bool,
}

/// Where a text is read, before its own flight has begun.
enum Found {
    Elsewhere(Seat),
    Here { place: usize, first: bool },
}

/// Where some texts are read.
pub(super) struct Boarding {
    /// The flight that was begun for those that were in none.
    pub(super) own: Option<Flight>,
    /// One a text, in their order.
    pub(super) seats: Vec<Seat>,
}

impl Flights {
    /// A seat for every text: in the flight that it or its twin is in already, else in a new one, for all that were in
    /// none together, that does `read`. A text that is asked for `alone` joins only flights of such texts: those of
    /// batches and streams may stand in line for long.
    ///
    /// The span of the caller follows from those of the flights that it joins.
    pub(super) fn board<'a>(
        self: &Arc<Self>,
        tenant: &TenantId,
        alone: bool,
        wanted: impl Iterator<Item = (&'a CacheKey, &'a InputText)>,
        read: impl FnOnce(Vec<CacheKey>, Vec<InputText>) -> Reading,
    ) -> Boarding {
        let mut under_way = self.under_way();
        let (mut keys, mut texts) = (Vec::new(), Vec::new());
        let mut places: HashMap<&CacheKey, usize> = HashMap::new();
        let mut found = Vec::new();
        for (key, text) in wanted {
            found.push(match (under_way.seat(tenant, key, alone), places.get(key)) {
                (Some(seat), _) => Found::Elsewhere(seat),
                (None, Some(place)) => Found::Here { place: *place, first: false },
                (None, None) => {
                    let place = keys.len();
                    places.insert(key, place);
                    keys.push(key.clone());
                    texts.push(text.clone());
                    Found::Here { place, first: true }
                }
            });
        }
        let own = (!keys.is_empty()).then(|| {
            let listed = keys.iter().map(|key| (tenant.clone(), key.clone(), alone)).collect();
            under_way.begin(self, listed, read(keys, texts))
        });
        let seats = found.into_iter().filter_map(|found| match found {
            Found::Elsewhere(seat) => Some(seat),
            Found::Here { place, first } => {
                own.clone().map(|flight| Seat { flight, place, first, joined: false })
            }
        });
        Boarding { seats: seats.collect(), own }
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    /// The seat of a text that is being read.
    fn seat(&self, tenant: &TenantId, key: &CacheKey, alone: bool) -> Option<Seat> {
        let mut listing = (tenant.clone(), key.clone(), true);
        let found = |listing: &Listing| {
            let listed = self.seats.get(listing)?;
            Some((listed.flight.upgrade()?, listed))
        };
        let (flight, listed) = match found(&listing) {
            None if !alone => {
                listing.2 = false;
                found(&listing)?
            }
            joined => joined?,
        };
        Span::current().follows_from(&listed.span);
        Some(Seat { flight, place: listed.place, first: false, joined: true })
    }

    fn begin(&mut self, flights: &Arc<Flights>, keys: Vec<Listing>, reading: Reading) -> Flight {
        self.last += 1;
        let number = self.last;
        let entries = keys.clone();
        let entry = Entry { flights: Arc::clone(flights), keys, number };
        let flight = fly(reading, entry).boxed().shared();
        // There is always a weak one of what has not been polled yet.
        if let Some(weak) = flight.downgrade() {
            for (place, key) in entries.into_iter().enumerate() {
                let (flight, span) = (weak.clone(), Span::current());
                self.seats.insert(key, Listed { flight, place, number, span });
            }
        }
        flight
    }
}

/// A panic would leave those who only wait without a word, so it ends as an error.
async fn fly(reading: Reading, _entry: Entry) -> Arc<Outcome> {
    let outcome = AssertUnwindSafe(reading.run()).catch_unwind().await;
    let panicked = || MlError::inference_failed("the model's gateway panicked");
    Arc::new(outcome.unwrap_or_else(|_| Err(panicked())))
}

/// A flight's entry in the list, which ends with the flight: when it has landed, or when nobody waits for it any more.
struct Entry {
    flights: Arc<Flights>,
    keys: Vec<Listing>,
    number: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut under_way = self.flights.under_way();
        for key in &self.keys {
            // A flight that was given up may be followed by another before its entry is gone.
            if under_way.seats.get(key).is_some_and(|listed| listed.number == self.number) {
                under_way.seats.remove(key);
            }
        }
    }
}
