use std::collections::BTreeMap;
use std::sync::Arc;

use crate::job::{Class, Job};

/// A text whose windows from `next` on wait.
pub(super) struct Entry {
    pub(super) job: Arc<Job>,
    pub(super) next: usize,
}

impl Entry {
    /// The tokens of the waiting windows.
    pub(super) fn cost(&self) -> usize {
        self.job.cost_from(self.next)
    }

    /// The tokens of the next window.
    pub(super) fn next_cost(&self) -> usize {
        self.job.cost(self.next)
    }
}

/// The texts whose next window is short, or long: a lane for each class, ordered by position.
///
/// While both lanes are occupied, one bulk token is taken for every [`SINGLE_PER_BULK`] single tokens. A single text
/// thus waits for the single texts before it plus a third of their tokens, however many bulk texts there are, and
/// bulk texts are not starved.
#[derive(Default)]
pub(super) struct LengthQueue {
    single: BTreeMap<u64, Entry>,
    bulk: BTreeMap<u64, Entry>,
    /// The single tokens taken while bulk waited that are not yet matched by bulk tokens.
    bulk_credit: usize,
}

/// The single tokens for each bulk token while both classes wait.
pub(super) const SINGLE_PER_BULK: usize = 3;

impl LengthQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.single.is_empty() && self.bulk.is_empty()
    }

    pub(super) fn insert(&mut self, position: u64, entry: Entry) {
        self.lane(entry.job.class()).insert(position, entry);
    }

    pub(super) fn remove(&mut self, class: Class, position: u64) -> Option<Entry> {
        self.lane(class).remove(&position)
    }

    /// Removes the next text if its next window has at most `budget` tokens: the oldest of the class whose turn it
    /// is, or the newest single one.
    pub(super) fn take(&mut self, budget: usize, newest_single: bool) -> Option<Entry> {
        let class = self.next_class()?;
        let lane = self.lane(class);
        let is_newest = newest_single && class == Class::Single;
        let next = if is_newest { lane.last_entry() } else { lane.first_entry() }?;
        if next.get().next_cost() > budget {
            return None;
        }
        let entry = next.remove();
        self.update_credit(class, entry.next_cost());
        Some(entry)
    }

    /// Removes everything that waits.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Entry> {
        let Self { single, bulk, .. } = std::mem::take(self);
        single.into_values().chain(bulk.into_values())
    }

    /// The class whose turn it is; `None` where nothing waits.
    fn next_class(&self) -> Option<Class> {
        let Some((_, first_bulk)) = self.bulk.first_key_value() else {
            return (!self.single.is_empty()).then_some(Class::Single);
        };
        let is_bulk = self.single.is_empty() || self.bulk_credit >= SINGLE_PER_BULK * first_bulk.next_cost();
        Some(if is_bulk { Class::Bulk } else { Class::Single })
    }

    fn update_credit(&mut self, class: Class, cost: usize) {
        match class {
            Class::Single if self.bulk.is_empty() => self.bulk_credit = 0,
            Class::Single => self.bulk_credit += cost,
            Class::Bulk => self.bulk_credit = self.bulk_credit.saturating_sub(SINGLE_PER_BULK * cost),
        }
    }

    fn lane(&mut self, class: Class) -> &mut BTreeMap<u64, Entry> {
        match class {
            Class::Single => &mut self.single,
            Class::Bulk => &mut self.bulk,
        }
    }
}
