use application::ports::{Calibration, LabelMappingOrigin, ModelOrigin, SelfTest, ServedModel};
use domain::value_objects::{ModelLabel, ProblemType, Sentiment};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schemas;

/// The served models.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelList {
    /// The models, the default first; empty while they are loading.
    items: Vec<ModelView>,
}

/// A served model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Model)]
pub(crate) struct ModelView {
    /// Its name, which predictions carry.
    #[schema(example = "sentiment-minilm-l6")]
    name: String,
    /// Whether it serves requests that name no model.
    default: bool,
    /// The version of its weights.
    #[schema(example = "1")]
    revision: String,
    /// What its outputs mean.
    #[schema(schema_with = schemas::problem_type)]
    problem_type: &'static str,
    /// Its outputs, in the model's order.
    labels: Vec<ModelLabelView>,
    label_mapping: LabelMappingView,
    window: WindowView,
    /// Where it runs: `cpu` or `cuda:N`.
    #[schema(example = "cpu")]
    device: String,
    /// The arithmetic in use.
    #[schema(example = "f32")]
    precision: String,
    #[schema(schema_with = schemas::precision_reason)]
    precision_reason: &'static str,
    /// The code that computes the model: the SIMD level of the CPU, or `candle` on a GPU and for architectures off the
    /// fast path.
    #[schema(example = "avx512_vnni")]
    kernel: String,
    /// The comparison of int8 with f32 when the model was loaded; null if there was none.
    #[schema(required = true)]
    calibration: Option<CalibrationView>,
    /// SHA-256 of the weights.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
    /// Where it was loaded from; null for callers who may not change models.
    #[schema(required = true)]
    source: Option<SourceView>,
    /// `passed`, or `absent` if the model's folder has no reference numbers to compare with.
    #[schema(schema_with = schemas::self_test)]
    self_test: &'static str,
    /// The result of the self-test; null if it is absent.
    #[schema(required = true)]
    self_test_report: Option<SelfTestReport>,
}

/// Where a model was loaded from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelSource)]
struct SourceView {
    /// `folder`: a folder on the service's machine; `hub`: the Hugging Face hub.
    #[schema(schema_with = schemas::model_source)]
    kind: &'static str,
    /// The repository on the hub; null for a folder.
    #[schema(example = "org/name", required = true)]
    repo: Option<String>,
    /// The branch, tag or commit that was requested; null for a folder.
    #[schema(example = "main", required = true)]
    revision: Option<String>,
    /// The commit of all its files; null for a folder.
    #[schema(pattern = "^[0-9a-f]{40}$", required = true)]
    commit: Option<String>,
}

/// One output of a model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelLabel)]
struct ModelLabelView {
    /// The model's name for it.
    #[schema(example = "POSITIVE")]
    name: String,
    /// The sentiment that it stands for; null if it stands for none.
    #[schema(schema_with = schemas::nullable_sentiment, required = true)]
    sentiment: Option<&'static str>,
}

/// What the sentiments of the labels are based on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LabelMapping)]
struct LabelMappingView {
    #[schema(schema_with = schemas::label_mapping)]
    kind: &'static str,
    /// The repository whose model card states the order of the labels; null for the other kinds.
    #[schema(example = "cardiffnlp/twitter-roberta-base-sentiment", required = true)]
    repo: Option<String>,
}

/// How a text longer than one window is split.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Window)]
struct WindowView {
    /// The most tokens of a window, not counting special tokens.
    #[schema(example = 254)]
    tokens: u32,
    /// The tokens that a window shares with the previous one.
    #[schema(example = 32)]
    overlap: u32,
}

/// The comparison with the model's reference numbers when it was loaded.
#[derive(Debug, Serialize, ToSchema)]
struct SelfTestReport {
    /// The number of texts compared.
    #[schema(example = 12)]
    cases: u32,
    /// The largest difference between two numbers.
    #[schema(minimum = 0)]
    max_difference: f32,
    /// The largest difference allowed.
    #[schema(minimum = 0, example = 0.001)]
    tolerance: f32,
}

