use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::job::{Class, Job};
use crate::metric;
use crate::queue::class_load::ClassLoad;
use crate::queue::length_queue::{Entry, LengthQueue};
use crate::queue::throughput::Throughput;
use crate::queue::{QueueLimits, Task};

/// A window of more tokens is long.
const MAX_SHORT_WINDOW: usize = 128;

/// The windows that are taken newest first for each single text whose caller gave up.
const NEWEST_FIRST_WINDOWS: usize = 16;

/// How long after the arrival of single texts some workers take no bulk. A client that sends single texts in sequence
/// sends the next one shortly after the reply; without a free worker it would wait for windows of tens of milliseconds.
const RESERVE_TIME: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Length {
    #[default]
    Short,
    Long,
}

/// What waits and what runs.
pub(super) struct State {
    short: LengthQueue,
    long: LengthQueue,
    pub(super) single: ClassLoad,
    pub(super) bulk: ClassLoad,
    pub(super) throughput: Throughput,
    /// The last position that was assigned: to a text that arrived, or that returned to the end of its queue.
    last_position: u64,
    /// How many windows of single texts remain to be taken newest first.
    newest_first: usize,
    /// When the last single text entered.
    last_single: Option<Instant>,
    /// The most single texts that waited or ran at once, since about the reserve time.
    most_singles: usize,
    /// When there were so many.
    most_singles_at: Option<Instant>,
    pub(super) reserve_time: Duration,
    pub(super) workers: usize,
    /// The tokens below which what waits is not divided among idle workers.
    pub(super) min_batch_tokens: usize,
    /// The batches that run.
    pub(super) running: usize,
    /// The running batches of long windows.
    pub(super) running_long: usize,
    /// The running batches without single texts.
    pub(super) running_bulk: usize,
    /// The single texts of all running batches.
    pub(super) running_singles: usize,
    /// The length of the last batch that was taken.
    pub(super) last_length: Length,
    pub(super) stopped: bool,
    /// The texts and tokens that this queue contributes to the gauges.
    last_published: (f64, f64),
}

