use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use rten_simd::Isa;
use rten_simd::ops::{BitOps, NumOps};

use super::arch::{Arch, Level, Work};
use super::linear::Arithmetic;
use crate::settings::Precision;

/// The products of two numbers, each added to a sum, that this machine can do a second on `threads` cores when all of them
/// are in registers: what no engine can surpass. Bytes in `int8`, `f32` in any other precision.
pub fn peak_products_per_second(precision: Precision, threads: usize) -> f64 {
    let arithmetic = if precision == Precision::Int8 { Arithmetic::Int8 } else { Arithmetic::F32 };
    let run = || {
        let mut products = 0;
        let started = Instant::now();
        while started.elapsed() < LONG_ENOUGH {
            products += Level::detect().run(Loop(arithmetic));
        }
        products as f64 / started.elapsed().as_secs_f64()
    };
    let on_all = || {
        thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
            running.into_iter().filter_map(|thread| thread.join().ok()).sum()
        })
    };
    // What else the machine does can only take from it.
    (0..TRIES).map(|_| on_all()).fold(0.0, f64::max)
}

const TRIES: usize = 5;
const LONG_ENOUGH: Duration = Duration::from_millis(100);
const STEPS: usize = 100_000;
/// Sums that do not wait for one another: enough for any processor's latency.
const SUMS: usize = 12;

struct Loop(Arithmetic);

impl Work for Loop {
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
