use rten_simd::ops::{BitOps, NumOps};
use rten_simd::{Isa, SimdUnaryOp};
use rten_vecmath::{ApproxGelu, Gelu, Tanh};

use super::arch::{Arch, F32};
use super::linear::{Finish, Place, store};

/// The function between the two products of a layer, or after the pooler's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activation {
    /// `x · Φ(x)` with the error function.
    Gelu,
    /// GELU by the hyperbolic tangent.
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
    /// The hyperbolic tangent.
    Tanh,
}

/// Writes the function of the numbers into rows of `width`.
pub(super) struct Activate<'a> {
    pub(super) function: Activation,
    pub(super) out: &'a mut [f32],
    pub(super) width: usize,
}

impl Finish for Activate<'_> {
    #[inline(always)]
    fn finish<A: Arch>(&mut self, arch: A, place: Place, value: F32<A>) {
        let isa = arch.isa();
        let value = match self.function {
            Activation::Gelu => Gelu {}.eval(isa, value),
            Activation::GeluTanh => ApproxGelu {}.eval(isa, value),
            Activation::Relu => isa.f32().max(value, isa.f32().zero()),
            Activation::Tanh => Tanh {}.eval(isa, value),
        };
        store(arch, place.of(self.out, self.width), value);
    }
}
