#![expect(unsafe_code, reason = "a masked store writes through a pointer")]
//! Operations on a vector that `rten-simd` does not have.

use rten_simd::ops::{BitOps, ToFloat};
use rten_simd::{Isa, Simd};

use super::arch::{Arch, F32, I32};

/// Converts `values` to `f32`.
#[inline(always)]
pub(super) fn to_f32<A: Arch>(arch: A, values: I32<A>) -> F32<A> {
    arch.isa().i32().to_float(values)
}

/// Stores the first lanes of `value`, as many as fit into `out`.
#[inline(always)]
pub(super) fn store<A: Arch>(arch: A, out: &mut [f32], value: F32<A>) {
    let ops = arch.isa().f32();
    if out.len() >= ops.len() {
        ops.store(value, out);
    } else {
        let mask = ops.first_n_mask(out.len());
        // SAFETY: the mask selects the first `out.len()` lanes only.
        unsafe { ops.store_ptr_mask(value, out.as_mut_ptr(), mask) };
    }
}

/// Reduces the lanes to one number by halves, so that the steps do not form one long dependency chain.
#[inline(always)]
pub(super) fn fold_lanes<A: Arch>(vector: F32<A>, pick: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = vector.to_array();
    let mut count = lanes.as_ref().len();
    while count > 1 {
        count /= 2;
        for lane in 0..count {
            lanes[lane] = pick(lanes[lane], lanes[lane + count]);
        }
    }
    lanes[0]
}
