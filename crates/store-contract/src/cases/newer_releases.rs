//! Rows that a newer release has written.

use domain::value_objects::{Scope, Scopes, TenantId};

use crate::SchemaHarness;
use crate::samples::key;
use crate::steps::issue;

/// A key has the scopes that this release knows; one more does not make it unreadable.
pub async fn a_scope_of_a_newer_release_is_not_granted(store: &impl SchemaHarness) {
    let default = TenantId::default();
    let mut key = key(&default, 1);
    key.scopes = [Scope::PredictionsRead, Scope::KeysAdmin].into_iter().collect();
    issue(store, &key).await.expect("the key is issued");
    store.set_scopes(&key.id, "everything:write predictions:read dreams:read").await;
    let known: Scopes = [Scope::PredictionsRead].into_iter().collect();
    let record = store.keys().find(&key.id).await.expect("the key can be read").expect("the key");
    assert_eq!(record.key.scopes, known);
    assert_eq!(store.keys().list(&default).await.expect("the keys can be read")[0].scopes, known);
    store.set_scopes(&key.id, "dreams:read").await;
    let record = store.keys().find(&key.id).await.expect("the key can be read").expect("the key");
    assert_eq!(record.key.scopes, Scopes::default());
}
