//! Ways to break a model folder.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

pub(crate) fn remove(folder: &Path, name: &str) {
    fs::remove_file(folder.join(name)).unwrap();
}

pub(super) fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    fs::write(folder.join(name), content).unwrap();
}

pub(super) fn edit(folder: &Path, name: &str, change: impl FnOnce(&mut Value)) {
    let mut json = serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap();
    change(&mut json);
    write(folder, name, json.to_string());
}

pub(crate) fn config(folder: &Path, key: &str, value: Value) {
    edit(folder, "config.json", |config| config[key] = value);
}

/// The header of `model.safetensors` and the bytes after it.
pub(crate) fn weights(folder: &Path) -> (Map<String, Value>, Vec<u8>) {
    let bytes = fs::read(folder.join("model.safetensors")).unwrap();
    let (length, rest) = bytes.split_at(8);
    let length = u64::from_le_bytes(length.try_into().unwrap()) as usize;
    (serde_json::from_slice(&rest[..length]).unwrap(), rest[length..].to_vec())
}

pub(crate) fn write_weights(folder: &Path, header: &Map<String, Value>, data: &[u8]) {
    let header = serde_json::to_vec(header).unwrap();
    let length = (header.len() as u64).to_le_bytes();
    write(folder, "model.safetensors", [&length[..], &header, data].concat());
}

pub(super) fn header(folder: &Path, change: impl FnOnce(&mut Map<String, Value>)) {
    let (mut header, data) = weights(folder);
    change(&mut header);
    write_weights(folder, &header, &data);
}

/// Writes `number` to the last element of the tensor `name`.
pub(super) fn number(folder: &Path, name: &str, number: f32) {
    let (header, mut data) = weights(folder);
    let end = header[name]["data_offsets"][1].as_u64().unwrap() as usize;
    data[end - 4..end].copy_from_slice(&number.to_le_bytes());
    write_weights(folder, &header, &data);
}

pub(super) fn index(folder: &Path, file: &str) {
    fs::rename(folder.join("model.safetensors"), folder.join("a.safetensors")).unwrap();
    let index = json!({ "weight_map": { "classifier.bias": "a.safetensors", "classifier.weight": file } });
    write(folder, "model.safetensors.index.json", index.to_string());
}

pub(super) fn reference(folder: &Path, key: &str, value: Value) {
    edit(folder, "reference.json", |reference| reference["cases"][3][key] = value);
}
