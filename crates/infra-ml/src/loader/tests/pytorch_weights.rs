//! Models whose weights PyTorch wrote give what those in safetensors give.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use application::action::chain;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::Value;
use tempfile::TempDir;

use super::families::{FAMILIES, family_settings, fixture, references, references_in, token_batch};
use super::*;
use crate::load_error::WeightsError;
use crate::pytorch::tests::hostile::{self, Hostile};
use crate::testing::torch_file::{Form, of_safetensors};

/// How the weights of a folder are written.
#[derive(Debug, Clone, Copy)]
enum Layout {
    Safetensors,
    Pytorch(Form),
    ShardedSafetensors,
    ShardedPytorch,
}

const LAYOUTS: [Layout; 5] = [
    Layout::Safetensors,
    Layout::Pytorch(Form::Zip),
    Layout::Pytorch(Form::Legacy),
    Layout::ShardedSafetensors,
    Layout::ShardedPytorch,
];

impl Layout {
    /// Writes `shards`, each a safetensors file, in this layout.
    fn write(self, folder: &Path, shards: &[Vec<u8>]) {
        let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
        match self {
            Self::Safetensors => write("model.safetensors", &merged(shards)),
            Self::Pytorch(form) => write("pytorch_model.bin", &of_safetensors(&merged(shards), form)),
            Self::ShardedSafetensors => {
                write_index(folder, "model.safetensors.index.json", shards, |number| {
                    format!("model-{number}.safetensors")
                });
                for (number, shard) in shards.iter().enumerate() {
                    write(&format!("model-{number}.safetensors"), shard);
                }
            }
            Self::ShardedPytorch => {
                write_index(folder, "pytorch_model.bin.index.json", shards, |number| {
                    format!("pytorch_model-{number}.bin")
                });
                for (number, shard) in shards.iter().enumerate() {
                    // Both forms among the files of one model.
                    let form = if number % 2 == 0 { Form::Zip } else { Form::Legacy };
                    write(&format!("pytorch_model-{number}.bin"), &of_safetensors(shard, form));
                }
            }
        }
    }
}

fn write_index(folder: &Path, name: &str, shards: &[Vec<u8>], file: impl Fn(usize) -> String) {
    let mut map = BTreeMap::new();
    for (number, shard) in shards.iter().enumerate() {
        for tensor in SafeTensors::deserialize(shard).unwrap().names() {
            map.insert(tensor.to_owned(), file(number));
        }
    }
    small_model::write_json(folder, name, &json!({ "weight_map": map }));
}

/// The tensors of safetensors files by their names.
fn tensors_of(shards: &[Vec<u8>]) -> BTreeMap<String, TensorView<'_>> {
    shards.iter().flat_map(|shard| SafeTensors::deserialize(shard).unwrap().tensors()).collect()
}

fn merged(shards: &[Vec<u8>]) -> Vec<u8> {
    safetensors::serialize(tensors_of(shards), None).unwrap()
}

/// The weights of a fixture in two files.
fn in_two(folder: &Path) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
    let shards: Vec<_> = files.into_iter().map(|path| fs::read(path).unwrap()).collect();
    let mut first = tensors_of(&shards);
    let middle = first.keys().nth(first.len() / 2).unwrap().clone();
    let second = first.split_off(&middle);
    [first, second].map(|tensors| safetensors::serialize(tensors, None).unwrap()).into()
}

/// A copy of the folder `from` without its weights.
fn without_weights(from: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.starts_with("model") && !name.starts_with("pytorch_model") {
            fs::copy(from.join(&name), folder.path().join(&name)).unwrap();
        }
    }
    folder
}

/// The logits of the reference's texts in f32, in bits.
fn logits(folder: &Path, texts: &[Vec<u32>]) -> Vec<Vec<u32>> {
    let settings = ModelSettings { path: Some(folder.to_owned()), ..family_settings("bert", Precision::F32) };
    let engine = &mut load_all(&settings).unwrap_or_else(|error| panic!("{}", chain(&error))).0[0];
    let logits = engine.forward(&token_batch(texts), Cores::Own).unwrap();
    logits.into_iter().map(|row| row.into_iter().map(f32::to_bits).collect()).collect()
}

#[test]
fn every_family_gives_the_same_logits_in_every_layout_of_its_weights() {
    for (name, _) in FAMILIES {
        let (texts, _) = references(name);
        let expected = logits(&fixture(name), &texts);
        let shards = in_two(&fixture(name));
        for layout in LAYOUTS {
            let folder = without_weights(&fixture(name));
            layout.write(folder.path(), &shards);
            assert!(logits(folder.path(), &texts) == expected, "{name} in {layout:?}");
        }
    }
}

/// `tests/layouts` has every form of a tokenizer; the folders with PyTorch's own format are loaded as they are.
#[test]
fn every_layout_of_a_tokenizer_loads_with_every_layout_of_weights() {
    let layouts: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "layouts"].iter().collect();
    let folders = fs::read_dir(layouts).unwrap().map(|entry| entry.unwrap().path());
    let folders: Vec<_> = folders.filter(|folder| folder.join("model.safetensors").exists()).collect();
    assert!(folders.len() >= 18, "{}", folders.len());
    for from in folders {
        let (texts, _) = references_in(&from);
        let expected = logits(&from, &texts);
        let shards = in_two(&from);
        for layout in LAYOUTS {
            let folder = without_weights(&from);
            layout.write(folder.path(), &shards);
            assert!(logits(folder.path(), &texts) == expected, "{} in {layout:?}", from.display());
        }
    }
}

