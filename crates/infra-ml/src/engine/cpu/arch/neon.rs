use rten_simd::isa::ArmNeonIsa;
use rten_simd::isa::GenericIsa;

use super::{Arch, I32, Plain, Work, dot_byte_by_byte};

#[inline]
pub(super) fn run<W: Work>(work: W) -> W::Output {
    match ArmNeonIsa::new() {
        Some(isa) => work.run::<_, 6, 4>(Neon(isa)),
        None => work.run::<_, 4, 2>(Plain(GenericIsa::new())),
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
        dot_byte_by_byte(self.0, sum, activations, weights)
    }
}
