//! What the fuzz targets call; not for other use.

use crate::pytorch;

/// Reads `bytes` as a file of PyTorch, and each of its tensors.
///
/// # Panics
/// If a tensor that was accepted cannot be read.
pub fn read_pytorch(bytes: &[u8]) {
    let file = &bytes;
    for (name, tensor) in pytorch::read(file).into_iter().flatten() {
        let mut out = vec![0; tensor.elements() * tensor.element_size()];
        assert!(out.len() <= file.len(), "{name} is larger than its file");
        assert!(tensor.read(file, &mut out).is_ok(), "{name} cannot be read");
        assert!(tensor.is_finite(file).is_ok(), "{name} cannot be read");
    }
}
