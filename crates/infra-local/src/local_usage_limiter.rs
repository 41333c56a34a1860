//! Limits what principals use of this process, by the generic cell rate algorithm, and of the day, by the store's sums.

mod account;
mod accounts;
mod bucket;
mod day_sums;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use application::ports::{
    LimitError, LimitPolicy, LimitsStanding, Principal, PrincipalStanding, RequestPermit, StoreError,
    UsageLimiter, UsageReadModel,
};
use async_trait::async_trait;
use domain::value_objects::Limits;
use tokio::time::sleep;

use account::{Account, InProgress, Usage, take_all};
use accounts::{AccountKey, Accounts};
use bucket::{Bucket, Refusal};
use day_sums::DaySums;

/// Limits requests, texts and concurrent requests of each tenant, and of each caller with limits of its own, within
/// this process.
///
/// Each call has the limits of its principal; where a rate has changed, the same part of the burst is used, and a call
/// without a rate uses nothing of it.
/// Callers without any limit are not counted. The account that was unused for longest is forgotten where there are too
/// many, but none with a request in progress.
pub struct LocalUsageLimiter {
    accounts: Accounts,
    day: DaySums,
}

/// The accounts that are remembered although nothing of them is in progress.
const MAX_ACCOUNTS: u64 = 100_000;

/// When to try again after too many concurrent requests: any of them may end at any time.
const CONCURRENT_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The accounts of a principal: of its tenant, and of the caller where it has limits of its own.
struct PrincipalAccounts<'a> {
    tenant: (Arc<Account>, &'a Limits),
    own: Option<(Arc<Account>, &'a Limits)>,
}

impl LocalUsageLimiter {
    /// Makes a limiter that has counted nothing. To refuse by the quota of the day before the store does, it must be
    /// [refreshed](Self::refresh).
    pub fn new() -> Self {
        Self { accounts: Accounts::new(MAX_ACCOUNTS), day: DaySums::default() }
    }

    /// Reads the texts of this day, of all replicas, for the tenants with a quota that were seen in the last minute. To
    /// be called about every second; between the calls the store alone enforces the quota.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`; then the sums before stay in use.
    pub async fn refresh(&self, usage: &dyn UsageReadModel) -> Result<(), StoreError> {
        let tenants = self.day.tenants();
        if !tenants.is_empty() {
            self.day.update(&tenants, usage.today(&tenants).await?);
        }
        Ok(())
    }

    fn accounts<'a>(&self, principal: &'a Principal) -> PrincipalAccounts<'a> {
        let own = principal.own.as_ref().map(|own| {
            let key = AccountKey::of_caller(&principal.tenant, &own.id);
            (self.accounts.get_or_add(key), &own.limits)
        });
        let key = AccountKey::of_tenant(&principal.tenant);
        PrincipalAccounts { tenant: (self.accounts.get_or_add(key), &principal.limits), own }
    }

    /// What is left of `limits`, of the account `key`.
    fn limits_standing(&self, key: &AccountKey, limits: &Limits) -> LimitsStanding {
        let texts_today = limits.texts_per_day.map(|quota| self.day.standing(key, quota.get()));
        let account = self.accounts.get(key).unwrap_or_default();
        LimitsStanding { texts_today, ..account.usage().standing(limits) }
    }
}

impl Default for LocalUsageLimiter {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> PrincipalAccounts<'a> {
    /// Calls `decide` with the usage of all accounts, locked, and their limits. The tenant's comes first, so that no
    /// two calls wait for each other.
    fn decide<T>(&self, decide: impl FnOnce([Option<(&mut Usage, &'a Limits)>; 2]) -> T) -> T {
        let (account, limits) = &self.tenant;
        let mut tenant = account.usage();
        let mut own = self.own.as_ref().map(|(account, limits)| (account.usage(), *limits));
        decide([Some((&mut *tenant, *limits)), own.as_mut().map(|(usage, limits)| (&mut **usage, *limits))])
    }

    fn take_texts(&self, texts: NonZeroU32) -> Result<(), LimitError> {
        self.decide(|usages| {
            let buckets = usages.map(|usage| usage.and_then(|(usage, limits)| usage.texts(limits)));
            take(LimitPolicy::Texts, buckets, texts)
        })
    }

    /// The account whose callers wait one after another.
    fn line(&self) -> &Account {
        self.own.as_ref().map_or(&self.tenant.0, |(account, _)| account)
    }
}

#[async_trait]
impl UsageLimiter for LocalUsageLimiter {
    async fn begin_request(&self, principal: &Principal) -> Result<RequestPermit, LimitError> {
        if is_unlimited(principal) {
            return Ok(RequestPermit::uncounted());
        }
        self.day.note(principal);
        let accounts = self.accounts(principal);
        accounts.decide(|mut usages| {
            if usages.iter().flatten().any(|(usage, limits)| usage.has_most_requests(limits)) {
                let (policy, retry_after) = (LimitPolicy::Concurrent, CONCURRENT_RETRY_AFTER);
                return Err(LimitError::Exceeded { policy, retry_after });
            }
            let buckets = usages.each_mut().map(|usage| {
                let (usage, limits) = usage.as_mut()?;
                usage.requests(limits)
            });
            take(LimitPolicy::Requests, buckets, NonZeroU32::MIN)?;
            usages.into_iter().flatten().for_each(|(usage, _)| usage.in_progress += 1);
            Ok(())
        })?;
        let own = accounts.own.map(|(account, _)| account);
        Ok(RequestPermit::new(InProgress([Some(accounts.tenant.0), own])))
    }

    async fn take_texts(&self, principal: &Principal, texts: NonZeroU32) -> Result<(), LimitError> {
        if is_unlimited(principal) {
            return Ok(());
        }
        self.day.note(principal);
        self.day.check(principal, texts.get())?;
        self.accounts(principal).take_texts(texts)
    }

    /// Waits in the order of the calls, of those of the same caller where it has limits of its own.
    async fn wait_for_text(&self, principal: &Principal) -> Result<(), LimitError> {
        if is_unlimited(principal) {
            return Ok(());
        }
        self.day.note(principal);
        let accounts = self.accounts(principal);
        let _turn = accounts.line().turn().await;
        loop {
            self.day.check(principal, 1)?;
            match accounts.take_texts(NonZeroU32::MIN) {
                Err(LimitError::Exceeded { retry_after, .. }) => sleep(retry_after).await,
                taken => return taken,
            }
        }
    }

    fn standing(&self, principal: &Principal) -> PrincipalStanding {
        let tenant = &principal.tenant;
        let own = principal.own.as_ref();
        PrincipalStanding {
            tenant: self.limits_standing(&AccountKey::of_tenant(tenant), &principal.limits),
            own: own.map(|own| self.limits_standing(&AccountKey::of_caller(tenant, &own.id), &own.limits)),
        }
    }
}

fn is_unlimited(principal: &Principal) -> bool {
    principal.limits.is_unlimited() && principal.own.is_none()
}

/// Takes `cells` from all of `buckets`, or none.
fn take(policy: LimitPolicy, buckets: [Option<&mut Bucket>; 2], cells: NonZeroU32) -> Result<(), LimitError> {
    take_all(buckets, cells).map_err(|refusal| match refusal {
        Refusal::NotYet { retry_after } => LimitError::Exceeded { policy, retry_after },
        Refusal::Never { max } => LimitError::TooManyAtOnce { max },
    })
}
