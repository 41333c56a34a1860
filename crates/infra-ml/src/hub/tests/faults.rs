use std::time::Instant;

use testkit::HubFault;
use tokio::time::timeout;

use super::*;
use crate::load_error::LoadErrorKind;

#[tokio::test]
async fn a_download_resumes_where_it_was_cut() {
    let world = World::new();
    world.hub.fail(WEIGHTS, 1, HubFault::CutAfter(1_000));
    world.load(REPO).await.unwrap();
    let ranges: Vec<_> = world
        .hub
        .requests()
        .into_iter()
        .filter(|request| request.method == "GET" && request.path.starts_with(WEIGHTS))
        .map(|request| request.range)
        .collect();
    assert_eq!(ranges, [None, Some(format!("bytes=1000-{}", world.weights().len() - 1))]);
}

#[tokio::test]
async fn a_download_that_gets_further_each_time_is_never_given_up() {
    let world = World::new();
    world.hub.fail(WEIGHTS, 4, HubFault::CutAfter(500));
    assert!(world.settings().retries < 4);
    world.load(REPO).await.unwrap();
    assert_eq!(world.get_count(WEIGHTS), 5);
}

#[tokio::test]
async fn a_connection_cut_before_the_first_byte_is_reported_after_the_last_retry() {
    let world = World::new();
    world.hub.fail(WEIGHTS, usize::MAX, HubFault::CutAfter(0));
    assert!(matches!(world.refusal(REPO).await, HubError::Unreachable { .. }));
    assert_eq!(world.get_count(WEIGHTS), 3);
}

#[tokio::test]
async fn what_an_earlier_loading_fetched_is_not_fetched_again() {
    let world = World::new();
    world.hub.fail(WEIGHTS, 1, HubFault::CutAfter(1_000));
    world.hub.fail(WEIGHTS, 3, HubFault::status(500));
    assert!(matches!(world.refusal(REPO).await, HubError::Failing { status: 500, .. }));
    assert!(matches!(world.load_offline(REPO).await, Err(LoadError::Hub(HubError::Offline { .. }))));
    world.load(REPO).await.unwrap();
    let last = world.hub.requests().pop().unwrap();
    assert!(last.range.unwrap().starts_with("bytes=1000-"));
}

#[tokio::test]
async fn the_whole_file_from_a_hub_that_ignores_ranges_replaces_the_part() {
    let world = World::new();
    world.hub.fail(WEIGHTS, 1, HubFault::CutAfter(1_000));
    world.hub.fail(WEIGHTS, 1, HubFault::RangeIgnored);
    world.load(REPO).await.unwrap();
    assert_eq!(world.get_count(WEIGHTS), 2);
}

#[tokio::test]
async fn another_range_than_requested_starts_the_file_again_once() {
    for fault in [HubFault::RangeShifted, HubFault::status(416)] {
        let world = World::new();
        world.hub.fail(WEIGHTS, 1, HubFault::CutAfter(1_000));
        world.hub.fail(WEIGHTS, 1, fault.clone());
        world.load(REPO).await.unwrap();
        let last = world.hub.requests().pop().unwrap();
        assert_eq!((world.get_count(WEIGHTS), last.range), (3, None), "{fault:?}");

        let world = World::new();
        for fault in [HubFault::CutAfter(1_000), fault.clone(), HubFault::CutAfter(1_000), fault.clone()] {
            world.hub.fail(WEIGHTS, 1, fault);
        }
        let error = world.refusal(REPO).await;
        assert!(matches!(&error, HubError::WrongRange { from: 1_000, .. }), "{fault:?}: {error:?}");
        assert!(error.to_string().contains("model.safetensors"), "{error}");
    }
}

