use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::job::{Class, Job};
use crate::metric;
use crate::queue::lane::{Entry, Lane};
use crate::queue::room::Room;
use crate::queue::{QueueLimits, Task};

/// The tokens above which a window is long.
const LONG: usize = 128;

/// The windows that are taken newest first for each caller of a single text who gave up waiting.
const NEWEST_FIRST: usize = 16;

/// How long after a single text came one of several workers takes no bulk. The callers of single texts send the next
/// one a moment after the answer, and would find all workers at windows of tens of milliseconds.
const RESERVED: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Length {
    #[default]
    Short,
    Long,
}

/// What waits and what runs.
pub(super) struct State {
    short: Lane,
    long: Lane,
    single: Room,
    bulk: Room,
    /// The number of the last text that came or went back to the end.
    last_number: u64,
    /// How many windows of single texts are still to be taken newest first.
    newest_first: usize,
    /// When a single text came last.
    last_single: Option<Instant>,
    pub(super) reserved: Duration,
    /// How many take from the queue.
    pub(super) workers: usize,
    /// Batches that run, and those of them that are long.
    pub(super) running: usize,
    pub(super) running_long: usize,
    /// What was taken last.
    pub(super) last: Length,
    pub(super) stopped: bool,
    /// The texts and tokens of this queue that the gauges count now.
    gauged: (f64, f64),
}

impl State {
    pub(super) fn new(limits: QueueLimits) -> Self {
        Self {
            short: Lane::default(),
            long: Lane::default(),
            single: Room::new(limits.items, limits.tokens),
            bulk: Room::new((limits.items / 2).max(1), limits.tokens / 2),
            last_number: 0,
            newest_first: 0,
            last_single: None,
            reserved: RESERVED,
            workers: 1,
            running: 0,
            running_long: 0,
            last: Length::default(),
            stopped: false,
            gauged: (0.0, 0.0),
        }
    }

    pub(super) fn texts(&self) -> usize {
        self.single.texts() + self.bulk.texts()
    }

    pub(super) fn tokens(&self) -> usize {
        self.single.tokens() + self.bulk.tokens()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.texts() == 0
    }

    /// The bulk texts in the queue and in the line before it.
    pub(super) fn bulk_texts(&self) -> usize {
        self.bulk.texts() + self.bulk.line.len()
    }

    /// Whether a text of `cost` tokens would be let in at once: its class has room, and nobody of its class stands in
    /// line.
    pub(super) fn has_room(&self, class: Class, cost: usize) -> bool {
        let room = match class {
            Class::Single => &self.single,
            Class::Bulk => &self.bulk,
        };
        room.line.is_empty() && room.fits(cost)
    }

    pub(super) fn push(&mut self, job: Arc<Job>) {
        if job.class() == Class::Single {
            self.last_single = Some(Instant::now());
        }
        let entry = Entry { job, next: 0 };
        self.room(entry.job.class()).add(entry.cost());
        self.append(entry);
    }

    pub(super) fn stand_in_line(&mut self, job: Arc<Job>) -> oneshot::Receiver<()> {
        let (entered, notice) = oneshot::channel();
        let number = self.number(&job);
        self.room(job.class()).line.insert(number, (job, entered));
        notice
    }

    /// Moves those at the head of each line into the queue while there is room. Whether there were any.
    pub(super) fn let_in(&mut self) -> bool {
        let mut moved = false;
        for class in [Class::Single, Class::Bulk] {
            while let Some((job, entered)) = self.room(class).next_in_line() {
                self.push(job);
                // One who does not listen is in all the same.
                let _ = entered.send(());
                moved = true;
            }
        }
        moved
    }

    /// How long the worker that asks is to leave bulk alone: nothing else waits, it is the last that is not busy, and a
    /// single text came a moment ago. None where it may take what waits.
    pub(super) fn pause(&self) -> Option<Duration> {
        let is_last = self.workers > 1 && self.running + 1 >= self.workers;
        if !is_last || self.single.texts() > 0 || self.bulk.texts() == 0 {
            return None;
        }
        let pause = self.reserved.checked_sub(self.last_single?.elapsed())?;
        (!pause.is_zero()).then_some(pause)
    }

