use std::net::IpAddr;
use std::time::Duration;

use application::ports::FailureLimiter;
use infra_local::AddressFailureLimiter;
use tokio::time::advance;

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn fail(limiter: &AddressFailureLimiter, from: &str, times: usize) {
    (0..times).for_each(|_| limiter.count(address(from)));
}

/// How long `from` is blocked, in seconds.
fn blocked(limiter: &AddressFailureLimiter, from: &str) -> Option<f64> {
    limiter.blocked_for(address(from)).map(|wait| wait.as_secs_f64())
}

#[tokio::test(start_paused = true)]
async fn an_address_is_blocked_after_its_failures_until_one_is_forgiven() {
    let limiter = AddressFailureLimiter::new(10);
    fail(&limiter, "192.0.2.1", 9);
    assert_eq!(blocked(&limiter, "192.0.2.1"), None);
    fail(&limiter, "192.0.2.1", 1);
    assert_eq!(blocked(&limiter, "192.0.2.1"), Some(6.0));
    assert_eq!(blocked(&limiter, "192.0.2.2"), None);
    advance(Duration::from_secs(5)).await;
    assert_eq!(blocked(&limiter, "192.0.2.1"), Some(1.0));
    advance(Duration::from_secs(1)).await;
    assert_eq!(blocked(&limiter, "192.0.2.1"), None);
    fail(&limiter, "192.0.2.1", 1);
    assert_eq!(blocked(&limiter, "192.0.2.1"), Some(6.0));
}

#[tokio::test(start_paused = true)]
async fn all_failures_expire_after_a_minute() {
    let limiter = AddressFailureLimiter::new(10);
    fail(&limiter, "192.0.2.1", 10);
    advance(Duration::from_mins(1)).await;
    fail(&limiter, "192.0.2.1", 9);
    assert_eq!(blocked(&limiter, "192.0.2.1"), None);
}

#[tokio::test(start_paused = true)]
async fn failures_of_attempts_at_the_same_time_do_not_extend_the_wait() {
    let limiter = AddressFailureLimiter::new(10);
    fail(&limiter, "192.0.2.1", 1_000);
    assert_eq!(blocked(&limiter, "192.0.2.1"), Some(6.0));
}

#[tokio::test(start_paused = true)]
async fn the_least_and_the_greatest_limit_hold() {
    let one = AddressFailureLimiter::new(1);
    fail(&one, "192.0.2.1", 1);
    assert_eq!(blocked(&one, "192.0.2.1"), Some(60.0));
    let many = AddressFailureLimiter::new(100_000);
    fail(&many, "192.0.2.1", 99_999);
    assert_eq!(blocked(&many, "192.0.2.1"), None);
    fail(&many, "192.0.2.1", 1);
    assert!(blocked(&many, "192.0.2.1").is_some());
}

#[tokio::test(start_paused = true)]
async fn ipv6_addresses_count_by_their_first_64_bits() {
    let limiter = AddressFailureLimiter::new(2);
    fail(&limiter, "2001:db8:0:1::1", 1);
    fail(&limiter, "2001:db8:0:1:ffff::2", 1);
    assert!(blocked(&limiter, "2001:db8:0:1:1:2:3:4").is_some());
    assert_eq!(blocked(&limiter, "2001:db8:0:2::1"), None);
}

#[tokio::test(start_paused = true)]
async fn an_ipv4_address_is_the_same_in_both_notations() {
    let limiter = AddressFailureLimiter::new(1);
    fail(&limiter, "::ffff:192.0.2.1", 1);
    assert!(blocked(&limiter, "192.0.2.1").is_some());
    assert_eq!(blocked(&limiter, "::ffff:192.0.2.2"), None);
}
