//! The internals that `cargo bench` and the examples measure; not for other use.

use std::path::Path;

use application::ports::{Calibration, ModelOrigin};

use crate::engine::cpu::kernel_benches;
use crate::engine::{Cores, TokenBatch};
use crate::load_error::LoadError;
use crate::loader;
use crate::model_folder::ModelFolder;
use crate::settings::{ModelSettings, Precision};

/// Returns a run of one matrix product, `[rows, inputs]` by `[outputs, inputs]`, with bias.
pub fn product(precision: Precision, rows: usize, [outputs, inputs]: [usize; 2]) -> impl FnMut() {
    kernel_benches::product(precision, rows, [outputs, inputs])
}

/// Returns a run of the attention of one sequence.
pub fn attention(tokens: usize, heads: usize, head_dim: usize) -> impl FnMut() {
    kernel_benches::attention(tokens, heads, head_dim)
}

/// Returns a forward pass of the model in `folder` over `sequences` sequences of `tokens` each, on one core.
///
/// # Errors
/// If the model cannot be loaded.
pub fn forward(
    folder: &Path,
    precision: Precision,
    sequences: usize,
    tokens: usize,
) -> Result<impl FnMut(), LoadError> {
    let settings = ModelSettings { precision, ..ModelSettings::default() };
    let folder = ModelFolder::open(folder)?;
    let (mut engines, _) = loader::load("benchmark".to_owned(), &settings, &folder, ModelOrigin::Folder)?;
    let ids: Vec<u32> = (1_000..).take(tokens).collect();
    let mut batch = TokenBatch::default();
    for _ in 0..sequences {
        batch.push(&[&ids]);
    }
    Ok(move || {
        if let Some(engine) = engines.first_mut() {
            // A failure shows as an implausibly short time.
            drop(engine.forward(&batch, Cores::Own));
        }
    })
}

/// Compares int8 with f32 for the model in `folder`, at each SIMD level of this CPU, without and with folded norms.
/// Returns the level's name with the differences on the built-in texts and on `texts`.
///
/// # Errors
/// If the model cannot be loaded, or has no int8.
pub fn compare_int8(
    folder: &Path,
    texts: &[&str],
) -> Result<Vec<(&'static str, [Calibration; 2])>, LoadError> {
    loader::compare_int8(&ModelFolder::open(folder)?, texts)
}