#[test]
fn weights_that_pytorch_wrote_in_two_files_give_the_same_logits() {
    let (texts, _) = references("bert");
    let folder = without_weights(&fixture("bert"));
    let shards: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "pytorch", "bert-sharded"].iter().collect();
    for entry in fs::read_dir(shards).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    assert!(logits(folder.path(), &texts) == logits(&fixture("bert"), &texts));
}

#[test]
fn the_bundled_model_gives_the_same_logits_from_both_forms() {
    let json: Value =
        serde_json::from_slice(&fs::read(bundled_folder().join("reference.json")).unwrap()).unwrap();
    let texts: Vec<Vec<u32>> = json["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| serde_json::from_value(case["input_ids"].clone()).unwrap())
        .collect();
    let expected = logits(&bundled_folder(), &texts);
    let weights = fs::read(bundled_folder().join("model.safetensors")).unwrap();
    for form in [Form::Zip, Form::Legacy] {
        let folder = without_weights(&bundled_folder());
        fs::write(folder.path().join("pytorch_model.bin"), of_safetensors(&weights, form)).unwrap();
        assert!(logits(folder.path(), &texts) == expected, "{form:?}");
    }
}

#[test]
fn safetensors_are_preferred() {
    let folder = small_model::folder();
    fs::write(folder.path().join("pytorch_model.bin"), "not read").unwrap();
    load_from(folder.path()).unwrap();
}

#[test]
fn names_without_the_prefix_of_the_encoder_are_read_as_transformers_does() {
    for (name, prefix) in [
        ("bert", "bert."),
        ("distilbert", "distilbert."),
        ("deberta-v2", "deberta."),
        ("modernbert", "model."),
    ] {
        let shards = in_two(&fixture(name));
        let tensors = tensors_of(&shards).into_iter().map(|(tensor, view)| {
            (
                tensor.strip_prefix(prefix).unwrap_or(&tensor).replace("LayerNorm.weight", "LayerNorm.gamma"),
                view,
            )
        });
        let folder = without_weights(&fixture(name));
        Layout::Pytorch(Form::Zip).write(folder.path(), &[safetensors::serialize(tensors, None).unwrap()]);
        let (texts, _) = references(name);
        assert!(logits(folder.path(), &texts) == logits(&fixture(name), &texts), "{name}");
    }
}

#[test]
fn damaged_layouts_are_refused_by_name() {
    let shards = in_two(&fixture("bert"));
    for layout in LAYOUTS {
        let folder = without_weights(&fixture("bert"));
        layout.write(folder.path(), &shards);
        let mut files: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.file_name().unwrap().to_str().unwrap().contains("model"));
        for path in files {
            let name = path.file_name().unwrap().to_str().unwrap();
            let whole = fs::read(&path).unwrap();
            for length in [0, 1, 40, whole.len() / 2, whole.len() - 1] {
                fs::write(&path, &whole[..length]).unwrap();
                let message = chain(&load_from(folder.path()).err().unwrap());
                assert!(message.contains(name), "{layout:?} with {length} bytes of {name}: {message}");
                assert!(message.contains("fetch") && !message.contains(char::is_control), "{message}");
            }
            fs::write(&path, whole).unwrap();
        }
    }
}

#[test]
fn shards_that_lack_or_repeat_a_tensor_are_refused() {
    let mut shards = in_two(&fixture("bert"));
    let folder = without_weights(&fixture("bert"));
    Layout::ShardedPytorch.write(folder.path(), &shards[..1]);
    assert!(matches!(load_from(folder.path()), Err(LoadError::Weights(WeightsError::TensorMissing { .. }))));
    shards.push(shards[0].clone());
    Layout::ShardedPytorch.write(folder.path(), &shards);
    fs::copy(folder.path().join("pytorch_model-0.bin"), folder.path().join("pytorch_model-1.bin")).unwrap();
    let index = json!({ "weight_map": { "a": "pytorch_model-0.bin", "b": "pytorch_model-1.bin" } });
    small_model::write_json(folder.path(), "pytorch_model.bin.index.json", &index);
    assert!(matches!(load_from(folder.path()), Err(LoadError::Weights(WeightsError::TensorTwice { .. }))));
}

#[test]
fn a_hostile_file_is_refused_by_its_path_and_executes_nothing() {
    let folder = small_model::folder();
    let weights = folder.path().join("pytorch_model.bin");
    let marker = folder.path().join("executed");
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    for Hostile { what, bytes, words } in hostile::files(&format!("touch {}", marker.display())) {
        fs::write(&weights, bytes).unwrap();
        let error = load_from(folder.path()).err().unwrap_or_else(|| panic!("{what} was loaded"));
        assert!(matches!(error, LoadError::Weights(WeightsError::Pytorch { .. })), "{what}: {error}");
        let message = chain(&error);
        let start = format!("{} cannot be loaded as PyTorch weights: ", weights.display());
        assert!(message.starts_with(&start) && message.contains(words), "{what}: {message}");
        assert!(!message.contains(char::is_control) && !message.ends_with('.'), "{what}: {message}");
    }
    assert!(!marker.exists());
}
