//! The form of PyTorch before 1.6, in the order of the file: the pickles of a magic number, of the protocol's version,
//! of the writing machine's properties, of the object and of the storages' keys; then each storage, a number of
//! elements in eight bytes before its own. See `_legacy_load` of `torch/serialization.py`.

use std::collections::HashMap;

use super::error::{PytorchError, shown};
use super::pickle::{ENDS_EARLY, Unpickled, Value, unpickle};
use super::{MAX_PICKLE_BYTES, state_dict};
use crate::stored_tensor::{ReadAt, StoredTensor};

const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const PROTOCOL: i128 = 1001;

pub(super) fn read(file: &dyn ReadAt) -> Result<HashMap<String, StoredTensor>, PytorchError> {
    let size = file.size()?;
    let mut bytes = vec![0; size.min(MAX_PICKLE_BYTES as u64) as usize];
    file.read_exact_at(&mut bytes, 0)?;
    let next = |start| {
        unpickle(&bytes, start).map_err(|error| match error {
            PytorchError::Pickle { what: ENDS_EARLY, .. } if size > MAX_PICKLE_BYTES as u64 => {
                PytorchError::PickleSize
            }
            error => error,
        })
    };
    let magic = next(0)?;
    if !matches!(magic.root(), Value::Integer(MAGIC)) {
        return Err(PytorchError::Unknown);
    }
    let protocol = next(magic.end)?;
    if !matches!(protocol.root(), Value::Integer(PROTOCOL)) {
        return Err(PytorchError::Pickle { position: protocol.end, what: "it has an unknown version" });
    }
    let machine = next(protocol.end)?;
    if !is_little_endian(&machine) {
        return Err(PytorchError::ByteOrder);
    }
    let object = next(machine.end)?;
    let keys = next(object.end)?;
    let places = places(file, size, &object, &keys)?;
    state_dict::tensors(&object, &places)
}

fn is_little_endian(machine: &Unpickled<'_>) -> bool {
    let Value::Dict(items) = machine.root() else { return false };
    items.iter().any(|(key, value)| {
        matches!(
            (machine.value(*key), machine.value(*value)),
            (Value::Text("little_endian"), Value::Bool(true))
        )
    })
}

/// The position of each storage's first element, by its key.
fn places<'a>(
    file: &dyn ReadAt,
    size: u64,
    object: &Unpickled<'_>,
    keys: &Unpickled<'a>,
) -> Result<HashMap<&'a str, u64>, PytorchError> {
    let damaged = |what| PytorchError::Pickle { position: keys.end, what };
    let Value::List(ids) = keys.root() else {
        return Err(damaged("the keys of the storages are not a list"));
    };
    if ids.len() != object.storages.len() {
        return Err(damaged("the number of storages is wrong"));
    }
    let mut position = keys.end as u64;
    let mut places = HashMap::with_capacity(ids.len());
    for id in ids {
        let Value::Text(key) = keys.value(*id) else {
            return Err(damaged("the key of a storage is not a text"));
        };
        let refused = |what| PytorchError::Storage { key: shown(key.as_bytes()), what };
        let (dtype, elements) = object.storages.get(key).ok_or_else(|| refused("belongs to no tensor"))?;
        let mut count = [0; 8];
        file.read_exact_at(&mut count, position).map_err(|_| refused("is not in the file"))?;
        if u64::from_le_bytes(count) != *elements {
            return Err(refused("has another length than its tensors say"));
        }
        let end = elements
            .checked_mul(dtype.bitsize() as u64 / 8)
            .and_then(|bytes| bytes.checked_add(position + 8))
            .filter(|end| *end <= size)
            .ok_or_else(|| refused("is not whole"))?;
        if places.insert(*key, position + 8).is_some() {
            return Err(refused("is there twice"));
        }
        position = end;
    }
    Ok(places)
}
