//! Files that PyTorch wrote. `tests/pytorch/make.py` makes them.

use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Expected {
    shape: Vec<usize>,
    /// Numbers, or booleans.
    values: Vec<serde_json::Value>,
}

pub(super) fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "pytorch", name].iter().collect()
}

/// The names of the files, all with the same tensors.
pub(super) const FILES: [&str; 5] =
    ["zip.bin", "zip-protocol-4.bin", "zip-without-checksums.bin", "legacy.bin", "legacy-protocol-4.bin"];

#[test]
fn every_tensor_of_pytorch_has_its_shape_and_its_values() {
    let expected = fs::read(path("expected.json")).unwrap();
    let expected: HashMap<String, Expected> = serde_json::from_slice(&expected).unwrap();
    for file in FILES {
        let bytes = fs::read(path(file)).unwrap();
        let tensors = read_bytes(&bytes).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(tensors.len(), expected.len(), "{file}");
        for (name, Expected { shape, values }) in &expected {
            let tensor = &tensors[name];
            assert_eq!(tensor.shape, *shape, "{file}: {name}");
            let number = |value: &serde_json::Value| {
                value.as_bool().map_or_else(|| value.as_f64().unwrap(), |bit| u8::from(bit).into())
            };
            let values: Vec<_> = values.iter().map(number).collect();
            assert_eq!(numbers_of(&bytes, tensor), values, "{file}: {name}");
        }
    }
}

fn numbers_of(bytes: &[u8], tensor: &StoredTensor) -> Vec<f64> {
    let size = tensor.dtype.bitsize() / 8;
    let mut out = vec![0; tensor.elements() * size];
    tensor.read(&bytes, &mut out).unwrap();
    let number = |bytes: &[u8]| match tensor.dtype {
        Dtype::F32 => f32::from_le_bytes(bytes.try_into().unwrap()).into(),
        Dtype::F16 => half::f16::from_le_bytes(bytes.try_into().unwrap()).into(),
        Dtype::BF16 => half::bf16::from_le_bytes(bytes.try_into().unwrap()).into(),
        Dtype::I64 => i64::from_le_bytes(bytes.try_into().unwrap()) as f64,
        Dtype::BOOL => bytes[0].into(),
        other => panic!("{other:?} is in no fixture"),
    };
    out.chunks_exact(size).map(number).collect()
}