#[tokio::test]
async fn a_hub_that_ignores_ranges_and_cuts_each_answer_is_given_up() {
    let world = World::new();
    world.hub.fail(WEIGHTS, 1, HubFault::CutAfter(1_000));
    // Some answers are longer than the one before, none longer than all before.
    for bytes in [500, 700].repeat(10) {
        world.hub.fail(WEIGHTS, 1, HubFault::RangeIgnoredAndCutAfter(bytes));
    }
    assert!(matches!(world.refusal(REPO).await, HubError::Unreachable { .. }));
    assert_eq!(world.get_count(WEIGHTS), 3);
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let world = World::new();
    let fault = HubFault::Status { status: 429, error_code: None, retry_after: Some(1) };
    world.hub.fail("/api/models/org/tiny/revision", 1, fault);
    world.load(REPO).await.unwrap();
    let requests = world.hub.requests();
    assert!(requests[1].at - requests[0].at >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_long_rate_limit_is_reported() {
    let world = World::new();
    let fault = HubFault::Status { status: 429, error_code: None, retry_after: Some(3_600) };
    world.hub.fail("/api/", usize::MAX, fault);
    assert!(matches!(world.refusal(REPO).await, HubError::RateLimited { .. }));
    assert_eq!(world.get_count("/api/"), 1);
}

#[tokio::test]
async fn server_errors_that_pass_are_retried_on_every_route() {
    let world = World::new();
    for part in ["/revision/", "/tree/", "config.json", WEIGHTS] {
        world.hub.fail(part, 2, HubFault::status(500));
    }
    world.load(REPO).await.unwrap();
}

#[tokio::test]
async fn server_errors_that_stay_are_reported() {
    let world = World::new();
    world.hub.fail("/tree/", usize::MAX, HubFault::status(502));
    assert!(matches!(world.refusal(REPO).await, HubError::Failing { status: 502, .. }));
    assert_eq!(world.get_count("/tree/"), 3);
}

#[tokio::test]
async fn a_file_of_the_wrong_length_or_content_once_is_fetched_again() {
    for fault in [HubFault::Short(7), HubFault::Garbled] {
        for part in [WEIGHTS, "resolve/0123456789abcdef0123456789abcdef01234567/config.json"] {
            let world = World::new();
            world.hub.fail(part, 1, fault.clone());
            world.load(REPO).await.unwrap();
            assert_eq!(world.get_count(part), 2, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_file_that_stays_of_the_wrong_length_is_refused_and_looks_like_no_model() {
    let world = World::new();
    world.hub.fail(WEIGHTS, usize::MAX, HubFault::Short(7));
    let length = world.weights().len() as u64;
    let error = world.refusal(REPO).await;
    assert!(
        matches!(&error, HubError::WrongLength { file, expected, found, .. }
            if file == "model.safetensors" && (*expected, *found) == (length, length - 7)),
        "{error:?}"
    );
    assert!(!world.snapshot(COMMIT).join("model.safetensors").exists());
}

#[tokio::test]
async fn a_file_that_stays_of_the_wrong_content_is_refused_and_looks_like_no_model() {
    for (part, name) in [(WEIGHTS, "model.safetensors"), ("/tokenizer.json", "tokenizer.json")] {
        let world = World::new();
        world.hub.fail(part, usize::MAX, HubFault::Garbled);
        let error = world.refusal(REPO).await;
        assert!(matches!(&error, HubError::Checksum { file, .. } if file == name), "{error:?}");
        assert!(!world.snapshot(COMMIT).join(name).exists());
        assert!(matches!(world.load_offline(REPO).await, Err(LoadError::Hub(HubError::Offline { .. }))));
    }
}

#[tokio::test]
async fn a_silent_hub_is_retried() {
    let world = World::new();
    world.hub.fail(WEIGHTS, 1, HubFault::StallAfter(1_000));
    let short = HubSettings { timeout: Seconds(0.5), ..world.settings() };
    world.load_with(REPO, short).await.unwrap();
    assert_eq!((world.hub.stalled(), world.get_count(WEIGHTS)), (1, 2));
}

#[tokio::test]
async fn stopping_does_not_wait_for_a_download() {
    let world = World::new();
    world.hub.fail(WEIGHTS, usize::MAX, HubFault::StallAfter(1_000));
    let long = HubSettings { timeout: Seconds(3_600.0), ..world.settings() };
    let (running, loading) = start(REPO, quick(long, Arc::new(LoggedProgress::default())));
    let stalled = async {
        while world.hub.stalled() == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_mins(5), stalled).await.unwrap();
    let started = Instant::now();
    running.lifecycle.stop().await;
    assert_eq!(loading.await.unwrap_err().kind(), LoadErrorKind::Stopped);
    assert!(started.elapsed() < Duration::from_mins(1));
}
