#![expect(unsafe_code, reason = "plain numbers are seen as bytes and back")]

/// Numbers that start at a cache line, so that no vector of them lies across two.
#[derive(Clone)]
pub(super) struct Lines<T> {
    storage: Vec<Line>,
    len: usize,
    element: std::marker::PhantomData<T>,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// A number of which any bytes are a value.
pub(super) trait Plain: Copy {}
impl Plain for f32 {}
impl Plain for i8 {}
impl Plain for u8 {}

impl<T: Plain> Lines<T> {
    /// `len` zeros.
    pub(super) fn zeros(len: usize) -> Self {
        let storage = vec![Line([0; 64]); (len * size_of::<T>()).div_ceil(64)];
        Self { storage, len, element: std::marker::PhantomData }
    }

    /// Makes room for at least `len` numbers; what they are is not said.
    pub(super) fn reserve(&mut self, len: usize) {
        if len > self.len {
            *self = Self::zeros(len);
        }
    }
}

impl<T: Plain> std::ops::Deref for Lines<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the lines hold `len` numbers, all bytes of which were written, and are aligned for any of them.
        unsafe { std::slice::from_raw_parts(self.storage.as_ptr().cast(), self.len) }
    }
}

impl<T: Plain> std::ops::DerefMut for Lines<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and the lines are borrowed for as long as the slice.
        unsafe { std::slice::from_raw_parts_mut(self.storage.as_mut_ptr().cast(), self.len) }
    }
}
