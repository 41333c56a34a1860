//! From a Hugging Face folder to a model that can serve: files are read, checked against one another, put on the
//! device and tested against the reference.

mod calibration;
#[cfg(feature = "cuda")]
mod cuda_memory;
mod device;
mod hf_config;
mod int8_comparison;
mod known_models;
mod labels;
mod precision_choice;
mod resident;
mod self_test;
mod weights;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use application::errors::BoxError;
use application::ports::{LabelMappingOrigin, ModelInfo, ModelOrigin};
use candle_core::DType;
use domain::value_objects::{LabelSet, ModelRef};

use crate::architecture::{Architecture, BertLike};
use crate::cores;
use crate::engine::candle::CandleEngine;
use crate::engine::cpu::{Arithmetic, CpuEngine, Packing, SimdLevel};
use crate::engine::{Engine, TensorError};
use crate::load_error::{LoadError, TrialError, UnfitSetting};
use crate::model_folder::ModelFolder;
use crate::settings::{ModelSettings, Precision};
use crate::tokenizer::TextTokenizer;
use crate::windowing::Windowing;

use calibration::CalibrationRun;
use device::ChosenDevice;
use hf_config::HfConfig;
use labels::{LabelRules, MappedLabels};
use precision_choice::{Chosen, Int8Support, Plan};
use resident::{Resident, Variant};
use self_test::{Reference, SelfTestRun, warm_up};
use weights::Weights;

pub(crate) use int8_comparison::compare_int8;

/// One for each worker.
pub(crate) type Engines = Vec<Box<dyn Engine>>;

/// The part of a loaded model in front of its engines, which stays with the gateway.
pub(crate) struct ModelFrontEnd {
    pub(crate) tokenizer: Arc<TextTokenizer>,
    pub(crate) windowing: Windowing,
    pub(crate) info: Arc<ModelInfo>,
}

/// Checks the files of `folder`, from the repository `repo`, that [`load`] reads before the weights, which may be
/// missing. `has_weights` says whether a SHA-256 is that of the weights.
pub(crate) fn check_small_files(
    folder: &ModelFolder,
    settings: &ModelSettings,
    repo: &str,
    has_weights: &dyn Fn(&str) -> bool,
) -> Result<(), LoadError> {
    let files = SmallFiles::read(folder, settings)?;
    let rules = LabelRules::new(folder.config(), &files.config, settings, Some(repo));
    if rules.map_by_names()?.is_none() {
        rules.map_by_weights(has_weights)?;
    }
    Ok(())
}

/// Loads the model in `folder`, to be served as `name`. The small files are checked before the weights are read.
#[tracing::instrument(name = "ml.load_model", skip_all)]
pub(crate) fn load(
    name: String,
    settings: &ModelSettings,
    folder: &ModelFolder,
    origin: ModelOrigin,
) -> Result<(Engines, ModelFrontEnd), LoadError> {
    let started = Instant::now();
    folder.check_size(settings.max_bytes)?;
    let files = SmallFiles::read(folder, settings)?;
    let rules = LabelRules::new(folder.config(), &files.config, settings, origin.repo());
    let mapped = rules.map_by_names()?;
    let device = device::choose(settings.device)?;
    let weights = Weights::read(folder, &files.config)?;
    let sha256 = weights.sha256()?;
    let MappedLabels { labels, origin: label_mapping } = match mapped {
        Some(mapped) => mapped,
        None => rules.map_by_weights(|known| known == sha256)?,
    };
    let loading = EngineLoading {
        folder,
        files: &files,
        weights: &weights,
        device: &device,
        settings,
        level: SimdLevel::detect(),
    };
    let kernel = loading.kernel();
    let Chosen { engines, variant, reason, calibration, self_test } = loading.choose()?;
    let SmallFiles { tokenizer, windowing, .. } = files;
    let info = ModelInfo {
        model: Arc::new(ModelRef::new(name, &sha256[..REVISION_DIGITS])),
        labels: Arc::new(labels),
        label_mapping,
        window: windowing.info(),
        device: device.name,
        precision: variant.precision.as_str().to_owned(),
        precision_reason: reason,
        kernel: kernel.to_owned(),
        calibration,
        sha256,
        source: origin,
        self_test,
    };
    log_loaded(&info, engines.len(), started);
    Ok((engines, ModelFrontEnd { tokenizer: Arc::new(tokenizer), windowing, info: Arc::new(info) }))
}

/// What a model's files say except the weights, and the windows that follow from it.
struct SmallFiles {
    config: HfConfig,
    tokenizer: TextTokenizer,
    windowing: Windowing,
    reference: Option<Reference>,
}

impl SmallFiles {
    fn read(folder: &ModelFolder, settings: &ModelSettings) -> Result<Self, LoadError> {
        let config = HfConfig::read(folder)?;
        let tokenizer = TextTokenizer::read(folder, config.architecture().vocabulary())?;
        let most = config.architecture().positions().saturating_sub(tokenizer.specials().len());
        let windowing = Windowing::try_new(settings.window, settings.overlap, most)?;
        Ok(Self { config, tokenizer, windowing, reference: Reference::read(folder)? })
    }
}

