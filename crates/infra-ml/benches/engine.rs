//! The engine's pieces and a whole forward pass, on one core: `cargo bench -p infra-ml`.

use std::path::{Path, PathBuf};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use infra_ml::{Precision, bench};

const PRECISIONS: [Precision; 2] = [Precision::Int8, Precision::F32];

/// The matrix products of a layer of the bundled model, `[outputs, inputs]`.
const PRODUCTS: [[usize; 2]; 4] = [[768, 384], [384, 384], [1_536, 384], [384, 1_536]];

fn products(criterion: &mut Criterion) {
    for precision in PRECISIONS {
        let mut group = criterion.benchmark_group(format!("product/{precision}"));
        for rows in [1, 26, 96] {
            for [outputs, inputs] in PRODUCTS {
                group.throughput(Throughput::Elements((rows * outputs * inputs) as u64));
                let mut run = bench::product(precision, rows, [outputs, inputs]);
                let name = format!("{rows}x{inputs} by {inputs}x{outputs}");
                group.bench_function(name, |bencher| bencher.iter(&mut run));
            }
        }
    }
}

fn attention(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("attention");
    for tokens in [26, 128, 512] {
        let mut run = bench::attention(tokens, 12, 32);
        group.bench_function(BenchmarkId::from_parameter(tokens), |bencher| bencher.iter(&mut run));
    }
}

fn forward(criterion: &mut Criterion) {
    let folder: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "..", "..", "models", "sentiment-minilm-l6"].iter().collect();
    for precision in PRECISIONS {
        let mut group = criterion.benchmark_group(format!("forward/{precision}"));
        group.sample_size(20);
        for (sequences, tokens) in [(1, 8), (1, 26), (1, 128), (1, 510), (8, 26), (32, 26)] {
            group.throughput(Throughput::Elements((sequences * tokens) as u64));
            bench_forward(&mut group, &folder, precision, (sequences, tokens));
        }
    }
}

fn bench_forward(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    folder: &Path,
    precision: Precision,
    (sequences, tokens): (usize, usize),
) {
    match bench::forward(folder, precision, sequences, tokens) {
        Ok(mut run) => {
            let name = format!("{sequences} of {tokens} tokens");
            group.bench_function(name, |bencher| bencher.iter(&mut run));
        }
        Err(error) => panic!("{error}"),
    }
}

criterion_group!(benches, products, attention, forward);
criterion_main!(benches);
