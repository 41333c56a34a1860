//! A model with the files of one that many people use, from a hub, without a flag.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tempfile::TempDir;
use testkit::{FakeHub, FakeRepo, HubFile};

use crate::undertone::Undertone;

const REPO: &str = "distilbert/distilbert-base-uncased-finetuned-sst-2-english";
const COMMIT: &str = "714eb0fa89d2f80546fda750413ed43d93601a13";
const NEEDED: [&str; 4] = ["config.json", "tokenizer_config.json", "vocab.txt", "model.safetensors"];
const OTHERS: [&str; 12] = [
    ".gitattributes",
    "README.md",
    "map.jpeg",
    "pytorch_model.bin",
    "rust_model.ot",
    "tf_model.h5",
    "onnx/added_tokens.json",
    "onnx/config.json",
    "onnx/model.onnx",
    "onnx/tokenizer.json",
    "onnx/vocab.txt",
    "coreml/model.mlpackage/Manifest.json",
];

/// A small DistilBERT of random weights with the files of [`REPO`].
fn repo() -> FakeRepo {
    let layout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra-ml/tests/layouts/distilbert-sst2");
    let needed = NEEDED.map(|path| (path, fs::read(layout.join(path)).unwrap()));
    let others = OTHERS.map(|path| (path, b"not needed".to_vec()));
    let file = |(path, content): (&str, Vec<u8>)| HubFile {
        path: path.to_owned(),
        large: path == "model.safetensors",
        content: content.into(),
    };
    FakeRepo {
        id: REPO.to_owned(),
        commit: COMMIT.to_owned(),
        revisions: vec!["main".to_owned()],
        files: needed.into_iter().chain(others).map(file).collect(),
    }
}

#[test]
fn a_published_model_is_served_and_only_the_files_that_it_needs_are_fetched() {
    let (hub, folder) = (FakeHub::start(), TempDir::new().unwrap());
    hub.publish(repo());
    let settings = [
        format!("model.path={REPO}"),
        format!("hub.endpoint={}", hub.endpoint()),
        format!("hub.cache={}", folder.path().join("cache").display()),
        "hub.offline=false".to_owned(),
        "server.drain_delay=0".to_owned(),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &settings);
    let requests = hub.requests();
    let files = requests.iter().filter_map(|request| request.path.split_once(&format!("/resolve/{COMMIT}/")));
    let files: BTreeSet<&str> = files.map(|(_, file)| file).collect();
    assert_eq!(files, BTreeSet::from(NEEDED));

    let predicted = running.api().predict("I love it").unwrap();
    assert_eq!(predicted.status, 200, "{}", predicted.body);
    assert!(["positive", "negative"].contains(&predicted.body["sentiment"].as_str().unwrap()));
    let model = &running.api().get("/api/v1/models").unwrap().body["items"][0];
    assert_eq!(model["name"], "distilbert-base-uncased-finetuned-sst-2-english");
    assert_eq!(model["source"]["commit"], COMMIT);
}
