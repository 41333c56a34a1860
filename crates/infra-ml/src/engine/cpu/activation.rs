use rten_simd::ops::{BitOps, FloatOps, NumOps};
use rten_simd::{Isa, SimdUnaryOp};
use rten_vecmath::{ApproxGelu, Tanh};

use super::arch::{Arch, F32};
use super::epilogue::{Epilogue, OutputTile};
use super::vector::store;
use crate::architecture::Activation;

/// Applies an activation function to the results and writes them to `out`, `[rows, width]`.
pub(super) struct Activate<'a> {
    pub(super) function: Activation,
    pub(super) out: &'a mut [f32],
    pub(super) width: usize,
}

impl Epilogue for Activate<'_> {
    #[inline(always)]
    fn apply<A: Arch>(&mut self, arch: A, tile: OutputTile, value: F32<A>) {
        store(arch, tile.of(self.out, self.width), activation(arch, self.function, value));
    }
}

/// Returns `function` of each lane of `value`.
#[inline(always)]
pub(super) fn activation<A: Arch>(arch: A, function: Activation, value: F32<A>) -> F32<A> {
    let isa = arch.isa();
    match function {
        Activation::Gelu => gelu(arch, value),
        Activation::GeluTanh => ApproxGelu {}.eval(isa, value),
        Activation::Relu => arch.at_least(value, isa.f32().zero()),
        Activation::Tanh => Tanh {}.eval(isa, value),
    }
}

/// GELU, `x · Φ(x)`, with `Φ(x) = (1 + erf(x / √2)) / 2` approximated by `½ + x · P(x²) / Q(x²)`.
///
/// The coefficients are a minimax fit by weighted least squares; the absolute error is below 2e-6. Twice as
/// fast as an approximation of erf that needs an exponential.
#[inline(always)]
fn gelu<A: Arch>(arch: A, value: F32<A>) -> F32<A> {
    let ops = arch.isa().f32();
    let above = arch.at_least(value, ops.splat(-FIT_LIMIT));
    let x = arch.at_most(above, ops.splat(FIT_LIMIT));
    let square = ops.mul(x, x);
    let polynomial = |coefficients: [f32; 6]| {
        let mut sum = ops.splat(coefficients[5]);
        for coefficient in coefficients[..5].iter().rev() {
            sum = ops.mul_add(sum, square, ops.splat(*coefficient));
        }
        sum
    };
    let ratio = ops.div(ops.mul(x, polynomial(NUMERATOR)), polynomial(DENOMINATOR));
    ops.mul(above, ops.add(ops.splat(0.5), ratio))
}

/// Beyond ±this, `Φ` is 0 or 1 in `f32`.
const FIT_LIMIT: f32 = 5.5;
const NUMERATOR: [f32; 6] =
    [0.398_942_23, 0.033_852_726, 0.004_677_265_4, 0.000_168_826_5, 6.352_125_6e-6, 2.274_935_8e-8];
const DENOMINATOR: [f32; 6] =
    [1.0, 0.251_522_12, 0.028_645_918, 0.001_884_449_5, 7.364_778e-5, 1.197_504_3e-6];

#[cfg(test)]
mod tests {
    use super::super::arch::{Kernel, SimdLevel};
    use super::*;

    /// Applies an activation to a row of numbers, in place.
    struct ActivationKernel<'a>(Activation, &'a mut [f32]);

    impl Kernel for ActivationKernel<'_> {
        type Output = ();

        #[inline(always)]
        fn run<A: Arch, const ROWS: usize, const VECTORS: usize>(self, arch: A) {
            let lanes = arch.isa().f32().len();
            let width = self.1.len();
            let values = self.1.to_vec();
            let mut activate = Activate { function: self.0, out: self.1, width };
            for (index, part) in values.chunks(lanes).enumerate() {
                let tile = OutputTile { row: 0, column: index * lanes, lanes: part.len() };
                activate.apply(arch, tile, arch.isa().f32().load_pad(part).0);
            }
        }
    }

    struct GeluKernel<'a>(&'a mut [f32]);

    impl Kernel for GeluKernel<'_> {
        type Output = ();

        #[inline(always)]
        fn run<A: Arch, const ROWS: usize, const VECTORS: usize>(self, arch: A) {
            for part in self.0.chunks_mut(arch.isa().f32().len()) {
                let value = gelu(arch, arch.isa().f32().load_pad(part).0);
                store(arch, part, value);
            }
        }
    }

    /// GELU in f64 by the power series of the error function, which converges for |x| ≤ 6.
    fn exact(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= x * x / f64::from(2 * n + 1);
            sum += term;
        }
        x * (0.5 + (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt() * sum)
    }

    #[test]
    fn gelu_has_an_absolute_error_below_two_millionths() {
        let numbers: Vec<f32> = (-6_000..=6_000).map(|step| step as f32 / 1_000.0).collect();
        for level in SimdLevel::ALL.iter().filter(|level| level.is_supported()) {
            let mut found = numbers.clone();
            level.run(GeluKernel(&mut found));
            for (x, found) in numbers.iter().zip(found) {
                let difference = (f64::from(found) - exact(f64::from(*x))).abs();
                assert!(difference < 2e-6, "{level:?}: gelu({x}) is off by {difference}");
            }
        }
    }

    #[test]
    fn gelu_is_defined_for_the_largest_numbers_at_every_simd_level() {
        for level in SimdLevel::ALL.iter().filter(|level| level.is_supported()) {
            let mut numbers = [100.0, -100.0, f32::MAX, 0.0, f32::MIN];
            level.run(GeluKernel(&mut numbers));
            assert_eq!((numbers[0], numbers[2], numbers[3]), (100.0, f32::MAX, 0.0), "{level:?}");
            assert!(numbers[1].abs() < 2e-6 && numbers[4].abs() < 2e-6, "{level:?}: {numbers:?}");
        }
    }

    #[test]
    fn every_activation_propagates_nan_in_every_lane_at_every_simd_level() {
        for level in SimdLevel::ALL.iter().filter(|level| level.is_supported()) {
            for function in [Activation::Gelu, Activation::GeluTanh, Activation::Relu, Activation::Tanh] {
                for place in 0..19 {
                    let mut numbers = [0.5; 19];
                    numbers[place] = f32::NAN;
                    level.run(ActivationKernel(function, &mut numbers));
                    for (index, number) in numbers.iter().enumerate() {
                        assert_eq!(number.is_nan(), index == place, "{level:?} {function:?} {numbers:?}");
                    }
                }
            }
        }
    }
}
