use super::*;

#[tokio::test]
async fn keys_are_fetched_once_for_all_that_wait() {
    let issuer = Issuer::p256(0, "p");
    let world = World::with_keys(&[&issuer]);
    let token = issuer.token();
    let all: [_; 8] = std::array::from_fn(|_| world.verify(&token));
    assert!(futures_of(all).await.into_iter().all(|verified| verified.is_ok()));
    assert_eq!(world.provider.requests(), 1);
}

async fn futures_of<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    futures_util::future::join_all(futures).await
}

#[tokio::test]
async fn a_cancelled_request_does_not_end_the_fetch_that_others_wait_for() {
    let issuer = Issuer::p256(0, "p");
    let world = World::with_keys(&[&issuer]);
    let token = issuer.token();
    {
        let mut cancelled = Box::pin(world.verify(&token));
        assert!(futures_util::poll!(&mut cancelled).is_pending());
    }
    assert!(world.verify(&token).await.is_ok());
    assert_eq!(world.provider.requests(), 1);
}

#[tokio::test]
async fn an_unknown_key_is_fetched_at_most_every_30_seconds() {
    let (old, new) = (Issuer::p256(0, "old"), Issuer::p256(1, "new"));
    let world = World::with_keys(&[&old]);
    world.verify(&old.token()).await.unwrap();
    world.provider.publish(&[new.jwk()]);
    for _ in 0..100 {
        assert_eq!(world.refusal(&new.token()).await, "its key is not known");
    }
    assert_eq!(world.provider.requests(), 1);
    world.clock.advance(Duration::from_secs(31));
    let new_token = new.token();
    assert!(world.verify(&new_token).await.is_ok(), "a rotated key is fetched");
    assert_eq!(world.refusal(&old.token()).await, "its key is not known", "the old key is gone");
    assert_eq!(world.provider.requests(), 2);
}

#[tokio::test]
async fn nothing_is_fetched_where_that_is_not_allowed() {
    let issuer = Issuer::p256(0, "p");
    let world = World::with_keys(&[&issuer]);
    let refused = world.verifier.verify(&issuer.token(), false).await;
    assert_eq!(refusal_of(refused), "its key is not known");
    assert_eq!(world.provider.connections(), 0);
    world.verify(&issuer.token()).await.unwrap();
    assert!(world.verifier.verify(&issuer.token(), false).await.is_ok(), "a known key is used");
    let unknown = world.verifier.verify(&Issuer::p256(1, "q").token(), false).await;
    assert_eq!(refusal_of(unknown), "its key is not known");
}

#[tokio::test]
async fn old_keys_are_refreshed_in_the_background() {
    let (old, new) = (Issuer::p256(0, "old"), Issuer::p256(1, "new"));
    let world = World::with_keys(&[&old]);
    world.verify(&old.token()).await.unwrap();
    world.provider.publish(&[new.jwk()]);
    world.clock.advance(Duration::from_mins(5));
    let valid = json!({ "exp": now() + 3_600 });
    assert!(world.verify(&old.token_with(&valid)).await.is_ok(), "it does not wait for the new keys");
    // Joins the attempt in progress, or finds what it has fetched.
    assert!(world.verify(&new.token_with(&valid)).await.is_ok());
    assert_eq!(world.refusal(&old.token_with(&valid)).await, "its key is not known");
    assert_eq!(world.provider.requests(), 2);
}

#[tokio::test]
async fn after_an_idle_time_a_withdrawn_key_is_not_accepted() {
    let (old, new) = (Issuer::p256(0, "old"), Issuer::p256(1, "new"));
    let world = World::with_keys(&[&old]);
    world.verify(&old.token()).await.unwrap();
    world.provider.publish(&[new.jwk()]);
    world.clock.advance(Duration::from_mins(10));
    let valid = json!({ "exp": now() + 3_600 });
    assert_eq!(world.refusal(&old.token_with(&valid)).await, "its key is not known");
    world.provider.set_fault(Some(testkit::ProviderFault::Status(500)));
    world.clock.advance(Duration::from_mins(10));
    assert!(
        world.verify(&new.token_with(&valid)).await.is_ok(),
        "the provider fails: the last keys are used"
    );
}

#[tokio::test]
async fn a_provider_that_rotates_every_second_is_asked_every_30_seconds() {
    let world = World::with_keys(&[&Issuer::p256(0, "0")]);
    let ids: Vec<&'static str> = (0..90).map(|second| &*second.to_string().leak()).collect();
    let mut accepted = 0;
    for id in ids {
        let issuer = Issuer::p256(0, id);
        world.provider.publish(&[issuer.jwk()]);
        let token = issuer.token_with(&json!({ "exp": now() + 3_600 }));
        accepted += usize::from(world.verify(&token).await.is_ok());
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!((world.provider.requests(), accepted), (3, 3));
}

#[tokio::test]
async fn a_fetch_that_fails_is_logged_with_the_reason() {
    let world = World::with_keys(&[&Issuer::p256(0, "p")]);
    let log = testkit::CapturedLog::start();
    world.provider.set_fault(Some(testkit::ProviderFault::Status(500)));
    assert!(is_unavailable(&world.verify(&Issuer::p256(0, "p").token()).await));
    let line = log.lines().into_iter().find(|line| line.message.contains("cannot fetch the keys")).unwrap();
    assert!(line.field("reason").contains("500"), "{line:?}");
}
