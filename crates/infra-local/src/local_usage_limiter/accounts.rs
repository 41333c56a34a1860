use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use domain::value_objects::TenantId;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::account::Account;

/// Whose account it is: that of a tenant, or of a caller of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct AccountKey {
    pub(super) tenant: TenantId,
    pub(super) caller: Option<String>,
}

impl AccountKey {
    pub(super) fn of_tenant(tenant: &TenantId) -> Self {
        Self { tenant: tenant.clone(), caller: None }
    }

    pub(super) fn of_caller(tenant: &TenantId, caller: &str) -> Self {
        Self { tenant: tenant.clone(), caller: Some(caller.to_owned()) }
    }
}

/// The accounts by their keys. At any time a key has at most one.
pub(super) struct Accounts {
    /// Holds the accounts that were used lately.
    recent: Cache<AccountKey, Arc<Account>>,
    /// Every account that is recent or held by a request in progress.
    all: Mutex<HashMap<AccountKey, Weak<Account>>>,
    max: u64,
}

impl Accounts {
    /// Makes an empty table that remembers at most `max` accounts that nothing else holds.
    pub(super) fn new(max: u64) -> Self {
        let recent = Cache::builder().max_capacity(max).eviction_policy(EvictionPolicy::lru()).build();
        Self { recent, all: Mutex::default(), max }
    }

    pub(super) fn get(&self, key: &AccountKey) -> Option<Arc<Account>> {
        if let Some(account) = self.recent.get(key) {
            return Some(account);
        }
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(key).and_then(Weak::upgrade)
    }

    pub(super) fn get_or_add(&self, key: AccountKey) -> Arc<Account> {
        if let Some(account) = self.recent.get(&key) {
            return account;
        }
        let account = self.live_or_new(&key);
        self.recent.insert(key, Arc::clone(&account));
        account
    }

    fn live_or_new(&self, key: &AccountKey) -> Arc<Account> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = all.get(key).and_then(Weak::upgrade) {
            return account;
        }
        if all.len() as u64 >= 2 * self.max {
            all.retain(|_, account| account.strong_count() > 0);
        }
        let account = Arc::default();
        all.insert(key.clone(), Arc::downgrade(&account));
        account
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn key(number: usize) -> AccountKey {
        AccountKey::of_caller(&TenantId::default(), &number.to_string())
    }

    #[test]
    fn a_key_has_one_account_as_long_as_something_holds_it() {
        let accounts = Accounts::new(10);
        let held = accounts.get_or_add(key(0));
        for number in 1..1_000 {
            drop(accounts.get_or_add(key(number)));
        }
        accounts.recent.run_pending_tasks();
        assert!(accounts.recent.get(&key(0)).is_none(), "it was evicted");
        assert!(Arc::ptr_eq(&held, &accounts.get(&key(0)).unwrap()));
        assert!(Arc::ptr_eq(&held, &accounts.get_or_add(key(0))));
    }

    #[test]
    fn accounts_that_nothing_holds_are_forgotten() {
        let accounts = Accounts::new(10);
        for number in 0..1_000 {
            drop(accounts.get_or_add(key(number)));
            accounts.recent.run_pending_tasks();
        }
        assert!(accounts.recent.entry_count() <= 10);
        assert!(accounts.all.lock().unwrap().len() <= 20);
        assert!(accounts.get(&key(0)).is_none());
    }
}
