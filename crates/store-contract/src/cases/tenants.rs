//! Every row belongs to one tenant.

use application::ports::{PredictionFilter, UnitOfWork};
use domain::value_objects::TenantId;

use crate::StoreHarness;
use crate::samples::{Samples, reference, tenant};
use crate::steps::{ALL, assert_not_found, events, ids_descending, query, try_insert};

/// One tenant's rows are neither found, listed, searched nor deleted by another.
pub async fn tenants_do_not_see_each_other(store: &impl StoreHarness) {
    let (ann, bob) = (tenant("ann"), tenant("bob"));
    let mut samples = Samples::new();
    let (anns, bobs) = (samples.many(3), samples.many(2));
    try_insert(store, &ann, &anns).await.expect("the set is committed");
    try_insert(store, &bob, &bobs).await.expect("the set is committed");

    let read = store.predictions();
    let shared = PredictionFilter { model: Some("sample-model".into()), ..query("sample") };
    for (who, own, others) in [(&ann, &anns, &bobs), (&bob, &bobs, &anns)] {
        for prediction in own {
            assert_eq!(read.find(who, prediction.id()).await.unwrap(), Some(prediction.into()));
        }
        for prediction in others {
            assert_eq!(read.find(who, prediction.id()).await.unwrap(), None);
            let filter = PredictionFilter {
                reference: prediction.reference().cloned(),
                ..PredictionFilter::default()
            };
            assert!(read.list(who, &filter, None, ALL).await.unwrap().items.is_empty());
        }
        for filter in [&PredictionFilter::default(), &shared] {
            let listed = read.list(who, filter, None, ALL).await.unwrap().items;
            let ids: Vec<_> = listed.iter().map(|record| record.prediction.id).collect();
            assert_eq!(ids, ids_descending(own));
        }
    }
    assert!(
        read.list(&TenantId::default(), &PredictionFilter::default(), None, ALL)
            .await
            .unwrap()
            .items
            .is_empty()
    );

    let mut work = UnitOfWork::of(&bob);
    work.delete(anns[0].id());
    assert_not_found(&store.writes().commit(work).await);
    assert!(read.find(&ann, anns[0].id()).await.unwrap().is_some());
}

/// Two tenants may have a row of the same id; each has its own, and deletes its own.
pub async fn two_tenants_may_use_the_same_id(store: &impl StoreHarness) {
    let (ann, bob) = (tenant("ann"), tenant("bob"));
    let mut samples = Samples::new();
    let anns = samples.one();
    let bobs =
        samples.one_with(|new| (new.id, new.reference) = (anns.id(), Some(reference("what bob calls it"))));
    try_insert(store, &ann, std::slice::from_ref(&anns)).await.expect("the set is committed");
    try_insert(store, &bob, std::slice::from_ref(&bobs)).await.expect("the id is bob's own");

    let mut work = UnitOfWork::of(&ann);
    work.delete(anns.id());
    store.writes().commit(work).await.expect("the row is deleted");
    let read = store.predictions();
    assert_eq!(read.find(&ann, anns.id()).await.unwrap(), None);
    assert_eq!(read.find(&bob, bobs.id()).await.unwrap(), Some((&bobs).into()));
}

/// The relay sees every tenant's events, each with its tenant.
pub async fn events_carry_their_tenant(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    for name in ["ann", "bob", "ann", "default"] {
        try_insert(store, &tenant(name), &[samples.one()]).await.expect("the set is committed");
    }
    let events = events(store).await;
    let tenants: Vec<_> = events.iter().map(|event| event.tenant.as_str()).collect();
    assert_eq!(tenants, ["ann", "bob", "ann", "default"]);
}
