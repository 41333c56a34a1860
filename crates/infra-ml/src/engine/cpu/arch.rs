//! Which instructions the engine computes with. One binary holds its loops once for each [`Level`] and picks the best
//! that the processor has when the model is loaded.

use std::fmt;
use std::str::FromStr;

use rten_simd::Isa;
use rten_simd::isa::GenericIsa;
use rten_simd::ops::{BitOps, IntOps, NumOps, ToFloat};

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod x86;

/// A set of instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// 512-bit vectors with byte dot products.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// 512-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 256-bit vectors with byte dot products.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// 256-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 128-bit vectors of 64-bit Arm.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// No vector instructions by name: what every processor has.
    Plain,
}

impl Level {
    /// All that this program was compiled for, best first.
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
        Self::Plain,
    ];

    /// The best that this processor has.
    pub(crate) fn detect() -> Self {
        Self::ALL.iter().copied().find(|level| level.is_supported()).unwrap_or(Self::Plain)
    }

    /// Whether this processor has it.
    pub(crate) fn is_supported(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni | Self::Avx512 | Self::AvxVnni | Self::Avx2 => x86::supports(self),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
            Self::Plain => true,
        }
    }

    /// Whether products of bytes are faster than products of `f32` by enough to be worth their rounding.
    pub(crate) fn has_fast_bytes(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni | Self::AvxVnni => true,
            _ => false,
        }
    }

    /// The largest magnitude of a weight in bytes: 127, or 63 where a sum of two products is kept in 16 bits, which
    /// 255 · 63 · 2 just does not overflow.
    pub(crate) fn largest_weight(self) -> i8 {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 | Self::Avx2 => 63,
            _ => 127,
        }
    }

    /// The width in `f32` lanes and the height in rows of the tile that a matrix product keeps in registers.
    pub(crate) fn panel(self) -> usize {
        struct Width;
        impl Work for Width {
            type Output = usize;
            #[inline(always)]
            fn run<A: Arch, const ROWS: usize, const VECTORS: usize>(self, arch: A) -> usize {
                arch.isa().f32().len() * VECTORS
            }
        }
        self.run(Width)
    }

    fn as_str(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => "avx512vnni",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => "avxvnni",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "neon",
            Self::Plain => "plain",
        }
    }

    /// Runs `work` with these instructions, or plainly where this processor does not have them.
    #[inline]
    pub(crate) fn run<W: Work>(self, work: W) -> W::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni | Self::Avx512 | Self::AvxVnni | Self::Avx2 => x86::run(self, work),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => neon::run(work),
            Self::Plain => work.run::<_, 4, 2>(Plain(GenericIsa::new())),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Level {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|level| level.as_str() == name).ok_or(())
    }
}

/// A loop that is compiled once for each [`Level`].
pub(crate) trait Work {
    type Output;

    /// Implementations are `#[inline(always)]`, as is all that they call, so that they become part of the function
    /// whose instructions were chosen. A matrix product has `ROWS` × `VECTORS` vectors of sums in registers.
    fn run<A: Arch, const ROWS: usize, const VECTORS: usize>(self, arch: A) -> Self::Output;
}

/// The instructions of one level; it can only be made where the processor has them.
pub(crate) trait Arch: Copy {
    type Isa: Isa;

    fn isa(self) -> Self::Isa;

    /// In each 32-bit lane: `sum` and four products of `activations`, unsigned bytes, by `weights`, signed bytes.
    fn dot(self, sum: I32<Self>, activations: I32<Self>, weights: I32<Self>) -> I32<Self>;
}

/// A vector of `f32`.
pub(crate) type F32<A> = <<A as Arch>::Isa as Isa>::F32;
/// A vector of `i32`.
pub(crate) type I32<A> = <<A as Arch>::Isa as Isa>::I32;

/// `values` as `f32`.
#[inline(always)]
pub(crate) fn to_f32<A: Arch>(arch: A, values: I32<A>) -> F32<A> {
    arch.isa().i32().to_float(values)
}

#[derive(Clone, Copy)]
struct Plain(GenericIsa);

impl Arch for Plain {
    type Isa = GenericIsa;

    #[inline(always)]
    fn isa(self) -> GenericIsa {
        self.0
    }

    #[inline(always)]
    fn dot(self, sum: I32<Self>, activations: I32<Self>, weights: I32<Self>) -> I32<Self> {
        dot_byte_by_byte(self.0, sum, activations, weights)
    }
}

/// The dot product without an instruction for it: byte after byte of each lane.
#[inline(always)]
fn dot_byte_by_byte<I: Isa>(isa: I, sum: I::I32, activations: I::I32, weights: I::I32) -> I::I32 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_read_back_from_its_name() {
        for level in Level::ALL {
            assert_eq!(level.to_string().parse(), Ok(*level));
        }
        assert_eq!("sse".parse::<Level>(), Err(()));
    }
}
