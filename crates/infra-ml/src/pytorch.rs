//! Reads the files that PyTorch's `torch.save` writes: where each tensor of a state dict is, never the objects.
//!
//! Such a file is a pickle, a program for a stack machine that may call any Python function, and the bytes of the
//! tensors. [`pickle`] interprets the few instructions that state dicts consist of, on values of its own: a call
//! outside its allow-list refuses the file by the function's name, and nothing is executed. Both forms end there: the
//! zip archive of PyTorch since 1.6 ([`archive`]) and the older sequence of pickles ([`legacy`]). [`state_dict`] then
//! checks each tensor against its storage. Files are untrusted: memory and time are bounded by [`MAX_PICKLE_BYTES`],
//! [`pickle::MAX_STEPS`] and the bound of an archive's directory, whatever a file declares.

mod archive;
mod error;
mod legacy;
mod pickle;
mod state_dict;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::HashMap;

use crate::stored_tensor::{ReadAt, StoredTensor};

pub(crate) use error::PytorchError;

/// The most bytes of a pickle. The pickles of large models have some hundreds of kilobytes.
const MAX_PICKLE_BYTES: usize = 16 << 20;

/// The place of a tar archive's magic, and the magic.
const TAR_MAGIC: (usize, &[u8]) = (257, b"ustar");

/// Reads the tensors of `file` by their names.
///
/// # Errors
/// If `file` is in neither form, is damaged, or its pickle does what no state dict does.
pub(crate) fn read(file: &dyn ReadAt) -> Result<HashMap<String, StoredTensor>, PytorchError> {
    let mut start = [0; 512];
    let length = file.size()?.min(start.len() as u64) as usize;
    file.read_exact_at(&mut start[..length], 0)?;
    match start {
        [b'P', b'K', 3, 4, ..] => archive::read(file),
        [pickle::PROTO, ..] => legacy::read(file),
        _ if start[TAR_MAGIC.0..].starts_with(TAR_MAGIC.1) => Err(PytorchError::Tar),
        _ => Err(PytorchError::Unknown),
    }
}
