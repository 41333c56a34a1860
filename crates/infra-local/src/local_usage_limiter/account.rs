use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use application::ports::{ConcurrencyStanding, LimitsStanding};
use domain::value_objects::{Limits, Rate};

use super::bucket::{Bucket, Refusal};

/// What a tenant or a caller uses.
#[derive(Default)]
pub(super) struct Account {
    usage: Mutex<Usage>,
    /// Held by the call whose turn it is to wait for a text.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
pub(super) struct Usage {
    requests: Option<Bucket>,
    texts: Option<Bucket>,
    /// The requests in progress.
    pub(super) in_progress: u32,
}

impl Account {
    /// Locks the usage.
    pub(super) fn usage(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all calls before this one have dropped what this returns.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }
}

impl Usage {
    /// The bucket of the requests, at the rate of `limits`; none where they have no rate.
    pub(super) fn requests(&mut self, limits: &Limits) -> Option<&mut Bucket> {
        at_rate(&mut self.requests, limits.requests)
    }

    /// The bucket of the texts, at the rate of `limits`; none where they have no rate.
    pub(super) fn texts(&mut self, limits: &Limits) -> Option<&mut Bucket> {
        at_rate(&mut self.texts, limits.texts)
    }

    /// Whether no further request is allowed at the same time.
    pub(super) fn has_most_requests(&self, limits: &Limits) -> bool {
        limits.concurrent.is_some_and(|max| self.in_progress >= max.get())
    }

    /// What is left of `limits`, except of the quota of the day.
    pub(super) fn standing(&mut self, limits: &Limits) -> LimitsStanding {
        let in_use = self.in_progress;
        LimitsStanding {
            requests: self.requests(limits).map(|bucket| bucket.standing()),
            texts: self.texts(limits).map(|bucket| bucket.standing()),
            concurrent: limits.concurrent.map(|max| ConcurrencyStanding { max: max.get(), in_use }),
            texts_today: None,
        }
    }
}

/// The bucket at `rate`. A call without a rate leaves it as it is: its limits may be older than those of other calls.
fn at_rate(bucket: &mut Option<Bucket>, rate: Option<Rate>) -> Option<&mut Bucket> {
    let rate = rate?;
    let at_rate = match bucket.take() {
        Some(bucket) => bucket.at_rate(rate),
        None => Bucket::new(rate),
    };
    Some(bucket.insert(at_rate))
}

/// Takes `cells` from all of `buckets`, or none. The longest wait is the one that counts.
pub(super) fn take_all(mut buckets: [Option<&mut Bucket>; 2], cells: NonZeroU32) -> Result<(), Refusal> {
    let before = buckets.each_ref().map(|bucket| bucket.as_ref().map(|bucket| bucket.state()));
    let refusals = buckets.each_mut().map(|bucket| bucket.as_mut()?.take(cells).err());
    let Some(refusal) = refusals.into_iter().flatten().reduce(stricter) else { return Ok(()) };
    for (bucket, before) in buckets.into_iter().zip(before) {
        if let (Some(bucket), Some(before)) = (bucket, before) {
            bucket.restore(before);
        }
    }
    Err(refusal)
}

fn stricter(one: Refusal, other: Refusal) -> Refusal {
    match (one, other) {
        (Refusal::Never { max: one }, Refusal::Never { max: other }) => {
            Refusal::Never { max: one.min(other) }
        }
        (Refusal::NotYet { retry_after: one }, Refusal::NotYet { retry_after: other }) => {
            Refusal::NotYet { retry_after: one.max(other) }
        }
        (never @ Refusal::Never { .. }, _) | (_, never) => never,
    }
}

/// A request in progress, until it is dropped. It shares the ownership of its accounts.
pub(super) struct InProgress(pub(super) [Option<Arc<Account>>; 2]);

impl Drop for InProgress {
    fn drop(&mut self) {
        for account in self.0.iter().flatten() {
            account.usage().in_progress -= 1;
        }
    }
}
