use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest, Sha256};

use super::*;
use crate::load_error::{ConfigError, LoadErrorKind, UnfitSetting};
use crate::model_folder::TooLarge;

impl World {
    /// The bytes of all files of the model.
    fn bytes(&self) -> u64 {
        self.repo().files.iter().map(|file| file.content.len() as u64).sum()
    }
}

#[tokio::test]
async fn a_model_above_the_limit_is_refused_before_its_first_byte() {
    let world = World::new();
    let mut repo = world.repo();
    repo.files.push(file("pytorch_model.bin", vec![0; 1_000_000], true));
    world.hub.publish(repo);
    let error = world.fetch(world.bytes() - 1).await.unwrap_err();
    assert!(matches!(error, LoadError::Hub(HubError::TooLarge(TooLarge::Model { .. }))), "{error:?}");
    assert_eq!(error.kind(), LoadErrorKind::NotLoadable { key: "path" });
    let message = error.to_string();
    let key = format!("model.max_bytes = {}", world.bytes());
    for words in ["org/tiny", COMMIT, "model.safetensors alone", &key] {
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(world.get_count("resolve"), 0);
    // What is not selected does not count.
    world.fetch(world.bytes()).await.unwrap();
}

#[tokio::test]
async fn shards_above_the_limit_are_refused_before_the_first_of_them() {
    for (index_name, shards) in [
        ("model.safetensors.index.json", ["model-1-of-2.safetensors", "model-2-of-2.safetensors"]),
        ("pytorch_model.bin.index.json", ["pytorch_model-1-of-2.bin", "pytorch_model-2-of-2.bin"]),
    ] {
        let world = World::new();
        let mut repo = world.repo();
        repo.files.retain(|file| file.path != "model.safetensors");
        let index = serde_json::json!({ "weight_map": { "a": shards[0], "b": shards[1], "c": shards[1] } });
        repo.files.push(file(index_name, index.to_string(), false));
        for shard in shards {
            repo.files.push(file(shard, vec![0; 5_000], true));
        }
        let bytes: u64 = repo.files.iter().map(|file| file.content.len() as u64).sum();
        world.hub.publish(repo);
        let error = world.fetch(bytes - 1).await.unwrap_err();
        assert!(matches!(error, LoadError::Hub(HubError::TooLarge(TooLarge::Model { .. }))), "{error:?}");
        let requested = world.requested();
        assert!(requested.contains(index_name) && !requested.contains(shards[0]), "{requested:?}");
        let snapshot = world.fetch(bytes).await.unwrap();
        // In the cache it has the same limit.
        let folder = ModelFolder::open(&snapshot.folder).unwrap();
        assert!(folder.check_size(bytes).is_ok() && folder.check_size(bytes - 1).is_err());
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_to_be_parsed_is_refused_before_the_first_byte() {
    let world = World::new();
    let mut repo = world.repo();
    repo.files.push(file("tokenizer_config.json", vec![b' '; (64 << 20) + 1], false));
    world.hub.publish(repo);
    let error = world.fetch(u64::MAX).await.unwrap_err();
    assert!(matches!(error, LoadError::Hub(HubError::TooLarge(TooLarge::Metadata { .. }))), "{error:?}");
    assert_eq!(world.get_count("resolve"), 0);
}

#[tokio::test]
async fn small_files_that_cannot_be_served_are_refused_before_the_weights() {
    let world = World::new();
    let mut repo = world.repo();
    repo.files.retain(|file| file.path != "config.json");
    let config = serde_json::json!({ "architectures": ["GPT2LMHeadModel"] });
    repo.files.push(file("config.json", config.to_string(), false));
    world.hub.publish(repo);
    let error = world.load(REPO).await.unwrap_err();
    assert!(matches!(error, LoadError::Config(ConfigError::Architecture { .. })), "{error:?}");
    assert_eq!(world.get_count("model.safetensors"), 0);
    assert!(matches!(world.load_offline(REPO).await, Err(LoadError::Hub(HubError::Offline { .. }))));
}

#[tokio::test]
async fn the_check_of_small_files_sees_all_of_them_and_no_weights() {
    let world = World::new();
    let (model, hub) = (REPO.parse().unwrap(), quick(world.settings(), Arc::new(LoggedProgress::default())));
    let checks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&checks);
    let sha256 = hex::encode(Sha256::digest(world.weights()));
    let fetch = move || {
        let check = |folder: &ModelFolder, has_weights: &dyn Fn(&str) -> bool| {
            assert!(has_weights(&sha256) && !has_weights(&"0".repeat(64)));
            counted.fetch_add(1, Ordering::Relaxed);
            assert!(folder.config().is_file() && folder.small_file("tokenizer.json").unwrap().is_file());
            assert!(folder.weights().unwrap().iter().all(|path| !path.exists()));
            Ok(())
        };
        let requirements = Requirements { max_bytes: u64::MAX, check: &check };
        hub.fetch(&model, &requirements, &CancellationToken::new())
    };
    tokio::task::spawn_blocking(fetch).await.unwrap().unwrap();
    assert_eq!(checks.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn labels_that_no_rule_maps_are_refused_before_the_weights() {
    let world = World::new();
    for count in [2, 3] {
        let mut repo = world.repo();
        repo.files.retain(|file| file.path != "config.json");
        let mut config = small_model::config_json();
        let label = |index: usize| (index.to_string(), format!("LABEL_{index}").into());
        config["id2label"] = serde_json::Value::Object((0..count).map(label).collect());
        repo.files.push(file("config.json", config.to_string(), false));
        world.hub.publish(repo);
        let error = world.load(REPO).await.unwrap_err();
        assert!(matches!(error, LoadError::Setting(UnfitSetting::LabelsUnmapped(_))), "{error:?}");
        assert_eq!(world.get_count("model.safetensors"), 0);
    }
}
