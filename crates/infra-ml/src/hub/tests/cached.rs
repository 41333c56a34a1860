use std::sync::Mutex;

use application::ports::ModelOrigin;
use testkit::HubFault;

use super::*;

/// Records the reports.
#[derive(Debug, Default)]
struct RecordedProgress(Mutex<Vec<(String, u64, u64)>>);

impl DownloadProgress for RecordedProgress {
    fn report(&self, _repo: &str, file: &str, done: u64, total: u64) {
        self.0.lock().unwrap().push((file.to_owned(), done, total));
    }
}

#[tokio::test]
async fn progress_is_reported_for_each_file_to_its_end_and_resumes_with_the_download() {
    let world = World::new();
    world.hub.fail(WEIGHTS, 1, HubFault::CutAfter(1_000));
    let progress = Arc::new(RecordedProgress::default());
    world.load_reporting(REPO, world.settings(), progress.clone()).await.unwrap();
    let reports = progress.0.lock().unwrap();
    let length = world.weights().len() as u64;
    let of = |name: &str| {
        reports
            .iter()
            .filter(|(file, ..)| file == name)
            .map(|(_, done, total)| (*done, *total))
            .collect::<Vec<_>>()
    };
    let weights = of("model.safetensors");
    assert_eq!((weights[0], *weights.last().unwrap()), ((0, length), (length, length)));
    assert_eq!(weights.iter().filter(|report| **report == (1_000, length)).count(), 2);
    assert!(weights.is_sorted());
    let (done, total) = *of("config.json").last().unwrap();
    assert_eq!(done, total);
}

#[tokio::test]
async fn a_model_of_the_hub_is_served_and_reports_its_commit() {
    let world = World::new();
    let info = world.load(REPO).await.unwrap();
    assert_eq!(info.model.name(), "tiny");
    let origin =
        ModelOrigin::Hub { repo: REPO.to_owned(), revision: "main".to_owned(), commit: COMMIT.to_owned() };
    assert_eq!(info.source, origin);
}

#[tokio::test]
async fn the_token_stays_with_the_hub_and_out_of_debug() {
    let world = World::new();
    world.load(REPO).await.unwrap();
    let requests = world.hub.requests();
    let (store, hub): (Vec<_>, Vec<_>) = requests.iter().partition(|request| request.path.contains("cdn"));
    assert!(!store.is_empty() && store.iter().all(|request| request.token.is_none()));
    assert!(!hub.is_empty() && hub.iter().all(|request| request.token.as_deref() == Some("secret")));
    assert!(!format!("{:?}", world.settings()).contains("secret"));
}

#[tokio::test]
async fn only_the_files_of_the_model_are_fetched() {
    let world = World::new();
    let mut repo = world.repo();
    for name in ["pytorch_model.bin", "model.onnx", "README.md", "vocab.txt"] {
        repo.files.push(file(name, "not selected", false));
    }
    world.hub.publish(repo);
    world.load(REPO).await.unwrap();
    let mut names: Vec<_> =
        fs::read_dir(world.snapshot(COMMIT)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["config.json", "model.safetensors", "tokenizer.json"]);
    assert_eq!(world.get_count("pytorch_model") + world.get_count("onnx") + world.get_count("README"), 0);
}

#[tokio::test]
async fn the_files_of_a_sharded_model_are_those_that_its_index_names() {
    let world = World::new();
    let mut repo = world.repo();
    repo.files.retain(|file| file.path != "model.safetensors");
    let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    let index = serde_json::json!({ "weight_map": { "a": shards[0], "b": shards[1], "c": shards[0] } });
    repo.files.push(file("model.safetensors.index.json", index.to_string(), false));
    repo.files.push(file("model-of-another-kind.safetensors", "not selected", true));
    for shard in shards {
        repo.files.push(file(shard, shard, true));
    }
    world.hub.publish(repo);
    let snapshot = world.fetch(u64::MAX).await.unwrap();
    for shard in shards {
        assert_eq!(fs::read_to_string(snapshot.folder.join(shard)).unwrap(), shard);
    }
    assert!(snapshot.folder.join("model.safetensors.index.json").is_file());
    assert_eq!(world.get_count("another-kind"), 0);
}

#[tokio::test]
async fn a_commit_that_the_cache_has_is_served_without_a_connection() {
    let world = World::new();
    world.load(REPO).await.unwrap();
    let before = world.hub.connections();
    let info = world.load(&format!("{REPO}@{COMMIT}")).await.unwrap();
    assert!(matches!(&info.source, ModelOrigin::Hub { revision, .. } if revision == COMMIT));
    assert_eq!(world.hub.connections(), before);
}

