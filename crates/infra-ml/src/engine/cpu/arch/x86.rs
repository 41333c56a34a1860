#![expect(unsafe_code, reason = "vector instructions are called where the CPU is known to support them")]

use std::arch::x86_64::{
    _mm256_add_epi32, _mm256_dpbusd_avx_epi32, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi16,
    _mm512_add_epi32, _mm512_dpbusd_epi32, _mm512_madd_epi16, _mm512_maddubs_epi16, _mm512_set1_epi16,
};

use rten_simd::isa::{Avx2Isa, Avx512Isa};

use super::{Arch, I32, Kernel, SimdLevel, run_portable};

pub(super) fn supports(level: SimdLevel) -> bool {
    match level {
        SimdLevel::Avx512Vnni => Avx512Vnni::new().is_some(),
        SimdLevel::Avx512 => Avx512::new().is_some(),
        SimdLevel::AvxVnni => AvxVnni::new().is_some(),
        SimdLevel::Avx2 => Avx2::new().is_some(),
        SimdLevel::Portable => true,
    }
}

/// Runs `kernel` inside a function that enables the features whose support the constructor of the level checks.
#[inline]
pub(super) fn run<K: Kernel>(level: SimdLevel, kernel: K) -> K::Output {
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,f16c,fma,avx512vnni")]
    fn with_avx512_vnni<K: Kernel>(arch: Avx512Vnni, kernel: K) -> K::Output {
        kernel.run::<_, 6, 4>(arch)
    }
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,f16c,fma")]
    fn with_avx512<K: Kernel>(arch: Avx512, kernel: K) -> K::Output {
        kernel.run::<_, 6, 4>(arch)
    }
    #[target_feature(enable = "avx,avx2,fma,f16c,avxvnni")]
    fn with_avx_vnni<K: Kernel>(arch: AvxVnni, kernel: K) -> K::Output {
        kernel.run::<_, 6, 2>(arch)
    }
    #[target_feature(enable = "avx,avx2,fma,f16c")]
    fn with_avx2<K: Kernel>(arch: Avx2, kernel: K) -> K::Output {
        kernel.run::<_, 6, 2>(arch)
    }
    match level {
        SimdLevel::Avx512Vnni if K::USES_DOT => {
            if let Some(arch) = Avx512Vnni::new() {
                // SAFETY: `arch` exists, so the CPU has the features that the function enables.
                return unsafe { with_avx512_vnni(arch, kernel) };
            }
        }
        SimdLevel::AvxVnni if K::USES_DOT => {
            if let Some(arch) = AvxVnni::new() {
                // SAFETY: `arch` exists, so the CPU has the features that the function enables.
                return unsafe { with_avx_vnni(arch, kernel) };
            }
        }
        SimdLevel::Avx512Vnni | SimdLevel::Avx512 => {
            if let Some(arch) = Avx512::new() {
                // SAFETY: `arch` exists, so the CPU has the features that the function enables.
                return unsafe { with_avx512(arch, kernel) };
            }
        }
        SimdLevel::AvxVnni | SimdLevel::Avx2 => {
            if let Some(arch) = Avx2::new() {
                // SAFETY: `arch` exists, so the CPU has the features that the function enables.
                return unsafe { with_avx2(arch, kernel) };
            }
        }
        SimdLevel::Portable => {}
    }
    run_portable(kernel)
}

#[derive(Clone, Copy)]
struct Avx512Vnni(Avx512Isa);

impl Avx512Vnni {
    #[inline]
    fn new() -> Option<Self> {
        if is_x86_feature_detected!("avx512vnni") { Avx512Isa::new().map(Self) } else { None }
    }
}

impl Arch for Avx512Vnni {
    type Isa = Avx512Isa;

    #[inline(always)]
    fn isa(self) -> Avx512Isa {
        self.0
    }

    #[inline(always)]
    fn dot(self, sum: I32<Self>, activations: I32<Self>, weights: I32<Self>) -> I32<Self> {
        // SAFETY: `self` exists, so the CPU has AVX-512 VNNI.
        unsafe { _mm512_dpbusd_epi32(sum.0, activations.0, weights.0) }.into()
    }
}

#[derive(Clone, Copy)]
struct Avx512(Avx512Isa);

impl Avx512 {
    #[inline]
    fn new() -> Option<Self> {
        Avx512Isa::new().map(Self)
    }
}

impl Arch for Avx512 {
    type Isa = Avx512Isa;

    #[inline(always)]
    fn isa(self) -> Avx512Isa {
        self.0
    }

    #[inline(always)]
    fn dot(self, sum: I32<Self>, activations: I32<Self>, weights: I32<Self>) -> I32<Self> {
        // SAFETY: `self` exists, so the CPU has AVX-512 BW.
        unsafe {
            let pairs = _mm512_maddubs_epi16(activations.0, weights.0);
            _mm512_add_epi32(sum.0, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))
        }
        .into()
    }
}

#[derive(Clone, Copy)]
struct AvxVnni(Avx2Isa);

impl AvxVnni {
    #[inline]
    fn new() -> Option<Self> {
        if is_x86_feature_detected!("avxvnni") { Avx2Isa::new().map(Self) } else { None }
    }
}

impl Arch for AvxVnni {
    type Isa = Avx2Isa;

    #[inline(always)]
    fn isa(self) -> Avx2Isa {
        self.0
    }

    #[inline(always)]
    fn dot(self, sum: I32<Self>, activations: I32<Self>, weights: I32<Self>) -> I32<Self> {
        // SAFETY: `self` exists, so the CPU has AVX-VNNI.
        unsafe { _mm256_dpbusd_avx_epi32(sum.0, activations.0, weights.0) }.into()
    }
}

#[derive(Clone, Copy)]
struct Avx2(Avx2Isa);

impl Avx2 {
    #[inline]
    fn new() -> Option<Self> {
        Avx2Isa::new().map(Self)
    }
}

impl Arch for Avx2 {
    type Isa = Avx2Isa;

    #[inline(always)]
    fn isa(self) -> Avx2Isa {
        self.0
    }

    #[inline(always)]
    fn dot(self, sum: I32<Self>, activations: I32<Self>, weights: I32<Self>) -> I32<Self> {
        // SAFETY: `self` exists, so the CPU has AVX2.
        unsafe {
            let pairs = _mm256_maddubs_epi16(activations.0, weights.0);
            _mm256_add_epi32(sum.0, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
        }
        .into()
    }
}
