//! SIMD levels: every [`Kernel`] is compiled once for each [`SimdLevel`], and the best level that the CPU supports is
//! chosen when a model is loaded.

use rten_simd::Isa;
use rten_simd::isa::GenericIsa;
use rten_simd::ops::{BitOps, IntOps, NumOps};

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod x86;

/// A set of vector instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SimdLevel {
    /// AVX-512 with int8 dot products (VNNI).
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 with int8 dot products (AVX-VNNI).
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// AVX2 with FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 128-bit vectors of 64-bit Arm.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// Code for any CPU, vectorized by the compiler alone.
    Portable,
}

impl SimdLevel {
    /// All levels of this target, best first.
    pub(crate) const ALL: &[Self] = &[
        #[cfg(target_arch = "x86_64")]
        Self::Avx512Vnni,
        #[cfg(target_arch = "x86_64")]
        Self::Avx512,
        #[cfg(target_arch = "x86_64")]
        Self::AvxVnni,
        #[cfg(target_arch = "x86_64")]
        Self::Avx2,
        #[cfg(target_arch = "aarch64")]
        Self::Neon,
        Self::Portable,
    ];

    /// Returns the name in the API and in the log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => "avx512_vnni",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => "avx_vnni",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "neon",
            Self::Portable => "portable",
        }
    }

    /// Returns the best level that this CPU supports.
    pub(crate) fn detect() -> Self {
        Self::ALL.iter().copied().find(|level| level.is_supported()).unwrap_or(Self::Portable)
    }

    /// Whether this CPU supports the level.
    pub(crate) fn is_supported(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni | Self::Avx512 | Self::AvxVnni | Self::Avx2 => x86::supports(self),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
            Self::Portable => true,
        }
    }

    /// Whether int8 products are faster than `f32` products by enough to be worth their rounding error.
    pub(crate) fn has_fast_int8(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni | Self::AvxVnni => true,
            _ => false,
        }
    }

    /// The largest magnitude of an int8 weight: 127, or 63 where `dot` adds two products in 16 bits, of which
    /// 2 · 255 · 63 is the largest sum that fits.
    pub(crate) fn max_int8_weight(self) -> i8 {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 | Self::Avx2 => 63,
            _ => 127,
        }
    }

    /// The columns of a panel of packed weights: the lanes of the `VECTORS` vectors of a [`Kernel`].
    pub(crate) fn panel_width(self) -> usize {
        struct PanelWidth;
        impl Kernel for PanelWidth {
            type Output = usize;
            #[inline(always)]
            fn run<A: Arch, const ROWS: usize, const VECTORS: usize>(self, arch: A) -> usize {
                arch.isa().f32().len() * VECTORS
            }
        }
        self.run(PanelWidth)
    }

    /// Runs `kernel` with this level's instructions, or the portable code where the CPU does not have them.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni | Self::Avx512 | Self::AvxVnni | Self::Avx2 => x86::run(self, kernel),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => neon::run(kernel),
            Self::Portable => run_portable(kernel),
        }
    }
}

/// A loop that is compiled once for each [`SimdLevel`].
pub(crate) trait Kernel {
    /// Whether it calls [`Arch::dot`]. One that does not runs the same code whether or not the CPU has instructions for
    /// int8 dot products, so it is not compiled for the levels that differ from others only by them.
    const USES_DOT: bool = false;

    type Output;

    /// Runs the loop; a matrix product accumulates `ROWS` × `VECTORS` vectors in registers.
    ///
    /// Implementations and all that they call must be `#[inline(always)]`, so that they become part of the function
    /// that enables the level's target features.
    fn run<A: Arch, const ROWS: usize, const VECTORS: usize>(self, arch: A) -> Self::Output;
}

/// The instructions of a level. A value exists only where the CPU supports them.
pub(crate) trait Arch: Copy {
    type Isa: Isa;

    fn isa(self) -> Self::Isa;

    /// Adds to each 32-bit lane of `sum` the dot product of the lane's four `u8` of `activations` and four `i8` of
    /// `weights`, as VPDPBUSD does.
    fn dot(self, sum: I32<Self>, activations: I32<Self>, weights: I32<Self>) -> I32<Self>;

    /// The greater of `value` and `limit` in each lane, NaN where `value` is NaN.
    #[inline(always)]
    fn at_least(self, value: F32<Self>, limit: F32<Self>) -> F32<Self> {
        // MAXPS returns its second operand where one is NaN, and FMAX returns NaN.
        self.isa().f32().max(limit, value)
    }

    /// The lesser of `value` and `limit` in each lane, NaN where `value` is NaN.
    #[inline(always)]
    fn at_most(self, value: F32<Self>, limit: F32<Self>) -> F32<Self> {
        self.isa().f32().min(limit, value)
    }
}

/// A vector of `f32`.
pub(crate) type F32<A> = <<A as Arch>::Isa as Isa>::F32;
/// A vector of `i32`.
pub(crate) type I32<A> = <<A as Arch>::Isa as Isa>::I32;

/// Runs `kernel` with the instructions of any CPU. Not inlined, so that its loops are compiled in one place.
#[inline(never)]
fn run_portable<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<_, 4, 2>(Portable(GenericIsa::new()))
}

#[derive(Clone, Copy)]
struct Portable(GenericIsa);

impl Arch for Portable {
    type Isa = GenericIsa;

    #[inline(always)]
    fn isa(self) -> GenericIsa {
        self.0
    }

    #[inline(always)]
    fn dot(self, sum: I32<Self>, activations: I32<Self>, weights: I32<Self>) -> I32<Self> {
        dot_by_shifts(self.0, sum, activations, weights)
    }

    // The portable `max` and `min` are those of `f32`, which return the operand that is a number.

    #[inline(always)]
    fn at_least(self, value: F32<Self>, limit: F32<Self>) -> F32<Self> {
        let ops = self.0.f32();
        ops.select(limit, value, ops.lt(value, limit))
    }

    #[inline(always)]
    fn at_most(self, value: F32<Self>, limit: F32<Self>) -> F32<Self> {
        let ops = self.0.f32();
        ops.select(limit, value, ops.gt(value, limit))
    }
}

/// [`Arch::dot`] without a dot product instruction: shifts each of a lane's four bytes into place.
#[inline(always)]
fn dot_by_shifts<I: Isa>(isa: I, sum: I::I32, activations: I::I32, weights: I::I32) -> I::I32 {
    let ops = isa.i32();
    let low = ops.splat(0xff);
    let [first, second, third] = [
        ops.shift_right::<8>(activations),
        ops.shift_right::<16>(activations),
        ops.shift_right::<24>(activations),
    ];
    let sum =
        ops.mul_add(ops.and(activations, low), ops.shift_right::<24>(ops.shift_left::<24>(weights)), sum);
    let sum = ops.mul_add(ops.and(first, low), ops.shift_right::<24>(ops.shift_left::<16>(weights)), sum);
    let sum = ops.mul_add(ops.and(second, low), ops.shift_right::<24>(ops.shift_left::<8>(weights)), sum);
    ops.mul_add(ops.and(third, low), ops.shift_right::<24>(weights), sum)
}