#[tokio::test]
async fn a_commit_of_which_optional_files_were_not_fetched_is_completed() {
    let world = World::new();
    let mut repo = world.repo();
    repo.files.push(file("tokenizer_config.json", r#"{ "do_lower_case": true }"#, false));
    world.hub.publish(repo);
    let model = format!("{REPO}@{COMMIT}");
    world.load(&model).await.unwrap();
    // As another tool leaves it, which needs fewer files and records none as absent.
    fs::remove_file(world.snapshot(COMMIT).join("tokenizer_config.json")).unwrap();
    fs::remove_dir_all(world.cache.path().join("models--org--tiny/.no_exist")).unwrap();
    assert!(world.load_offline(&model).await.is_ok());
    assert!(!world.snapshot(COMMIT).join("tokenizer_config.json").exists());
    world.load(&model).await.unwrap();
    assert!(world.snapshot(COMMIT).join("tokenizer_config.json").is_file());
    let connections = world.hub.connections();
    world.load(&model).await.unwrap();
    assert_eq!(world.hub.connections(), connections);
}

#[tokio::test]
async fn a_copy_without_blobs_is_completed_by_what_it_lacks_alone() {
    let world = World::new();
    world.load(REPO).await.unwrap();
    // Copied with the links followed, to a place that records nothing.
    let root = world.cache.path().join("models--org--tiny");
    for entry in fs::read_dir(world.snapshot(COMMIT)).unwrap() {
        let path = entry.unwrap().path();
        let content = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(path, content).unwrap();
    }
    fs::remove_dir_all(root.join("blobs")).unwrap();
    fs::remove_dir_all(root.join(".no_exist")).unwrap();
    fs::write(root.join(".no_exist"), "").unwrap();
    let fetched = world.get_count("/resolve/");
    world.load(REPO).await.unwrap();
    assert_eq!(world.get_count("/resolve/"), fetched);
}

#[tokio::test]
async fn offline_the_cache_serves_without_a_connection() {
    let world = World::new();
    world.load(REPO).await.unwrap();
    let before = world.hub.connections();
    let info = world.load_offline(REPO).await.unwrap();
    assert!(matches!(&info.source, ModelOrigin::Hub { commit, .. } if commit == COMMIT));
    assert_eq!(world.hub.connections(), before);
}

#[tokio::test]
async fn offline_what_the_cache_lacks_is_named_without_a_connection() {
    let world = World::new();
    let Err(LoadError::Hub(error @ HubError::Offline { .. })) = world.load_offline(REPO).await else {
        panic!("there is nothing to serve");
    };
    let message = error.to_string();
    assert!(message.contains("org/tiny@main") && message.contains("hub.offline"), "{message}");
    assert_eq!(world.hub.connections(), 0);
}

#[tokio::test]
async fn a_branch_is_resolved_again_and_moves_on_with_the_hub() {
    let world = World::new();
    world.load(REPO).await.unwrap();
    let mut later = FakeRepo { commit: LATER_COMMIT.to_owned(), ..world.repo() };
    later.files.retain(|file| file.path != "config.json");
    later.files.push(file("config.json", format!("{}\n", small_model::config_json()), false));
    world.hub.publish(later);
    let info = world.load(REPO).await.unwrap();
    assert!(matches!(&info.source, ModelOrigin::Hub { commit, .. } if commit == LATER_COMMIT));
    // The weights are the same, and the cache finds them by their content.
    assert_eq!(world.get_count(WEIGHTS), 1);
}

#[tokio::test]
async fn simultaneous_loadings_fetch_each_file_once() {
    let world = World::new();
    let (one, other) = tokio::join!(world.load(REPO), world.load(REPO));
    assert_eq!(one.unwrap().sha256, other.unwrap().sha256);
    assert_eq!(world.get_count(WEIGHTS), 1);
}

#[tokio::test]
async fn simultaneous_loadings_from_a_whole_cache_all_succeed() {
    let world = World::new();
    world.load(REPO).await.unwrap();
    for _ in 0..20 {
        let (one, other, third) = tokio::join!(world.load(REPO), world.load(REPO), world.load(REPO));
        assert!(one.is_ok() && other.is_ok() && third.is_ok());
    }
}
