use rten_simd::isa::ArmNeonIsa;
use rten_simd::isa::GenericIsa;

use super::{Arch, I32, Kernel, Portable, dot_by_shifts};

#[inline]
pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
    match ArmNeonIsa::new() {
        Some(isa) => kernel.run::<_, 6, 4>(Neon(isa)),
        None => kernel.run::<_, 4, 2>(Portable(GenericIsa::new())),
    }
}

#[derive(Clone, Copy)]
struct Neon(ArmNeonIsa);

impl Arch for Neon {
    type Isa = ArmNeonIsa;

    #[inline(always)]
    fn isa(self) -> ArmNeonIsa {
        self.0
    }

    #[inline(always)]
    fn dot(self, sum: I32<Self>, activations: I32<Self>, weights: I32<Self>) -> I32<Self> {
        dot_by_shifts(self.0, sum, activations, weights)
    }
}
