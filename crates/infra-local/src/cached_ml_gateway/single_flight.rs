use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use application::ports::{CacheKey, MlError};
use domain::value_objects::{InputText, TenantId};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tracing::Span;

use crate::cached_ml_gateway::computation::{Computation, Outcome};

/// The computations in flight in this process, by the cache keys of their texts.
///
/// A computation is shared by all calls that wait for it, and each of them polls it. So it makes progress while the
/// call that began it is not polled, for example because its client reads no more lines, and after that call is
/// dropped. The computation is dropped with its last call, which cancels its texts.
#[derive(Default)]
pub(super) struct SingleFlight(Mutex<Table>);

#[derive(Default)]
struct Table {
    entries: HashMap<FlightKey, Entry>,
    /// The number of the last computation, which distinguishes it from a later one of the same texts.
    last: u64,
}

struct Entry {
    in_flight: WeakShared<BoxFuture<'static, Arc<Outcome>>>,
    index: usize,
    number: u64,
    /// The span of the call that began it.
    span: Span,
}

/// Tenant, cache key, and whether the text is a single one.
type FlightKey = (TenantId, CacheKey, bool);

/// A computation in flight.
pub(super) type InFlight = Shared<BoxFuture<'static, Arc<Outcome>>>;

/// Where the output of a text will be.
pub(super) struct Slot {
    pub(super) in_flight: InFlight,
    /// The text's index in the computation.
    pub(super) index: usize,
    /// Whether the computation was begun for this text, rather than for an equal one.
    pub(super) first: bool,
    /// Whether the computation was begun by another call.
    pub(super) joined: bool,
}

/// A slot before the call's own computation has begun.
enum Found {
    Joined(Slot),
    Own { index: usize, first: bool },
}

/// The slots of some texts.
pub(super) struct Joined {
    /// The computation of the texts that were not in flight.
    pub(super) own: Option<InFlight>,
    /// One for each text, in their order.
    pub(super) slots: Vec<Slot>,
}

impl SingleFlight {
    /// Returns a slot for every text: in the computation in flight for it, if any, otherwise in a new one for all such
    /// texts, made by `begin`. Single texts join only computations of single texts, since bulk texts may wait long in
    /// the queue.
    ///
    /// The current span follows from those of the computations that are joined.
    pub(super) fn join<'a>(
        self: &Arc<Self>,
        tenant: &TenantId,
        is_single: bool,
        texts: impl Iterator<Item = (&'a CacheKey, &'a InputText)>,
        begin: impl FnOnce(Vec<CacheKey>, Vec<InputText>) -> Computation,
    ) -> Joined {
        let mut table = self.table();
        let (mut own_keys, mut own_texts) = (Vec::new(), Vec::new());
        let mut indices: HashMap<&CacheKey, usize> = HashMap::new();
        let mut found = Vec::new();
        for (key, text) in texts {
            found.push(match (table.slot(tenant, key, is_single), indices.get(key)) {
                (Some(slot), _) => Found::Joined(slot),
                (None, Some(index)) => Found::Own { index: *index, first: false },
                (None, None) => {
                    let index = own_keys.len();
                    indices.insert(key, index);
                    own_keys.push(key.clone());
                    own_texts.push(text.clone());
                    Found::Own { index, first: true }
                }
            });
        }
        let own = (!own_keys.is_empty()).then(|| {
            let keys = own_keys.iter().map(|key| (tenant.clone(), key.clone(), is_single)).collect();
            table.begin(self, keys, begin(own_keys, own_texts))
        });
        let slots = found.into_iter().filter_map(|found| match found {
            Found::Joined(slot) => Some(slot),
            Found::Own { index, first } => {
                own.clone().map(|in_flight| Slot { in_flight, index, first, joined: false })
            }
        });
        Joined { slots: slots.collect(), own }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// The slot of a text that is in flight.
    fn slot(&self, tenant: &TenantId, key: &CacheKey, is_single: bool) -> Option<Slot> {
        let mut key = (tenant.clone(), key.clone(), true);
        let find = |key: &FlightKey| {
            let entry = self.entries.get(key)?;
            Some((entry.in_flight.upgrade()?, entry))
        };
        let (in_flight, entry) = match find(&key) {
            None if !is_single => {
                key.2 = false;
                find(&key)?
            }
            found => found?,
        };
        Span::current().follows_from(&entry.span);
        Some(Slot { in_flight, index: entry.index, first: false, joined: true })
    }

    fn begin(
        &mut self,
        owner: &Arc<SingleFlight>,
        keys: Vec<FlightKey>,
        computation: Computation,
    ) -> InFlight {
        self.last += 1;
        let number = self.last;
        let entries = keys.clone();
        let registration = Registration { owner: Arc::clone(owner), keys, number };
        let in_flight = run(computation, registration).boxed().shared();
        // `downgrade` only fails for a future that has completed.
        if let Some(weak) = in_flight.downgrade() {
            for (index, key) in entries.into_iter().enumerate() {
                let (in_flight, span) = (weak.clone(), Span::current());
                self.entries.insert(key, Entry { in_flight, index, number, span });
            }
        }
        in_flight
    }
}

/// Runs the computation. A panic becomes an error for all calls that wait.
async fn run(computation: Computation, _registration: Registration) -> Arc<Outcome> {
    let outcome = AssertUnwindSafe(computation.run()).catch_unwind().await;
    let panicked = || MlError::inference_failed("the model's gateway panicked");
    Arc::new(outcome.unwrap_or_else(|_| Err(panicked())))
}

/// A computation's entries in the table, removed when it has ended or was dropped.
struct Registration {
    owner: Arc<SingleFlight>,
    keys: Vec<FlightKey>,
    number: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut table = self.owner.table();
        for key in &self.keys {
            // If the computation was dropped, another one of the same text may have begun already.
            if table.entries.get(key).is_some_and(|entry| entry.number == self.number) {
                table.entries.remove(key);
            }
        }
    }
}
