use std::time::Instant;

use testkit::HubFault;

use super::*;

#[tokio::test]
async fn a_connection_cut_in_the_middle_goes_on_where_it_was_cut() {
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
    assert_eq!(world.asked(WEIGHTS), 5);
}

#[tokio::test]
async fn a_connection_that_is_cut_before_anything_came_is_reported_after_the_last_retry() {
    let world = World::new();
    world.hub.fail(WEIGHTS, usize::MAX, HubFault::CutAfter(0));
    assert!(matches!(world.refusal(REPO).await, HubError::Unreachable { .. }));
    assert_eq!(world.asked(WEIGHTS), 3);
}

#[tokio::test]
async fn what_was_fetched_before_an_end_is_not_fetched_again() {
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
async fn a_hub_that_ignores_ranges_is_asked_for_the_whole() {
    let world = World::new();
    world.hub.fail(WEIGHTS, 1, HubFault::CutAfter(1_000));
    world.hub.fail(WEIGHTS, 1, HubFault::RangeIgnored);
    world.load(REPO).await.unwrap();
    assert_eq!(world.asked(WEIGHTS), 3);
}

#[tokio::test]
async fn a_hub_that_says_when_to_ask_again_is_asked_then() {
    let world = World::new();
    let fault = HubFault::Status { status: 429, error_code: None, retry_after: Some(1) };
    world.hub.fail("/api/models/org/tiny/revision", 1, fault);
    world.load(REPO).await.unwrap();
    let requests = world.hub.requests();
    assert!(requests[1].at - requests[0].at >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_hub_that_has_enough_is_reported() {
    let world = World::new();
    let fault = HubFault::Status { status: 429, error_code: None, retry_after: Some(3_600) };
    world.hub.fail("/api/", usize::MAX, fault);
    assert!(matches!(world.refusal(REPO).await, HubError::RateLimited { .. }));
    assert_eq!(world.asked("/api/"), 1);
}

#[tokio::test]
async fn trouble_of_the_hub_that_passes_is_outlasted_on_every_route() {
    let world = World::new();
    for part in ["/revision/", "/tree/", "config.json", WEIGHTS] {
        world.hub.fail(part, 2, HubFault::status(500));
    }
    world.load(REPO).await.unwrap();
}

#[tokio::test]
async fn trouble_of_the_hub_that_stays_is_reported() {
    let world = World::new();
    world.hub.fail("/tree/", usize::MAX, HubFault::status(502));
    assert!(matches!(world.refusal(REPO).await, HubError::Failing { status: 502, .. }));
    assert_eq!(world.asked("/tree/"), 3);
}

#[tokio::test]
async fn a_file_of_the_wrong_length_or_content_once_is_fetched_again() {
    for fault in [HubFault::Short(7), HubFault::Garbled] {
        for part in [WEIGHTS, "resolve/0123456789abcdef0123456789abcdef01234567/config.json"] {
            let world = World::new();
            world.hub.fail(part, 1, fault.clone());
            world.load(REPO).await.unwrap();
            assert_eq!(world.asked(part), 2, "{fault:?}");
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
async fn a_hub_that_falls_silent_is_asked_again() {
    let world = World::new();
    world.hub.fail(WEIGHTS, 1, HubFault::StallAfter(1_000));
    let impatient = HubSettings { timeout: Duration::from_millis(500), ..world.settings() };
    world.load_with(REPO, impatient).await.unwrap();
    assert_eq!((world.hub.stalled(), world.asked(WEIGHTS)), (1, 2));
}

#[tokio::test]
async fn stopping_does_not_wait_for_a_download() {
    let world = World::new();
    world.hub.fail(WEIGHTS, usize::MAX, HubFault::StallAfter(1_000));
    let patient = HubSettings { timeout: Duration::from_hours(1), ..world.settings() };
    let source = ModelSource::Hub { model: REPO.parse().unwrap(), hub: Arc::new(patient) };
    let (gateway, loading) = LocalMlGateway::start(ModelSettings { source, ..ModelSettings::new("") });
    while world.hub.stalled() == 0 {
        tokio::task::yield_now().await;
    }
    let started = Instant::now();
    gateway.stop().await;
    assert!(matches!(loading.await, Err(LoadError::Stopped)));
    assert!(started.elapsed() < Duration::from_mins(1));
}
