#![expect(unsafe_code, reason = "the innermost loops read without bounds checks")]
#![expect(clippy::cast_ptr_alignment, reason = "four bytes are read as one unaligned i32")]
//! The micro-kernels of all matrix products: a tile of `ROWS` rows by `VECTORS` vectors of columns, accumulated in
//! registers.

use rten_simd::Isa;
use rten_simd::ops::{BitOps, NumOps};

use super::arch::{Arch, F32, I32};

/// Computes `sums[r][v] = Σ_k rows[r][k] · panel[k][v]` over `depth` steps. Step `k` of the panel starts `k · stride`
/// numbers after its first.
///
/// # Safety
/// `depth` numbers must be readable from each of `rows`, and `(depth - 1) · stride` numbers and `VECTORS` vectors from
/// `panel`.
#[inline(always)]
pub(super) unsafe fn tile_f32<A: Arch, const ROWS: usize, const VECTORS: usize>(
    arch: A,
    rows: [*const f32; ROWS],
    panel: *const f32,
    stride: usize,
    depth: usize,
) -> [[F32<A>; VECTORS]; ROWS] {
    let isa = arch.isa();
    let ops = isa.f32();
    let lanes = ops.len();
    let mut sums = [[ops.zero(); VECTORS]; ROWS];
    let mut step = panel;
    for k in 0..depth {
        let mut columns = [ops.zero(); VECTORS];
        for (vector, column) in columns.iter_mut().enumerate() {
            // SAFETY: `k < depth` and `vector < VECTORS`, so the vector lies within the panel.
            *column = unsafe { ops.load_ptr(step.add(vector * lanes)) };
        }
        for (sums, row) in sums.iter_mut().zip(rows) {
            // SAFETY: `k < depth`, so the number lies within the row.
            let number = ops.splat(unsafe { *row.add(k) });
            for (sum, column) in sums.iter_mut().zip(columns) {
                *sum = ops.mul_add(number, column, *sum);
            }
        }
        step = step.wrapping_add(stride);
    }
    sums
}

/// The same for `u8` rows and an `i8` panel, in 32-bit lanes that hold four consecutive steps of a column: `quads` such
/// groups of four, one behind the other.
///
/// # Safety
/// `4 · quads` bytes must be readable from each of `rows`, and `quads · VECTORS` vectors from `panel`.
#[inline(always)]
pub(super) unsafe fn tile_int8<A: Arch, const ROWS: usize, const VECTORS: usize>(
    arch: A,
    rows: [*const u8; ROWS],
    panel: *const i8,
    quads: usize,
) -> [[I32<A>; VECTORS]; ROWS] {
    let isa = arch.isa();
    let ops = isa.i32();
    let lanes = ops.len();
    let mut sums = [[ops.zero(); VECTORS]; ROWS];
    let mut step = panel.cast::<i32>();
    for quad in 0..quads {
        let mut columns = [ops.zero(); VECTORS];
        for (vector, column) in columns.iter_mut().enumerate() {
            // SAFETY: `quad < quads` and `vector < VECTORS`, so the vector lies within the panel.
            *column = unsafe { ops.load_ptr(step.add(vector * lanes)) };
        }
        for (sums, row) in sums.iter_mut().zip(rows) {
            // SAFETY: `quad < quads`, so the four bytes lie within the row; the read needs no alignment.
            let four = ops.splat(unsafe { row.cast::<i32>().add(quad).read_unaligned() });
            for (sum, column) in sums.iter_mut().zip(columns) {
                *sum = arch.dot(*sum, four, column);
            }
        }
        step = step.wrapping_add(VECTORS * lanes);
    }
    sums
}
