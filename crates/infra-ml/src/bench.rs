//! What `cargo bench` measures of this crate's inside. Nothing else is to call it.

use std::path::Path;

use application::ports::ModelOrigin;

use crate::engine::cpu::kernel_benches;
use crate::engine::{Cores, TokenBatch};
use crate::load_error::LoadError;
use crate::loader;
use crate::model_folder::ModelFolder;
use crate::settings::{ModelSettings, Precision};

/// One product of `rows` rows by a matrix of `[outputs][inputs]`, with its bias.
pub fn product(precision: Precision, rows: usize, [outputs, inputs]: [usize; 2]) -> impl FnMut() {
    kernel_benches::product(precision, rows, [outputs, inputs])
}

/// The attention of one sequence of `tokens`, `heads` heads of `size`.
pub fn attention(tokens: usize, heads: usize, size: usize) -> impl FnMut() {
    kernel_benches::attention(tokens, heads, size)
}

/// A forward pass of the model in `folder` over `sequences` sequences of `tokens`, on one core.
///
/// # Errors
/// Where the model cannot be loaded.
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
            // A failure would be a time too short to overlook.
            drop(engine.forward(&batch, Cores::Own));
        }
    })
}
