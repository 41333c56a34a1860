//! Which files are fetched of repositories as they are published.

use std::path::Path;

use application::ports::SelfTest;

use super::*;
use crate::model_folder::PYTORCH_INDEX;

/// The files that the popular repositories have beside the model.
const OTHERS: [&str; 12] = [
    ".gitattributes",
    "README.md",
    "map.jpeg",
    "tf_model.h5",
    "flax_model.msgpack",
    "rust_model.ot",
    "training_args.bin",
    "onnx/config.json",
    "onnx/model.onnx",
    "onnx/tokenizer.json",
    "coreml/model.mlmodel",
    "coreml/model.mlpackage/Data/weights.bin",
];

/// Names the shards of weights.
const BIN_INDEX: &str = r#"{ "weight_map": { "a": "pytorch_model-00001-of-00002.bin", "b": "pytorch_model-00002-of-00002.bin" } }"#;

/// Fetches a repository with the files `needed` and `unneeded`, and requires that only `needed` are requested.
async fn only_needed_files_are_fetched(needed: &[&str], unneeded: &[&str]) {
    let world = World::new();
    let files = needed.iter().chain(unneeded).chain(&OTHERS).map(|path| {
        let content = if *path == PYTORCH_INDEX { BIN_INDEX } else { path };
        let extension = Path::new(path).extension().unwrap_or_default();
        file(path, content, extension == "bin" || extension == "safetensors")
    });
    world.hub.publish(FakeRepo { files: files.collect(), ..world.repo() });
    let snapshot = world.fetch(u64::MAX).await.unwrap();
    let expected: BTreeSet<String> = needed.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(world.requested(), expected);
    let names = fs::read_dir(&snapshot.folder).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.map(|name| name.into_string().unwrap()).collect::<BTreeSet<_>>(), expected);
    assert_eq!(ModelFolder::first_missing(&snapshot.folder), None);
    // The folder has the same selection as the repository.
    assert!(
        ModelFolder::open(&snapshot.folder).unwrap().weights().unwrap().iter().all(|path| path.is_file())
    );
}

#[tokio::test]
async fn a_vocabulary_and_safetensors() {
    // distilbert-base-uncased-finetuned-sst-2-english, bert-base-multilingual-uncased-sentiment
    let needed = ["config.json", "tokenizer_config.json", "vocab.txt", "model.safetensors"];
    only_needed_files_are_fetched(&needed, &["pytorch_model.bin"]).await;
}

#[tokio::test]
async fn byte_level_bpe_and_pytorch_weights() {
    // twitter-roberta-base-sentiment, sentiment-roberta-large-english
    let needed = [
        "config.json",
        "vocab.json",
        "merges.txt",
        "special_tokens_map.json",
        "tokenizer_config.json",
        "pytorch_model.bin",
    ];
    only_needed_files_are_fetched(&needed, &[]).await;
}

#[tokio::test]
async fn sentencepiece_and_pytorch_weights() {
    // twitter-xlm-roberta-base-sentiment
    let needed = ["config.json", "sentencepiece.bpe.model", "special_tokens_map.json", "pytorch_model.bin"];
    only_needed_files_are_fetched(&needed, &[]).await;
}

#[tokio::test]
async fn a_fast_tokenizer_beside_vocabularies() {
    let needed = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"];
    let unneeded = ["vocab.json", "merges.txt", "pytorch_model.bin", "pytorch_model.bin.index.json"];
    only_needed_files_are_fetched(&needed, &unneeded).await;
}

#[tokio::test]
async fn pytorch_weights_in_several_files() {
    let needed = [
        "config.json",
        "vocab.txt",
        "pytorch_model.bin.index.json",
        "pytorch_model-00001-of-00002.bin",
        "pytorch_model-00002-of-00002.bin",
    ];
    only_needed_files_are_fetched(&needed, &["pytorch_model-00003-of-00003.bin"]).await;
}

/// Small models with the files of published ones, each with its repository.
const PUBLISHED: [(&str, &str); 7] = [
    ("distilbert-sst2", "distilbert/distilbert-base-uncased-finetuned-sst-2-english"),
    ("nlptown", "nlptown/bert-base-multilingual-uncased-sentiment"),
    ("twitter-roberta", "cardiffnlp/twitter-roberta-base-sentiment"),
    ("twitter-roberta-latest", "cardiffnlp/twitter-roberta-base-sentiment-latest"),
    ("twitter-xlm-roberta", "cardiffnlp/twitter-xlm-roberta-base-sentiment"),
    ("finbert", "ProsusAI/finbert"),
    ("siebert", "siebert/sentiment-roberta-large-english"),
];

#[tokio::test]
async fn published_models_load_from_the_hub_without_a_setting() {
    let layouts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/layouts");
    for (folder, id) in PUBLISHED {
        let world = World::new();
        let mut repo = FakeRepo::of_folder(id, COMMIT, &layouts.join(folder));
        repo.files.extend(OTHERS.map(|path| file(path, path, false)));
        world.hub.publish(repo);
        let info = world.load(id).await.unwrap();
        assert!(matches!(info.self_test, SelfTest::Passed { .. }), "{id}");
        let requested = world.requested();
        assert!(
            OTHERS.iter().chain(&["ids.json"]).all(|name| !requested.contains(*name)),
            "{id}: {requested:?}"
        );
    }
}
