//! Where the tensors of a file of weights are, and how they are read one at a time.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use safetensors::Dtype;

/// Bytes that are read by their position, so that readers share no cursor.
pub(crate) trait ReadAt {
    /// The number of bytes.
    fn size(&self) -> io::Result<u64>;
    /// Fills `buffer` with the bytes from `offset` on; fails where there are fewer.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

impl ReadAt for File {
    fn size(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, buffer, offset)
    }
}

impl ReadAt for &[u8] {
    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let from = usize::try_from(offset).ok().and_then(|offset| self.get(offset..));
        let from = from.and_then(|rest| rest.get(..buffer.len()));
        buffer.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// The bytes that are read at once where a tensor need not be in memory: whole elements of any type.
const BLOCK: usize = 256 * 1024;

/// Passes the `length` bytes from `offset` on to `visit`, block by block.
pub(crate) fn for_each_block(
    file: &dyn ReadAt,
    mut offset: u64,
    mut length: u64,
    mut visit: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut buffer = vec![0; length.min(BLOCK as u64) as usize];
    while length > 0 {
        let block = &mut buffer[..length.min(BLOCK as u64) as usize];
        file.read_exact_at(block, offset)?;
        visit(block);
        offset += block.len() as u64;
        length -= block.len() as u64;
    }
    Ok(())
}

/// A tensor in a file, whose bounds have been checked against the file's size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredTensor {
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    /// The position of the first element, in bytes.
    pub(crate) offset: u64,
    /// The distance between neighbors in each dimension, in elements; `None` where the elements are in order and
    /// without gaps. No two elements share a place.
    pub(crate) strides: Option<Vec<usize>>,
}

impl StoredTensor {
    /// The number of elements.
    pub(crate) fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// The size of an element in bytes.
    fn element_size(&self) -> usize {
        self.dtype.bitsize() / 8
    }

    /// Fills `out` with the elements in order, little-endian.
    pub(crate) fn read(&self, file: &dyn ReadAt, out: &mut [u8]) -> io::Result<()> {
        match &self.strides {
            None => file.read_exact_at(out, self.offset),
            Some(_) if out.is_empty() => Ok(()),
            Some(strides) => self.gather(strides, file, out),
        }
    }

    /// Whether every number is finite: the bits of its exponent are not all set. `None` for types that are not read.
    pub(crate) fn is_finite(&self, file: &dyn ReadAt) -> io::Result<Option<bool>> {
        if !matches!(self.dtype, Dtype::F16 | Dtype::BF16 | Dtype::F32) {
            return Ok(None);
        }
        let bytes = self.elements() * self.element_size();
        let mut finite = true;
        if self.strides.is_none() {
            for_each_block(file, self.offset, bytes as u64, |block| finite &= all_finite(self.dtype, block))?;
        } else {
            let mut whole = vec![0; bytes];
            self.read(file, &mut whole)?;
            finite = all_finite(self.dtype, &whole);
        }
        Ok(Some(finite))
    }

    fn gather(&self, strides: &[usize], file: &dyn ReadAt, out: &mut [u8]) -> io::Result<()> {
        let size = self.element_size();
        let last: usize = self.shape.iter().zip(strides).map(|(length, stride)| (length - 1) * stride).sum();
        let mut span = vec![0; (last + 1) * size];
        file.read_exact_at(&mut span, self.offset)?;
        let (mut index, mut place) = (vec![0; self.shape.len()], 0);
        for element in out.chunks_exact_mut(size) {
            element.copy_from_slice(&span[place * size..][..size]);
            for dimension in (0..self.shape.len()).rev() {
                index[dimension] += 1;
                place += strides[dimension];
                if index[dimension] < self.shape[dimension] {
                    break;
                }
                place -= index[dimension] * strides[dimension];
                index[dimension] = 0;
            }
        }
        Ok(())
    }
}

/// Whether no exponent of the little-endian `numbers` has all its bits set.
fn all_finite(dtype: Dtype, numbers: &[u8]) -> bool {
    let halves = |exponent: u16| {
        numbers.as_chunks().0.iter().all(|bytes| u16::from_le_bytes(*bytes) & exponent != exponent)
    };
    match dtype {
        Dtype::F16 => halves(0x7c00),
        Dtype::BF16 => halves(0x7f80),
        _ => {
            let exponent = 0x7f80_0000;
            numbers.as_chunks().0.iter().all(|bytes| u32::from_le_bytes(*bytes) & exponent != exponent)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_tensor_is_read_in_order() {
        let bytes: Vec<u8> = (0..8_u16).flat_map(u16::to_le_bytes).collect();
        let tensor =
            StoredTensor { dtype: Dtype::F16, shape: vec![3, 2], offset: 4, strides: Some(vec![1, 3]) };
        let mut out = [0; 12];
        tensor.read(&&bytes[..], &mut out).unwrap();
        let expected: Vec<u8> = [2, 5, 3, 6, 4, 7_u16].into_iter().flat_map(u16::to_le_bytes).collect();
        assert_eq!(out[..], expected);
        assert!(tensor.read(&&bytes[..14], &mut out).is_err());
    }

    #[test]
    fn a_nan_is_found_in_any_block() {
        let elements = BLOCK / 4 + 3;
        let mut numbers = vec![0.5_f32; elements];
        let tensor = StoredTensor { dtype: Dtype::F32, shape: vec![elements], offset: 0, strides: None };
        let finite = |numbers: &[f32]| tensor.is_finite(&bytemuck::cast_slice(numbers)).unwrap();
        assert_eq!(finite(&numbers), Some(true));
        numbers[elements - 1] = f32::NAN;
        assert_eq!(finite(&numbers), Some(false));
    }
}
