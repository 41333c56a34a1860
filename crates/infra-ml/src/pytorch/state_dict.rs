use std::collections::HashMap;

use super::error::{PytorchError, shown};
use super::pickle::{TensorRef, Unpickled, Value};
use crate::stored_tensor::StoredTensor;

/// The most bytes of a tensor's name.
const MAX_NAME: usize = 512;

/// The tensors of a state dict by their names, where `places` has the position of each storage's first byte, by its
/// key. Values that are not tensors are left out, as are keys that are not texts.
pub(super) fn tensors(
    pickle: &Unpickled<'_>,
    places: &HashMap<&str, u64>,
) -> Result<HashMap<String, StoredTensor>, PytorchError> {
    let Value::Dict(items) = pickle.root() else { return Err(PytorchError::NoStateDict) };
    let mut tensors = HashMap::new();
    for (name, tensor) in items {
        let (Value::Text(name), Value::Tensor(tensor)) = (pickle.value(*name), pickle.value(*tensor)) else {
            continue;
        };
        let refused = |what| PytorchError::Tensor { name: shown(name.as_bytes()), what };
        if name.len() > MAX_NAME {
            return Err(refused("has too long a name"));
        }
        let stored = locate(pickle, tensor, places).map_err(refused)?;
        // A later value replaces an earlier one, as in Python.
        tensors.insert((*name).to_owned(), stored);
    }
    if tensors.is_empty() { Err(PytorchError::NoStateDict) } else { Ok(tensors) }
}

/// Checks that every element of `tensor` is inside its storage, and that no two elements share a place.
fn locate(
    pickle: &Unpickled<'_>,
    tensor: &TensorRef,
    places: &HashMap<&str, u64>,
) -> Result<StoredTensor, &'static str> {
    const OUTSIDE: &str = "is not inside its storage";
    let Value::Storage(storage) = pickle.value(tensor.storage) else { return Err("has no storage") };
    let start = places.get(storage.key).ok_or("has no storage")?;
    let TensorRef { offset, shape, strides, .. } = tensor;
    let (part_start, part_length) = storage.part;
    let is_empty = shape.contains(&0);
    let span = if is_empty { 0 } else { span(shape, strides).ok_or(OUTSIDE)? };
    if offset.checked_add(span).is_none_or(|end| end > part_length) {
        return Err(OUTSIDE);
    }
    if !is_empty && has_overlap(shape, strides) {
        return Err("has elements that share a place");
    }
    let size = storage.dtype.bitsize() as u64 / 8;
    let contiguous = is_empty || is_contiguous(shape, strides);
    Ok(StoredTensor {
        dtype: storage.dtype,
        shape: shape.clone(),
        // Inside the storage, which is inside the file: this cannot overflow.
        offset: start + (part_start + offset) * size,
        strides: (!contiguous).then(|| strides.clone()),
    })
}

/// The elements from the first to the last place; `None` where it overflows.
fn span(shape: &[usize], strides: &[usize]) -> Option<u64> {
    shape.iter().zip(strides).try_fold(1_u64, |span, (length, stride)| {
        let length = (*length as u64).checked_sub(1)?;
        span.checked_add(length.checked_mul(*stride as u64)?)
    })
}

/// Whether a dimension steps into the places of those with shorter steps.
fn has_overlap(shape: &[usize], strides: &[usize]) -> bool {
    let mut steps: Vec<_> = strides
        .iter()
        .zip(shape)
        .filter(|(_, length)| **length > 1)
        .map(|(stride, length)| (*stride, *length))
        .collect();
    steps.sort_unstable();
    let mut taken = 1;
    steps.into_iter().any(|(stride, length)| {
        let overlaps = stride < taken;
        // The span has been checked: it is greater than this.
        taken = stride.saturating_mul(length - 1).saturating_add(taken);
        overlaps
    })
}

/// Whether the elements are in order and without gaps. The stride of a dimension of one element does not matter.
fn is_contiguous(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1;
    shape.iter().zip(strides).rev().all(|(length, stride)| {
        let fits = *length == 1 || *stride == expected;
        expected = expected.saturating_mul(*length);
        fits
    })
}
