use rten_simd::Isa;
use rten_simd::ops::{BitOps, NumOps};

use super::arch::{Arch, F32};
use super::vector::store;

/// What happens to the results of a matrix product while they are in registers.
pub(super) trait Epilogue {
    /// Processes `value`, the results of `tile`.
    fn apply<A: Arch>(&mut self, arch: A, tile: OutputTile, value: F32<A>);
}

/// The part of the output matrix that one vector of results covers: consecutive columns of a row.
#[derive(Clone, Copy)]
pub(super) struct OutputTile {
    pub(super) row: usize,
    /// The column of the first lane.
    pub(super) column: usize,
    /// The lanes within the matrix, counted from the first.
    pub(super) lanes: usize,
}

impl OutputTile {
    /// The tile's part of `out`, `[rows, width]`.
    #[inline(always)]
    pub(super) fn of(self, out: &mut [f32], width: usize) -> &mut [f32] {
        &mut out[self.row * width + self.column..][..self.lanes]
    }
}

/// Writes the results to `out`, `[rows, width]`.
pub(super) struct Overwrite<'a> {
    pub(super) out: &'a mut [f32],
    pub(super) width: usize,
}

impl Epilogue for Overwrite<'_> {
    #[inline(always)]
    fn apply<A: Arch>(&mut self, arch: A, tile: OutputTile, value: F32<A>) {
        store(arch, tile.of(self.out, self.width), value);
    }
}

/// Adds the results to `out`, `[rows, width]`: a residual connection.
pub(super) struct Accumulate<'a> {
    pub(super) out: &'a mut [f32],
    pub(super) width: usize,
}

impl Epilogue for Accumulate<'_> {
    #[inline(always)]
    fn apply<A: Arch>(&mut self, arch: A, tile: OutputTile, value: F32<A>) {
        let out = tile.of(self.out, self.width);
        let (before, _) = arch.isa().f32().load_pad(out);
        store(arch, out, arch.isa().f32().add(before, value));
    }
}
