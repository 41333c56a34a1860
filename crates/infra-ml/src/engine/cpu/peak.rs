use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use rten_simd::Isa;
use rten_simd::ops::{BitOps, NumOps};

use super::arch::{Arch, Kernel, SimdLevel};
use super::arithmetic::Arithmetic;
use crate::settings::Precision;

/// Measures the peak multiply-accumulate operations per second of `threads` cores with all operands in registers, the
/// upper bound of any engine: of int8 for [`Precision::Int8`], of `f32` for any other precision.
pub fn peak_products_per_second(precision: Precision, threads: usize) -> f64 {
    let (level, arithmetic) = (SimdLevel::detect(), Arithmetic::from(precision));
    let run = || {
        let mut products = 0;
        let started = Instant::now();
        while started.elapsed() < RUN_TIME {
            products += level.run(PeakLoop(arithmetic));
        }
        products as f64 / started.elapsed().as_secs_f64()
    };
    let on_all = || {
        thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
            running.into_iter().filter_map(|thread| thread.join().ok()).sum()
        })
    };
    // The best run counts: other load on the machine only lowers the figure.
    (0..RUNS).map(|_| on_all()).fold(0.0, f64::max)
}

const RUNS: usize = 5;
const RUN_TIME: Duration = Duration::from_millis(100);
const STEPS: usize = 100_000;
/// Independent accumulators: enough to hide the latency of a multiply-accumulate.
const SUMS: usize = 12;

/// Returns the number of its multiply-accumulate operations.
struct PeakLoop(Arithmetic);

impl Kernel for PeakLoop {
    const USES_DOT: bool = true;
    type Output = usize;

    #[inline(always)]
    fn run<A: Arch, const ROWS: usize, const VECTORS: usize>(self, arch: A) -> usize {
        let isa = arch.isa();
        match self.0 {
            Arithmetic::F32 => {
                let ops = isa.f32();
                let (left, right) = (ops.splat(black_box(1.0)), ops.splat(black_box(1e-9)));
                let mut sums = [ops.zero(); SUMS];
                for _ in 0..STEPS {
                    for sum in &mut sums {
                        *sum = ops.mul_add(left, right, *sum);
                    }
                }
                black_box(sums);
                STEPS * SUMS * ops.len()
            }
            Arithmetic::Int8 => {
                let ops = isa.i32();
                let (left, right) = (ops.splat(black_box(0x0101_0101)), ops.splat(black_box(0x0100_0001)));
                let mut sums = [ops.zero(); SUMS];
                for _ in 0..STEPS {
                    for sum in &mut sums {
                        *sum = arch.dot(*sum, left, right);
                    }
                }
                black_box(sums);
                STEPS * SUMS * ops.len() * 4
            }
        }
    }
}