impl State {
    pub(super) fn new(limits: QueueLimits) -> Self {
        Self {
            short: LengthQueue::default(),
            long: LengthQueue::default(),
            single: ClassLoad::new(limits.items, limits.tokens),
            bulk: ClassLoad::new((limits.items / 2).max(1), limits.tokens / 2),
            throughput: Throughput::default(),
            last_position: 0,
            newest_first: 0,
            last_single: None,
            most_singles: 0,
            most_singles_at: None,
            reserve_time: RESERVE_TIME,
            workers: 1,
            min_batch_tokens: 0,
            running: 0,
            running_long: 0,
            running_bulk: 0,
            running_singles: 0,
            last_length: Length::default(),
            stopped: false,
            last_published: (0.0, 0.0),
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

    /// The number of bulk texts in the queue and in the backlog.
    pub(super) fn bulk_texts(&self) -> usize {
        self.bulk.texts() + self.bulk.backlog_texts()
    }

    /// Whether a text of `cost` tokens can enter now: it fits, and its class has no backlog.
    pub(super) fn can_enter(&self, class: Class, cost: usize) -> bool {
        let load = match class {
            Class::Single => &self.single,
            Class::Bulk => &self.bulk,
        };
        load.backlog_texts() == 0 && load.fits(cost)
    }

    /// Adds a text to the queue.
    pub(super) fn push(&mut self, job: Arc<Job>) {
        let class = job.class();
        self.append(Entry { job, next: 0 });
        if class == Class::Single {
            self.note_single();
        }
    }

    /// Adds a text to the backlog. The receiver is notified when it enters the queue.
    pub(super) fn push_backlog(&mut self, job: Arc<Job>) -> oneshot::Receiver<()> {
        let position = self.next_position(&job);
        self.load(job.class()).push_backlog(position, job)
    }

    /// Moves texts from the backlogs into the queue while they fit. Returns whether there were any.
    pub(super) fn admit_backlog(&mut self) -> bool {
        let mut moved = false;
        for class in [Class::Single, Class::Bulk] {
            while let Some((job, entered)) = self.load(class).pop_backlog() {
                self.push(job);
                // Fails if the caller is about to drop the text; then its job is removed next.
                let _ = entered.send(());
                moved = true;
            }
        }
        moved
    }

    /// How long the calling worker must wait before it takes bulk: only bulk waits, single texts came within the
    /// reserve time, and the worker is the last free one or one of the reserve. `None` where it may take what waits.
    pub(super) fn bulk_delay(&self) -> Option<Duration> {
        let is_reserved =
            self.running + 1 >= self.workers || self.running_bulk + self.reserve() >= self.workers;
        if self.workers == 1 || !is_reserved || self.single.texts() > 0 || self.bulk.texts() == 0 {
            return None;
        }
        let delay = self.reserve_time.checked_sub(self.last_single?.elapsed())?;
        (!delay.is_zero()).then_some(delay)
    }

    /// The workers that bulk leaves free: one for each of the single texts that came at once, and at most seven of
    /// eight.
    pub(super) fn reserve(&self) -> usize {
        self.most_singles.min(self.workers * 7 / 8).max(1)
    }

    /// Notes the arrival of a single text.
    fn note_single(&mut self) {
        let now = Instant::now();
        let singles = self.single.texts() + self.running_singles;
        let is_recent = self.most_singles_at.is_some_and(|at| now.duration_since(at) < self.reserve_time);
        if singles >= self.most_singles || !is_recent {
            (self.most_singles, self.most_singles_at) = (singles, Some(now));
        }
        self.last_single = Some(now);
    }

    /// The length of the windows that a worker takes now.
    pub(super) fn next_length(&self) -> Length {
        let is_longs_turn = match self.workers {
            1 => self.last_length == Length::Short,
            _ => self.running_long == 0,
        };
        if self.long.is_empty() || (!self.short.is_empty() && !is_longs_turn) {
            Length::Short
        } else {
            Length::Long
        }
    }

    /// Takes windows of at most `budget` tokens in total, or one window of any size.
    pub(super) fn take(&mut self, length: Length, budget: usize) -> Vec<Task> {
        let mut tasks: Vec<Task> = Vec::new();
        let mut left = usize::MAX;
        loop {
            let newest_single = self.newest_first > 0;
            let Some(mut entry) = self.of_length(length).take(left, newest_single) else { break };
            let class = entry.job.class();
            self.load(class).remove(&entry);
            if !entry.job.is_awaited() {
                // Another window of the text has failed.
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
                self.append(entry);
            }
        }
        self.reset_newest_first();
        tasks
    }

    /// Removes a text from the queue or the backlog. Returns whether windows of it were waiting.
    pub(super) fn remove(&mut self, job: &Job) -> bool {
        let (class, position) = (job.class(), job.position());
        if self.load(class).remove_backlog(position) {
            return true;
        }
        let entry = self.short.remove(class, position).or_else(|| self.long.remove(class, position));
        let Some(entry) = entry else { return false };
        self.load(class).remove(&entry);
        true
    }

    /// Takes the next windows of single texts newest first, after a caller gave up: where many do, the oldest texts are
    /// about to be given up too, and computing them would be wasted.
    pub(super) fn prefer_newest(&mut self) {
        self.newest_first = self.newest_first.saturating_add(NEWEST_FIRST_WINDOWS);
        self.reset_newest_first();
    }

    /// Removes everything that waits, in the queue and in the backlogs.
    pub(super) fn drain(&mut self) -> Vec<Arc<Job>> {
        let mut jobs: Vec<_> = self.short.drain().chain(self.long.drain()).map(|entry| entry.job).collect();
        for class in [Class::Single, Class::Bulk] {
            jobs.extend(self.load(class).drain());
        }
        jobs
    }

    /// Publishes the change of the load since the last call: the gauges are sums over the queues of all models.
    pub(super) fn publish_gauges(&mut self) {
        let (texts, tokens) = (self.texts() as f64, self.tokens() as f64);
        metrics::gauge!(metric::QUEUE_DEPTH).increment(texts - self.last_published.0);
        metrics::gauge!(metric::QUEUE_TOKENS).increment(tokens - self.last_published.1);
        self.last_published = (texts, tokens);
    }

    /// Returns to first come, first served when no single text waits.
    fn reset_newest_first(&mut self) {
        if self.single.texts() == 0 {
            self.newest_first = 0;
        }
    }

    /// Counts a text, and appends it to the queue for the length of its next window. All windows of a text but the last
    /// have one length.
    fn append(&mut self, entry: Entry) {
        let length = if entry.next_cost() > MAX_SHORT_WINDOW { Length::Long } else { Length::Short };
        let position = self.next_position(&entry.job);
        self.load(entry.job.class()).add(&entry);
        self.of_length(length).insert(position, entry);
    }

    fn next_position(&mut self, job: &Job) -> u64 {
        self.last_position += 1;
        job.set_position(self.last_position);
        self.last_position
    }

    fn of_length(&mut self, length: Length) -> &mut LengthQueue {
        match length {
            Length::Short => &mut self.short,
            Length::Long => &mut self.long,
        }
    }

    fn load(&mut self, class: Class) -> &mut ClassLoad {
        match class {
            Class::Single => &mut self.single,
            Class::Bulk => &mut self.bulk,
        }
    }
}
