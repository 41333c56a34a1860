use testkit::HubFault;

use super::*;

#[tokio::test]
async fn an_unknown_repository_is_named() {
    let world = World::new();
    for token in [None, Some(HubToken::new("secret"))] {
        let error =
            world.load_with("org/absent", HubSettings { token, ..world.settings() }).await.unwrap_err();
        assert!(
            matches!(&error, LoadError::Hub(HubError::RepoNotFound { repo }) if repo == "org/absent"),
            "{error:?}"
        );
        assert!(error.to_string().contains("hub.token"));
    }
    assert_eq!(world.get_count("absent"), 2);
}

#[tokio::test]
async fn an_unknown_revision_is_named() {
    let world = World::new();
    let error = world.refusal("org/tiny@v9/x").await;
    assert!(matches!(&error, HubError::RevisionNotFound { revision, .. } if revision == "v9/x"), "{error:?}");
}

#[tokio::test]
async fn a_gated_repository_says_what_to_do() {
    let world = World::new();
    for (status, error_code) in [(401, "GatedRepo"), (403, "GatedRepo")] {
        world.hub.fail("config.json", 1, HubFault::refusal(status, error_code));
        let error = world.refusal(REPO).await;
        assert!(matches!(&error, HubError::Gated { repo } if repo == REPO), "{error:?}");
        assert!(error.to_string().contains("ask for access"));
    }
    world.hub.fail("config.json", 1, HubFault::status(403));
    assert!(matches!(world.refusal(REPO).await, HubError::Gated { .. }));
}

#[tokio::test]
async fn a_refused_token_is_reported() {
    let world = World::new();
    world.hub.fail("/api/", 1, HubFault::status(401));
    assert!(world.refusal(REPO).await.to_string().contains("HF_TOKEN"));
}

#[tokio::test]
async fn weights_in_other_formats_alone_are_refused_with_advice() {
    let world = World::new();
    let mut repo = world.repo();
    repo.files.retain(|file| file.path != "model.safetensors");
    repo.files.push(file("tf_model.h5", "weights", true));
    repo.files.push(file("onnx/model.onnx", "weights", true));
    world.hub.publish(repo);
    let error = world.refusal(REPO).await;
    assert!(
        matches!(&error, HubError::ForeignWeights { found, .. } if found == "onnx, tf_model.h5"),
        "{error:?}"
    );
    assert!(error.to_string().contains("save_pretrained"));
    assert_eq!(world.get_count("tf_model.h5"), 0);
}

#[tokio::test]
async fn a_file_that_the_repository_lacks_is_named_before_anything_is_fetched() {
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        let world = World::new();
        let mut repo = world.repo();
        repo.files.retain(|file| file.path != name);
        world.hub.publish(repo);
        let error = world.refusal(REPO).await;
        assert!(matches!(&error, HubError::FileMissing { file, .. } if file == name), "{error:?}");
        assert_eq!(world.get_count("resolve"), 0);
    }
}

#[tokio::test]
async fn an_index_that_names_nothing_is_refused() {
    let world = World::new();
    let index = |content: &str| {
        let mut repo = world.repo();
        repo.files.retain(|file| file.path != "model.safetensors");
        repo.files.push(file("model.safetensors.index.json", content, false));
        repo.files.push(file("../../elsewhere", "leads out of the cache", true));
        world.hub.publish(repo);
    };
    index("not JSON");
    assert!(matches!(world.refusal(REPO).await, HubError::Index { .. }));
    index(r#"{ "weight_map": { "a": "../../elsewhere" } }"#);
    assert!(
        matches!(world.refusal(REPO).await, HubError::FileMissing { file, .. } if file == "../../elsewhere")
    );
}

#[tokio::test]
async fn a_server_that_is_no_hub_is_reported() {
    let world = World::new();
    world.hub.fail("/api/", usize::MAX, HubFault::status(418));
    assert!(matches!(world.refusal(REPO).await, HubError::Unexpected { .. }));
    let nowhere = HubSettings { endpoint: Some("nowhere".to_owned()), ..world.settings() };
    let error = world.load_with(REPO, nowhere).await.unwrap_err();
    assert!(matches!(error, LoadError::Hub(HubError::Client { .. })), "{error:?}");
}

#[tokio::test]
async fn an_unreachable_hub_is_reported_without_its_password() {
    let world = World::new();
    let endpoint = FakeHub::start().endpoint().replace("http://", "http://me:password@");
    let settings = HubSettings { endpoint: Some(endpoint), ..world.settings() };
    let error = world.load_with(REPO, settings).await.unwrap_err();
    assert!(matches!(error, LoadError::Hub(HubError::Unreachable { .. })), "{error:?}");
    let shown = format!("{error:?} {}", application::action::chain(&error));
    assert!(shown.contains("127.0.0.1") && !shown.contains("password"), "{shown}");
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_is_named() {
    let world = World::new();
    let file = world.model.path().join("config.json");
    let error =
        world.load_with(REPO, HubSettings { cache: Some(file), ..world.settings() }).await.unwrap_err();
    assert!(matches!(error, LoadError::Hub(HubError::Disk { .. })), "{error:?}");
}
