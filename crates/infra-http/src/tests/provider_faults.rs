use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Mutex;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use testkit::ProviderFault;

use super::*;

/// Longer than the least time between two attempts without keys.
const LATER: Duration = Duration::from_secs(6);

/// The most bytes that the systems of both sides buffer on the loopback interface.
const BUFFERS: usize = 16 << 20;

fn issuer() -> Issuer {
    Issuer::p256(0, "p")
}

#[tokio::test]
async fn every_fault_is_unavailable_until_the_provider_recovers() {
    for fault in [
        ProviderFault::Status(500),
        ProviderFault::Status(404),
        ProviderFault::Status(204),
        ProviderFault::Garbage,
        ProviderFault::Cut,
        ProviderFault::Redirect("/keys".to_owned()),
        ProviderFault::Large { bytes: 2 << 20, declared: true },
        ProviderFault::Large { bytes: 2 << 20, declared: false },
    ] {
        let world = World::with_keys(&[&issuer()]);
        world.provider.set_fault(Some(fault.clone()));
        assert!(is_unavailable(&world.verify(&issuer().token()).await), "{fault:?}");
        assert!(is_unavailable(&world.verify(&issuer().token()).await), "{fault:?}");
        assert_eq!(world.provider.requests(), 1, "{fault:?}");
        world.provider.set_fault(None);
        world.clock.advance(LATER);
        assert!(world.verify(&issuer().token()).await.is_ok(), "{fault:?}");
        assert_eq!(world.provider.requests(), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn a_provider_that_stalls_is_given_up_and_its_connection_closed() {
    for fault in [ProviderFault::Stall, ProviderFault::StallInBody] {
        let world = World::impatient();
        world.provider.set_fault(Some(fault));
        let waiting = std::array::from_fn::<_, 8, _>(|_| async { world.verify(&issuer().token()).await });
        let all = futures_util::future::join_all(waiting).await;
        assert!(all.iter().all(is_unavailable), "{all:?}");
        assert_eq!(world.provider.connections(), 1);
        world.provider.until_open(0).await;
    }
}

#[tokio::test]
async fn a_redirect_is_followed_nowhere() {
    let elsewhere = FakeIdentityProvider::start();
    elsewhere.publish(&[issuer().jwk()]);
    let world = World::with_keys(&[]);
    for status in ["", "//", "http://localhost@"] {
        let to =
            if status.is_empty() { elsewhere.url() } else { format!("{status}{}/keys", elsewhere.address()) };
        world.provider.set_fault(Some(ProviderFault::Redirect(to)));
        assert!(is_unavailable(&world.verify(&issuer().token()).await));
        world.clock.advance(LATER);
    }
    assert_eq!((world.provider.requests(), elsewhere.connections()), (3, 0));
}

#[tokio::test]
async fn a_large_answer_is_read_no_further_than_its_limit() {
    for (declared, most) in [(true, BUFFERS), (false, (1 << 20) + BUFFERS)] {
        let world = World::with_keys(&[]);
        world.provider.set_fault(Some(ProviderFault::Large { bytes: 100 << 20, declared }));
        assert!(is_unavailable(&world.verify(&issuer().token()).await));
        world.provider.until_open(0).await;
        assert!(world.provider.sent() <= most, "{} bytes were sent", world.provider.sent());
    }
}

#[tokio::test]
async fn the_last_keys_are_used_for_a_day_while_the_provider_fails() {
    let world = World::with_keys(&[&issuer()]);
    let valid = json!({ "exp": now() + 90_000 });
    let (known, unknown) = (issuer().token_with(&valid), Issuer::p256(1, "new").token_with(&valid));
    world.verify(&known).await.unwrap();
    world.provider.set_fault(Some(ProviderFault::Status(503)));
    world.clock.advance(Duration::from_mins(5));
    assert!(world.verify(&known).await.is_ok());
    assert!(is_unavailable(&world.verify(&unknown).await), "it may be of a key that cannot be fetched");
    world.clock.advance(Duration::from_hours(23));
    assert!(world.verify(&known).await.is_ok());
    world.provider.until_open(0).await;
    world.clock.advance(Duration::from_hours(1));
    assert!(is_unavailable(&world.verify(&known).await));
    world.provider.set_fault(None);
    world.clock.advance(Duration::from_secs(31));
    assert!(world.verify(&known).await.is_ok());
}

#[tokio::test]
async fn keys_that_the_provider_no_longer_publishes_are_not_used() {
    let world = World::with_keys(&[&issuer()]);
    world.verify(&issuer().token()).await.unwrap();
    world.provider.publish(&[]);
    world.clock.advance(Duration::from_secs(31));
    assert_eq!(world.refusal(&Issuer::p256(1, "new").token()).await, "its key is not known");
    assert_eq!(world.refusal(&issuer().token()).await, "its key is not known");
}

/// A name server whose answer tests change.
struct ChangingResolver(Mutex<SocketAddr>);

impl Resolve for ChangingResolver {
    fn resolve(&self, _: Name) -> Resolving {
        let address = *self.0.lock().unwrap();
        Box::pin(async move { Ok(Box::new([address].into_iter()) as Addrs) })
    }
}

#[tokio::test]
async fn a_changed_address_is_asked_at_the_configured_port_and_no_other() {
    let (first, bystander) = (FakeIdentityProvider::start(), FakeIdentityProvider::start());
    let port = first.address().port();
    let other_address = IpAddr::from(Ipv4Addr::new(127, 0, 0, 2));
    let second = FakeIdentityProvider::start_at(other_address, port);
    let resolver = Arc::new(ChangingResolver(Mutex::new(first.address())));
    let url = format!("http://idp.example:{port}/keys").parse().unwrap();
    let client = reqwest::Client::builder().dns_resolver(Arc::clone(&resolver));
    let (old, new) = (Issuer::p256(0, "old"), Issuer::p256(1, "new"));
    first.publish(&[old.jwk()]);
    second.publish(&[new.jwk()]);
    let world = World::fetching_with(first, KeyFetcher::with_client(client, url).unwrap());
    world.verify(&old.token()).await.unwrap();
    // The answer names a port of its own, which has no effect.
    *resolver.0.lock().unwrap() = SocketAddr::new(other_address, bystander.address().port());
    world.clock.advance(Duration::from_secs(31));
    assert!(world.verify(&new.token()).await.is_ok());
    assert_eq!((world.provider.requests(), second.requests(), bystander.connections()), (1, 1, 0));
}