/// The comparison of int8 with f32 on built-in texts when the model was loaded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Calibration)]
struct CalibrationView {
    /// Whether the differences are small enough for int8.
    passed: bool,
    /// The number of texts compared.
    #[schema(example = 44)]
    texts: u32,
    /// Whether the compared int8 weights contain the scales of the layer norms before them, which is done where it
    /// reduces the differences.
    norms_folded: bool,
    /// The 95th percentile, over the texts, of the largest difference of a probability; null if a number was NaN or
    /// infinite.
    #[schema(minimum = 0, example = 0.012, required = true)]
    p95_probability_difference: Option<f32>,
    /// The largest difference of a probability; null if a number was NaN or infinite.
    #[schema(minimum = 0, example = 0.02, required = true)]
    max_probability_difference: Option<f32>,
    /// The largest difference of a logit; null if a number was NaN or infinite.
    #[schema(minimum = 0, example = 0.1, required = true)]
    max_logit_difference: Option<f32>,
    /// The texts with the same label.
    #[schema(example = 44)]
    labels_agreeing: u32,
    /// The largest allowed `p95_probability_difference`.
    #[schema(minimum = 0, example = 0.05)]
    tolerance: f32,
    /// The time of the comparison, in milliseconds.
    #[schema(example = 200)]
    duration_ms: u32,
}

/// Presents the served models, and where they were loaded from if `with_source`.
pub(crate) fn present_models(models: &[ServedModel], with_source: bool) -> ModelList {
    ModelList { items: models.iter().map(|model| present_model(model, with_source)).collect() }
}

/// Presents a served model, and where it was loaded from if `with_source`.
pub(crate) fn present_model(model: &ServedModel, with_source: bool) -> ModelView {
    let ServedModel { is_default, info } = model;
    let (self_test, self_test_report) = present_self_test(info.self_test);
    ModelView {
        name: info.model.name().to_owned(),
        default: *is_default,
        revision: info.model.revision().to_owned(),
        problem_type: present_problem_type(info.labels.problem_type()),
        labels: info.labels.labels().iter().map(present_model_label).collect(),
        label_mapping: present_label_mapping(&info.label_mapping),
        window: WindowView { tokens: info.window.tokens, overlap: info.window.overlap },
        device: info.device.clone(),
        precision: info.precision.clone(),
        precision_reason: info.precision_reason.name(),
        kernel: info.kernel.clone(),
        calibration: info.calibration.map(present_calibration),
        sha256: info.sha256.clone(),
        source: with_source.then(|| present_source(&info.source)),
        self_test,
        self_test_report,
    }
}

fn present_source(origin: &ModelOrigin) -> SourceView {
    match origin.clone() {
        ModelOrigin::Folder => SourceView { kind: "folder", repo: None, revision: None, commit: None },
        ModelOrigin::Hub { repo, revision, commit } => {
            SourceView { kind: "hub", repo: Some(repo), revision: Some(revision), commit: Some(commit) }
        }
    }
}

fn present_problem_type(problem_type: ProblemType) -> &'static str {
    match problem_type {
        ProblemType::SingleLabel => "single_label_classification",
        ProblemType::MultiLabel => "multi_label_classification",
        ProblemType::Regression => "regression",
    }
}

fn present_model_label(label: &ModelLabel) -> ModelLabelView {
    ModelLabelView { name: label.name.clone(), sentiment: label.sentiment.map(Sentiment::as_str) }
}

fn present_label_mapping(origin: &LabelMappingOrigin) -> LabelMappingView {
    LabelMappingView { kind: origin.name(), repo: origin.repo().map(str::to_owned) }
}

fn present_calibration(calibration: Calibration) -> CalibrationView {
    let finite = |difference: f32| difference.is_finite().then_some(difference);
    CalibrationView {
        passed: calibration.passed,
        texts: calibration.texts,
        norms_folded: calibration.norms_folded,
        p95_probability_difference: finite(calibration.p95_probability_difference),
        max_probability_difference: finite(calibration.max_probability_difference),
        max_logit_difference: finite(calibration.max_logit_difference),
        labels_agreeing: calibration.labels_agreeing,
        tolerance: calibration.tolerance,
        duration_ms: calibration.duration_ms,
    }
}

fn present_self_test(outcome: SelfTest) -> (&'static str, Option<SelfTestReport>) {
    match outcome {
        SelfTest::Absent => ("absent", None),
        SelfTest::Passed { cases, max_difference, tolerance } => {
            ("passed", Some(SelfTestReport { cases, max_difference, tolerance }))
        }
    }
}