    /// Which windows a worker takes now.
    pub(super) fn next_length(&self) -> Length {
        let longs_turn = match self.workers {
            1 => self.last == Length::Short,
            _ => self.running_long == 0,
        };
        if self.long.is_empty() || (!self.short.is_empty() && !longs_turn) {
            Length::Short
        } else {
            Length::Long
        }
    }

    /// Takes windows of at most `budget` tokens together, or one window.
    pub(super) fn take(&mut self, length: Length, budget: usize) -> Vec<Task> {
        let mut tasks: Vec<Task> = Vec::new();
        let mut left = usize::MAX;
        loop {
            let newest_single = self.newest_first > 0;
            let Some(mut entry) = self.lane(length).take(left, newest_single) else { break };
            let class = entry.job.class();
            if !entry.job.is_wanted() {
                // One of its windows has failed.
                self.room(class).remove(entry.cost());
                continue;
            }
            let cost = entry.next_cost();
            if class == Class::Single {
                self.newest_first = self.newest_first.saturating_sub(1);
            }
            left = if tasks.is_empty() { budget.saturating_sub(cost) } else { left - cost };
            tasks.push(Task { job: Arc::clone(&entry.job), window: entry.next });
            entry.next += 1;
            if entry.next < entry.job.windows() {
                self.room(class).take_window(cost);
                self.append(entry);
            } else {
                self.room(class).remove(cost);
            }
        }
        self.forget_haste();
        tasks
    }

    /// Takes a text out, wherever it waits. Whether it was still to be run, wholly or in part.
    pub(super) fn remove(&mut self, job: &Job) -> bool {
        let (class, number) = (job.class(), job.number());
        if self.room(class).line.remove(&number).is_some() {
            return true;
        }
        let entry = self.short.remove(class, number).or_else(|| self.long.remove(class, number));
        let Some(entry) = entry else { return false };
        self.room(class).remove(entry.cost());
        true
    }

    /// A caller of a single text gave up waiting. Where many do, the oldest that wait are about to be given up too, and
    /// to answer those would be to answer nobody: the newest go first then.
    pub(super) fn hasten(&mut self) {
        self.newest_first = self.newest_first.saturating_add(NEWEST_FIRST);
        self.forget_haste();
    }

    /// Everything that waits, in the queue and before it.
    pub(super) fn drain(&mut self) -> Vec<Arc<Job>> {
        let mut jobs: Vec<_> = self.short.drain().chain(self.long.drain()).map(|entry| entry.job).collect();
        for class in [Class::Single, Class::Bulk] {
            let room = self.room(class);
            room.clear();
            jobs.extend(std::mem::take(&mut room.line).into_values().map(|(job, _)| job));
        }
        jobs
    }

    /// Corrects the gauges, which count what waits for all models of the process.
    pub(super) fn gauge(&mut self) {
        let now = (self.texts() as f64, self.tokens() as f64);
        metrics::gauge!(metric::QUEUE_DEPTH).increment(now.0 - self.gauged.0);
        metrics::gauge!(metric::QUEUE_TOKENS).increment(now.1 - self.gauged.1);
        self.gauged = now;
    }

    fn forget_haste(&mut self) {
        if self.single.texts() == 0 {
            self.newest_first = 0;
        }
    }

    /// Puts a text at the end of the lane of its next window: all but the last of a text's windows are alike.
    fn append(&mut self, entry: Entry) {
        let length = if entry.next_cost() > LONG { Length::Long } else { Length::Short };
        let number = self.number(&entry.job);
        self.lane(length).insert(number, entry);
    }

    fn number(&mut self, job: &Job) -> u64 {
        self.last_number += 1;
        job.set_number(self.last_number);
        self.last_number
    }

    fn lane(&mut self, length: Length) -> &mut Lane {
        match length {
            Length::Short => &mut self.short,
            Length::Long => &mut self.long,
        }
    }

    fn room(&mut self, class: Class) -> &mut Room {
        match class {
            Class::Single => &mut self.single,
            Class::Bulk => &mut self.bulk,
        }
    }
}