fn log_loaded(info: &ModelInfo, workers: usize, started: Instant) {
    let load_ms = started.elapsed().as_millis() as u64;
    tracing::info!(
        model = info.model.name(), revision = info.model.revision(), device = info.device,
        precision = info.precision, precision_reason = info.precision_reason.name(), kernel = info.kernel,
        calibration = ?info.calibration, workers, load_ms, self_test = ?info.self_test,
        label_mapping = info.label_mapping.name(), known_as = info.label_mapping.repo(),
        sentiments = sentiments(&info.labels), "the model is loaded"
    );
    let labels = info.labels.labels().iter().filter(|label| label.sentiment.is_none());
    let labels: Vec<&str> = labels.map(|label| label.name.as_str()).collect();
    if info.label_mapping == LabelMappingOrigin::Names && !labels.is_empty() {
        let model = info.model.name();
        tracing::warn!(
            model,
            ?labels,
            "labels without the name of a sentiment count for none; map them by a table"
        );
    }
}

/// The labels with their sentiments, for the log.
fn sentiments(labels: &LabelSet) -> String {
    let mapped = labels.labels().iter().filter_map(|label| Some((&label.name, label.sentiment?)));
    mapped.map(|(name, sentiment)| format!("{name}: {sentiment}")).collect::<Vec<_>>().join(", ")
}

/// The hexadecimal digits of the weights' SHA-256 that name a revision.
const REVISION_DIGITS: usize = 12;

/// What engines are built from.
struct EngineLoading<'a> {
    folder: &'a ModelFolder,
    files: &'a SmallFiles,
    weights: &'a Weights,
    device: &'a ChosenDevice,
    settings: &'a ModelSettings,
    level: SimdLevel,
}

impl EngineLoading<'_> {
    /// The engines in the precision that is configured or, with `auto`, chosen.
    fn choose(&self) -> Result<Chosen, LoadError> {
        let SmallFiles { config, tokenizer, windowing, reference } = self.files;
        let (configured, on_fast_path) = (self.settings.precision, config.architecture().is_fast());
        if self.device.is_cpu() && !on_fast_path && configured == Precision::Int8 {
            return Err(UnfitSetting::Int8Unsupported { path: self.folder.config() }.into());
        }
        let own_tolerance = reference.as_ref().and_then(|reference| reference.tolerance(Precision::Int8));
        let has_tolerance = own_tolerance.is_some();
        let int8 = Int8Support { on_fast_path, is_fast: self.level.has_fast_int8(), has_tolerance };
        let plan = Plan::new(configured, self.device, int8)?;
        let most_tokens = config.architecture().positions();
        let reference = reference.as_ref();
        let self_test = SelfTestRun { folder: self.folder, tokenizer, reference, most_tokens };
        let trial = |engines: &mut Engines, precision| {
            let outcome = self_test.run(engines[0].as_mut(), device::tolerance(precision, own_tolerance))?;
            // The engines share their weights, and reserve memory as they need it.
            warm_up(self.folder, tokenizer, *windowing, config.labels().len(), engines[0].as_mut())?;
            Ok(outcome)
        };
        let load = |variant| self.load(variant);
        Ok(precision_choice::choose(plan, &mut Resident::new(&load), &self.calibration(), &trial)?)
    }

    fn calibration(&self) -> CalibrationRun<'_> {
        let SmallFiles { config, tokenizer, windowing, .. } = self.files;
        let window = windowing.info().tokens as usize;
        CalibrationRun { folder: self.folder, tokenizer, problem_type: config.problem_type(), window }
    }

    /// The name of the code that computes the model.
    fn kernel(&self) -> &'static str {
        let is_packed = self.device.is_cpu() && self.files.config.architecture().is_fast();
        if is_packed { self.level.name() } else { "candle" }
    }

    fn load(&self, variant: Variant) -> Result<Engines, TrialError> {
        let engines = match self.files.config.architecture() {
            Architecture::BertLike(model) if self.device.is_cpu() => self.pack(model, variant),
            _ => self.put_on_device(variant.precision),
        };
        engines.map_err(|source| TrialError::Engine { path: self.folder.path().to_owned(), source })
    }

    /// An engine for each core, all with the same weights.
    fn pack(&self, model: &BertLike, variant: Variant) -> Result<Engines, BoxError> {
        let (level, arithmetic) = (self.level, Arithmetic::from(variant.precision));
        let builder = self.weights.builder(DType::F32, &self.device.device);
        let embedding_dtype =
            self.weights.dtype_of(&model.tensor_name("base.embeddings.word_embeddings.weight"));
        let model = Packing { level, arithmetic, embedding_dtype, fold_norms: variant.fold_norms }.pack(
            builder,
            model,
            self.files.config.labels().len(),
        )?;
        let engines = CpuEngine::for_workers(model, self.threads())?;
        Ok(engines.into_iter().map(|engine| -> Box<dyn Engine> { Box::new(engine) }).collect())
    }

    /// The cores that the model may use.
    fn threads(&self) -> usize {
        self.settings.threads.map_or_else(cores::available, NonZeroUsize::get)
    }

    /// The engines of Candle's operations: one for each core of the CPU, or one for another device.
    fn put_on_device(&self, precision: Precision) -> Result<Engines, BoxError> {
        let dtype = match precision {
            Precision::F16 => DType::F16,
            Precision::Bf16 => DType::BF16,
            _ => DType::F32,
        };
        let builder = self.weights.builder(dtype, &self.device.device);
        let SmallFiles { config, .. } = self.files;
        let engine = CandleEngine::load(builder, config.architecture(), config.labels().len());
        let engines = engine.map_err(TensorError::from)?.for_workers(self.threads())?;
        Ok(engines.into_iter().map(|engine| -> Box<dyn Engine> { Box::new(engine) }).collect())
    }
}

#[cfg(test)]
mod tests;
