use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use bytemuck::{Pod, Zeroable};

/// A buffer that starts at a cache line, so that an aligned vector never crosses two lines.
#[derive(Clone)]
pub(super) struct AlignedBuf<T> {
    storage: Vec<CacheLine>,
    element: PhantomData<T>,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct CacheLine([u8; 64]);

impl<T: Pod> AlignedBuf<T> {
    /// At least `len` zeros: the length is rounded up to whole cache lines.
    pub(super) fn zeros(len: usize) -> Self {
        let lines = (len * size_of::<T>()).div_ceil(size_of::<CacheLine>());
        Self { storage: vec![CacheLine::zeroed(); lines], element: PhantomData }
    }

    /// Grows the buffer to at least `len` elements. A buffer that grows loses its contents.
    pub(super) fn reserve(&mut self, len: usize) {
        if len > self.len() {
            *self = Self::zeros(len);
        }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.storage[..])
    }
}

impl<T: Pod> Deref for AlignedBuf<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        bytemuck::cast_slice(&self.storage)
    }
}

impl<T: Pod> DerefMut for AlignedBuf<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(&mut self.storage)
    }
}
