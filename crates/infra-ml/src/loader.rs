//! From a Hugging Face folder to a model that may serve: read, checked against one another, put on the device, tried
//! against the reference.

mod device;
mod files;
mod hf_config;
mod labels;
mod self_test;
mod weights;

use std::sync::Arc;
use std::time::Instant;

use application::ports::ModelInfo;
use candle_nn::VarBuilder;
use domain::value_objects::{LabelSet, ModelRef};

use crate::engine::Engine;
use crate::engine::candle::CandleEngine;
use crate::load_error::LoadError;
use crate::settings::ModelSettings;
use crate::tokenizer::TextTokenizer;
use crate::windowing::Windowing;

use files::ModelFolder;
use hf_config::HfConfig;
use self_test::{SelfTestRun, warm_up};
use weights::Weights;

/// A model that has passed its self-test: what stays with the gateway, and the engine that goes to the worker.
pub(crate) struct LoadedModel {
    pub(crate) engine: Box<dyn Engine>,
    pub(crate) tokenizer: Arc<TextTokenizer>,
    pub(crate) windowing: Windowing,
    pub(crate) info: ModelInfo,
}

/// Loads the model of `settings`. What can be told from the small files is checked before the weights are read.
#[tracing::instrument(name = "ml.load_model", skip_all)]
pub(crate) fn load(settings: &ModelSettings) -> Result<LoadedModel, LoadError> {
    let started = Instant::now();
    let folder = ModelFolder::open(&settings.path)?;
    let config = HfConfig::read(&folder)?;
    let tokenizer_path = folder.tokenizer();
    let tokenizer =
        TextTokenizer::from_bytes(&tokenizer_path, &files::read(&tokenizer_path)?, config.vocabulary())?;
    let most = config.positions().saturating_sub(tokenizer.specials().len());
    let windowing = Windowing::try_new(settings.window, settings.overlap, most)?;
    let device = device::choose(settings.device, settings.precision)?;
    let weights = Weights::read(&folder, &config)?;
    let labels = Arc::new(labels::label_set(&folder.config(), &config, &settings.labels)?);
    let mut engine = put_on_device(&folder, &config, &weights, &labels, &device)?;
    let self_test = SelfTestRun { folder: &folder, tokenizer: &tokenizer, most_tokens: config.positions() }
        .run(&mut engine, device.tolerance)?;
    warm_up(&folder, &tokenizer, windowing, labels.labels().len(), &mut engine)?;
    let name = settings.name.clone().unwrap_or_else(|| folder.name());
    let sha256 = weights.sha256();
    let model = Arc::new(ModelRef::new(name, &sha256[..REVISION_DIGITS]));
    tracing::info!(
        model = model.name(), revision = model.revision(), device = device.name, precision = %device.precision,
        load_ms = started.elapsed().as_millis() as u64, self_test = ?self_test, "the model is loaded"
    );
    let info = ModelInfo {
        model,
        labels,
        window: windowing.info(),
        device: device.name,
        precision: device.precision.as_str().to_owned(),
        sha256,
        self_test,
    };
    Ok(LoadedModel { engine: Box::new(engine), tokenizer: Arc::new(tokenizer), windowing, info })
}

/// The hexadecimal digits of the weights' SHA-256 that name a revision.
const REVISION_DIGITS: usize = 12;

fn put_on_device(
    folder: &ModelFolder,
    config: &HfConfig,
    weights: &Weights,
    labels: &LabelSet,
    device: &device::ChosenDevice,
) -> Result<CandleEngine, LoadError> {
    let load = || {
        let builder = VarBuilder::from_slice_safetensors(weights.bytes(), device.dtype, &device.device)?;
        CandleEngine::load(&builder, &config.bert(), labels.labels().len())
    };
    load().map_err(|source| LoadError::Engine { path: folder.path().to_owned(), source: source.into() })
}

#[cfg(test)]
mod tests;
