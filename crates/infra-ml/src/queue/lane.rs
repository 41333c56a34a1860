use std::collections::BTreeMap;
use std::sync::Arc;

use crate::job::{Class, Job};

/// A text of which the windows from `next` on are still to be run.
pub(super) struct Entry {
    pub(super) job: Arc<Job>,
    pub(super) next: usize,
}

impl Entry {
    /// The tokens of the windows that are still to be run.
    pub(super) fn cost(&self) -> usize {
        self.job.cost_from(self.next)
    }

    /// The tokens of the next window.
    pub(super) fn next_cost(&self) -> usize {
        self.job.cost(self.next)
    }
}

/// The single texts and the bulk texts that wait for the same workers, each in the order of their numbers.
///
/// While both wait, bulk texts get one token for every [`SINGLE_SHARE`] tokens of single ones: a single text waits for
/// the single texts before it and a third of their tokens, however many bulk texts there are, and bulk always gets on.
#[derive(Default)]
pub(super) struct Lane {
    single: BTreeMap<u64, Entry>,
    bulk: BTreeMap<u64, Entry>,
    /// The tokens of single texts taken while bulk waited, less those for which bulk had its turn.
    owed: usize,
}

/// The tokens of single texts for each token of bulk ones, while both wait.
pub(super) const SINGLE_SHARE: usize = 3;

impl Lane {
    pub(super) fn is_empty(&self) -> bool {
        self.single.is_empty() && self.bulk.is_empty()
    }

    pub(super) fn insert(&mut self, number: u64, entry: Entry) {
        self.of(entry.job.class()).insert(number, entry);
    }

    pub(super) fn remove(&mut self, class: Class, number: u64) -> Option<Entry> {
        self.of(class).remove(&number)
    }

    /// Removes the text whose turn it is if its next window has at most `budget` tokens: the oldest of its class, or
    /// the newest single one.
    pub(super) fn take(&mut self, budget: usize, newest_single: bool) -> Option<Entry> {
        let class = self.turn()?;
        let texts = self.of(class);
        let is_newest = newest_single && class == Class::Single;
        let found = if is_newest { texts.last_entry() } else { texts.first_entry() }?;
        if found.get().next_cost() > budget {
            return None;
        }
        let entry = found.remove();
        self.count(class, entry.next_cost());
        Some(entry)
    }

    /// Everything that waits, which waits no longer.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Entry> {
        let Self { single, bulk, .. } = std::mem::take(self);
        single.into_values().chain(bulk.into_values())
    }

    /// The class that has its turn; none where nothing waits.
    fn turn(&self) -> Option<Class> {
        let Some((_, first_of_bulk)) = self.bulk.first_key_value() else {
            return (!self.single.is_empty()).then_some(Class::Single);
        };
        let is_bulks = self.single.is_empty() || self.owed >= SINGLE_SHARE * first_of_bulk.next_cost();
        Some(if is_bulks { Class::Bulk } else { Class::Single })
    }

    fn count(&mut self, class: Class, cost: usize) {
        match class {
            Class::Single if self.bulk.is_empty() => self.owed = 0,
            Class::Single => self.owed += cost,
            Class::Bulk => self.owed = self.owed.saturating_sub(SINGLE_SHARE * cost),
        }
    }

    fn of(&mut self, class: Class) -> &mut BTreeMap<u64, Entry> {
        match class {
            Class::Single => &mut self.single,
            Class::Bulk => &mut self.bulk,
        }
    }
}
