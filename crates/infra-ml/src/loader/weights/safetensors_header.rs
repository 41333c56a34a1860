use std::collections::HashMap;

use application::errors::BoxError;
use safetensors::tensor::Metadata;

use crate::stored_tensor::{ReadAt, StoredTensor};

/// The most bytes of a header. Those of large models have some hundreds of kilobytes.
const MAX_HEADER: u64 = 16 << 20;

/// Reads where the tensors of a safetensors file are: a header of JSON, its length in eight bytes before it, and the
/// tensors behind it.
pub(super) fn read(file: &dyn ReadAt) -> Result<HashMap<String, StoredTensor>, BoxError> {
    let mut length = [0; 8];
    file.read_exact_at(&mut length, 0)?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER {
        return Err("its header is larger than 16 MiB".into());
    }
    let mut header = vec![0; length as usize];
    file.read_exact_at(&mut header, 8)?;
    let header: Metadata = serde_json::from_slice(&header)?;
    let start = 8 + length;
    if start.checked_add(header.data_len() as u64) != Some(file.size()?) {
        return Err("its length is not that of its tensors".into());
    }
    let tensors = header.tensors().into_iter().map(|(name, info)| {
        let offset = start + info.data_offsets.0 as u64;
        (name, StoredTensor { dtype: info.dtype, shape: info.shape.clone(), offset, strides: None })
    });
    Ok(tensors.collect())
}
