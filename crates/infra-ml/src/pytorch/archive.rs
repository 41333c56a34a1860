//! The zip archive of PyTorch since 1.6: a folder with `data.pkl`, the pickle, and `data/KEY`, the bytes of each
//! storage. See `_load` of `torch/serialization.py`.

mod directory;

use std::collections::HashMap;

use super::error::{PytorchError, shown};
use super::{MAX_PICKLE_BYTES, pickle, state_dict};
use crate::stored_tensor::{ReadAt, StoredTensor, for_each_block};
use directory::{Directory, Entry};

pub(super) fn read(file: &dyn ReadAt) -> Result<HashMap<String, StoredTensor>, PytorchError> {
    let directory = Directory::read(file)?;
    if directory.get("constants.pkl").is_some() {
        return Err(PytorchError::TorchScript);
    }
    if let Some(order) = directory.get("byteorder")
        && (order.size > 16 || content(file, order)? != b"little")
    {
        return Err(PytorchError::ByteOrder);
    }
    let entry = directory.get("data.pkl").ok_or(PytorchError::Unknown)?;
    if entry.size > MAX_PICKLE_BYTES as u64 {
        return Err(PytorchError::PickleSize);
    }
    let bytes = content(file, entry)?;
    let pickle = pickle::unpickle(&bytes, 0)?;
    let mut places = HashMap::with_capacity(pickle.storages.len());
    for (key, (dtype, elements)) in &pickle.storages {
        let refused = |what| PytorchError::Storage { key: shown(key.as_bytes()), what };
        let entry = directory.get(&format!("data/{key}")).ok_or_else(|| refused("is not in the archive"))?;
        if elements.checked_mul(dtype.bitsize() as u64 / 8) != Some(entry.size) {
            return Err(refused("has another length than its tensors say"));
        }
        places.insert(*key, entry.start);
    }
    let tensors = state_dict::tensors(&pickle, &places)?;
    for key in pickle.storages.keys() {
        if let Some(entry) = directory.get(&format!("data/{key}")) {
            check(file, entry)?;
        }
    }
    Ok(tensors)
}

/// The bytes of a small entry.
fn content(file: &dyn ReadAt, entry: &Entry) -> Result<Vec<u8>, PytorchError> {
    check(file, entry)?;
    let mut bytes = vec![0; entry.size as usize];
    file.read_exact_at(&mut bytes, entry.start)?;
    Ok(bytes)
}

/// Compares an entry with its checksum. `torch.serialization.set_crc32_options(False)` writes zeros instead.
fn check(file: &dyn ReadAt, entry: &Entry) -> Result<(), PytorchError> {
    if entry.crc == 0 {
        return Ok(());
    }
    let mut crc = crc32fast::Hasher::new();
    for_each_block(file, entry.start, entry.size, |block| crc.update(block))?;
    if crc.finalize() == entry.crc {
        return Ok(());
    }
    Err(PytorchError::Entry { name: shown(entry.name.as_bytes()), what: "has another checksum" })
}
