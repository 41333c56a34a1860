use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use application::ports::{ApiKeyRepository, KeyRecord, StoreError, TenantRepository};
use async_trait::async_trait;
use domain::entities::{ApiKey, Tenant, TenantStatus};
use domain::value_objects::{KeyId, Limits, Scopes, SecretHash, TenantId, Timestamp};
use tokio::sync::watch;

/// Keys of the tenant `default`, which counts its reads, and stalls or fails on request.
pub(crate) struct CountedCallers {
    keys: Mutex<HashSet<KeyId>>,
    tenant_limits: Mutex<Limits>,
    uses: Mutex<Vec<(KeyId, Timestamp)>>,
    reads: AtomicUsize,
    /// The reads in progress, and the most there were.
    in_progress: Mutex<(usize, usize)>,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Up,
    Stalled,
    Down,
}

impl Default for CountedCallers {
    fn default() -> Self {
        Self {
            keys: Mutex::default(),
            tenant_limits: Mutex::default(),
            uses: Mutex::default(),
            reads: AtomicUsize::default(),
            in_progress: Mutex::default(),
            state: watch::Sender::new(State::Up),
        }
    }
}

impl CountedCallers {
    pub(crate) fn add(&self, id: &KeyId) {
        self.keys().insert(id.clone());
    }

    pub(crate) fn remove(&self, id: &KeyId) {
        self.keys().remove(id);
    }

    pub(crate) fn limit_tenant(&self, limits: Limits) {
        *self.tenant_limits.lock().unwrap() = limits;
    }

    /// Lets reads wait.
    pub(crate) fn stall(&self) {
        self.state.send_replace(State::Stalled);
    }

    /// Lets the reads that wait end.
    pub(crate) fn resume(&self) {
        self.state.send_replace(State::Up);
    }

    /// Lets reads and writes fail.
    pub(crate) fn fail(&self) {
        self.state.send_replace(State::Down);
    }

    /// Lets reads and writes succeed again.
    pub(crate) fn recover(&self) {
        self.resume();
    }

    /// The number of reads, of keys and tenants.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    /// The number of reads in progress, and the most there were.
    pub(crate) fn reads_in_progress(&self) -> (usize, usize) {
        *self.in_progress.lock().unwrap()
    }

    /// The uses of keys that were stored, in order.
    pub(crate) fn uses(&self) -> Vec<(KeyId, Timestamp)> {
        self.uses.lock().unwrap().clone()
    }

    fn keys(&self) -> MutexGuard<'_, HashSet<KeyId>> {
        self.keys.lock().unwrap()
    }

    async fn respond(&self) -> Result<(), StoreError> {
        let mut state = self.state.subscribe();
        let state = *state.wait_for(|state| *state != State::Stalled).await.expect("a sender");
        if state == State::Down { Err(StoreError::unavailable("down")) } else { Ok(()) }
    }
}

#[async_trait]
impl ApiKeyRepository for CountedCallers {
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        {
            let mut reads = self.in_progress.lock().unwrap();
            *reads = (reads.0 + 1, reads.1.max(reads.0 + 1));
        }
        let response = self.respond().await;
        self.in_progress.lock().unwrap().0 -= 1;
        response?;
        let key = self.keys().contains(id).then(|| ApiKey {
            id: id.clone(),
            tenant: TenantId::default(),
            name: None,
            scopes: Scopes::of_tenant(),
            limits: Limits::default(),
            secret: SecretHash::from_bytes([7; 32]),
            created_at: Timestamp::from_micros(0),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        });
        let (tenant_status, tenant_limits) = (TenantStatus::Active, Limits::default());
        Ok(key.map(|key| KeyRecord { key, tenant_status, tenant_limits }))
    }

    async fn list(&self, _: &TenantId) -> Result<Vec<ApiKey>, StoreError> {
        unreachable!("the directory lists no keys")
    }

    async fn record_use(&self, id: &KeyId, at: Timestamp) -> Result<(), StoreError> {
        self.respond().await?;
        self.uses.lock().unwrap().push((id.clone(), at));
        Ok(())
    }
}

#[async_trait]
impl TenantRepository for CountedCallers {
    async fn find(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.respond().await?;
        let (created_at, limits) = (Timestamp::from_micros(0), *self.tenant_limits.lock().unwrap());
        Ok(Some(Tenant { id: id.clone(), status: TenantStatus::Active, limits, created_at }))
    }

    async fn list(&self) -> Result<Vec<Tenant>, StoreError> {
        unreachable!("the directory lists no tenants")
    }

    async fn erase_rows(&self, _: &TenantId, _: u32) -> Result<u64, StoreError> {
        unreachable!("the directory erases nothing")
    }
}
