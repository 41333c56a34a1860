//! int8 arithmetic against `f32`, with and without folded layer norms: on random models, and on models with outliers.

use std::ops::Range;

use super::*;
use crate::engine::cpu::folding::{Folding, Spread};
use crate::engine::cpu::norm::LayerNorm;
use crate::model_folder::ModelFolder;
use crate::testing::outliers::Outlier;
use crate::testing::random_model::{Gaussian, RandomModel, Shape};
use crate::testing::small_model::Tensors;
use crate::tokenizer::TextTokenizer;

/// A model and the token ids of its texts.
struct Subject {
    name: String,
    model: BertLike,
    labels: usize,
    tensors: Tensors,
    texts: Vec<Vec<u32>>,
}

impl Subject {
    fn random((architecture, activation, shape): (&str, &str, Shape), texts: usize) -> Self {
        let RandomModel { model, labels, tensors, .. } = RandomModel::new(architecture, activation, shape, 1);
        let name = format!("{architecture}, {activation}, {} x {}", shape.layers, shape.hidden);
        Self { name, model, labels, tensors, texts: random_texts(texts, shape.vocabulary) }
    }

    /// The bundled model with every `step`-th text of the corpus.
    fn bundled(step: usize) -> Self {
        let Architecture::BertLike(model) = Architecture::read(&config_file(json("config.json"))).unwrap()
        else {
            panic!("not BERT-like")
        };
        let weights = bundled_folder().join("model.safetensors");
        let tensors = candle_core::safetensors::load(weights, &Device::Cpu).unwrap();
        let tokenizer = TextTokenizer::read(&ModelFolder::open(&bundled_folder()).unwrap(), 30_522).unwrap();
        let ids = |text: &String| {
            let ids = tokenizer.encode(text).unwrap().into_iter().take(126);
            [101].into_iter().chain(ids).chain([102]).collect()
        };
        let texts = corpus().iter().step_by(step).map(ids).collect();
        Self { name: "the bundled model".to_owned(), model, labels: 3, tensors, texts }
    }

    fn with(mut self, outliers: &[Planted]) -> Self {
        for (outlier, layers, channels) in outliers {
            outlier.plant(&mut self.tensors, &self.model, layers.clone(), channels);
        }
        self
    }

    fn logits(&self, level: SimdLevel, arithmetic: Arithmetic, fold_norms: bool) -> Vec<Vec<f32>> {
        let builder = VarBuilder::from_tensors(self.tensors.clone(), DType::F32, &Device::Cpu);
        let packing = Packing { level, arithmetic, embedding_dtype: DType::F32, fold_norms };
        let model = packing.pack(builder, &self.model, self.labels).unwrap();
        let mut workspace = model.workspace(SIZES);
        let texts = self.texts.iter();
        texts.map(|ids| model.forward(&mut workspace, [&ids[..]].into_iter(), 1).remove(0)).collect()
    }
}

fn corpus() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/layouts/corpus.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn random_texts(count: usize, vocabulary: usize) -> Vec<Vec<u32>> {
    let mut numbers = Gaussian::new(7);
    let mut text = || {
        let tokens = 3 + (numbers.uniform() * numbers.uniform() * 60.0) as usize;
        (0..tokens).map(|_| (numbers.uniform() * vocabulary as f32) as u32).collect()
    };
    (0..count).map(|_| text()).collect()
}

/// Families, activations and shapes other than those of the models in `tests/fixtures`.
fn random_models() -> [(&'static str, &'static str, Shape); 10] {
    let [bert, roberta, distilbert, electra] = [
        "BertForSequenceClassification",
        "RobertaForSequenceClassification",
        "DistilBertForSequenceClassification",
        "ElectraForSequenceClassification",
    ];
    let shape = |[vocabulary, hidden, layers, heads, intermediate, labels]: [usize; 6]| Shape {
        vocabulary,
        hidden,
        layers,
        heads,
        intermediate,
        labels,
    };
    [
        (bert, "gelu", shape([1_000, 96, 3, 6, 384, 3])),
        (bert, "relu", shape([257, 40, 5, 5, 100, 2])),
        (bert, "gelu_new", shape([3_000, 256, 2, 4, 512, 5])),
        (roberta, "gelu", shape([2_000, 128, 4, 8, 512, 3])),
        (roberta, "relu", shape([513, 72, 6, 3, 288, 2])),
        (roberta, "gelu_new", shape([700, 320, 2, 10, 640, 1])),
        (distilbert, "gelu", shape([900, 144, 3, 12, 576, 2])),
        (distilbert, "relu", shape([301, 60, 1, 2, 90, 4])),
        (electra, "gelu", shape([1_200, 128, 4, 4, 256, 3])),
        (electra, "gelu_new", shape([450, 192, 12, 3, 768, 3])),
    ]
}

/// How int8 logits differ from those in `f32`.
struct Comparison {
    /// The largest difference of a logit, in logits scaled so that those in `f32` span 2.
    largest: f32,
    /// The part of texts with the same label.
    same: f32,
    /// The same with the mean of each label's `f32` logits subtracted: no label is much more frequent than another.
    same_centered: f32,
}

impl Comparison {
    fn new(found: &[Vec<f32>], exact: &[Vec<f32>]) -> Self {
        let all = exact.concat();
        let span =
            all.iter().copied().fold(f32::MIN, f32::max) - all.iter().copied().fold(f32::MAX, f32::min);
        let texts = exact.len() as f32;
        let means: Vec<f32> = (0..exact[0].len())
            .map(|label| exact.iter().map(|logits| logits[label]).sum::<f32>() / texts)
            .collect();
        let centered = |logits: &[f32]| -> Vec<f32> {
            logits.iter().zip(&means).map(|(logit, mean)| logit - mean).collect()
        };
        let share = |same: &dyn Fn(&[f32], &[f32]) -> bool| {
            found.iter().zip(exact).filter(|(found, exact)| same(found, exact)).count() as f32 / texts
        };
        Self {
            largest: largest_difference(&found.concat(), &all) * 2.0 / span,
            same: share(&|found, exact| label(found) == label(exact)),
            same_centered: share(&|found, exact| label(&centered(found)) == label(&centered(exact))),
        }
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [same, centered] = [self.same, self.same_centered].map(|share| 100.0 * share);
        write!(formatter, "{same:.2}% ({centered:.2}% centered), {:.3}", self.largest)
    }
}

fn label(logits: &[f32]) -> usize {
    (0..logits.len()).max_by(|left, right| logits[*left].total_cmp(&logits[*right])).unwrap()
}

/// The supported levels with vectors.
fn vector_levels() -> impl Iterator<Item = SimdLevel> {
    supported().filter(|level| *level != SimdLevel::Portable)
}

#[test]
fn int8_logits_of_random_models_of_any_shape_are_near_those_in_f32() {
    for model in random_models() {
        let subject = Subject::random(model, 200);
        let exact = subject.logits(SimdLevel::detect(), Arithmetic::F32, false);
        for level in vector_levels() {
            let compare = |fold| Comparison::new(&subject.logits(level, Arithmetic::Int8, fold), &exact);
            let (plain, folded) = (compare(false), compare(true));
            println!("{}, {level:?}: {plain} | folded {folded}", subject.name);
            // Weights of seven bits, without fast int8, are never chosen by themselves.
            let better = plain.largest.min(folded.largest);
            assert!(better < 0.1 || !level.has_fast_int8(), "{}, {level:?}: {better}", subject.name);
        }
    }
}

/// An outlier, its layers and its channels.
type Planted = (Outlier, Range<usize>, Vec<usize>);

/// Outliers for a model with `layers` and `hidden` channels.
fn outliers(layers: usize, hidden: usize) -> [(&'static str, Vec<Planted>); 7] {
    let (one, other, middle) = (hidden / 7, hidden / 3, layers / 2..layers / 2 + 1);
    let gamma = |layers: Range<usize>| (Outlier::NormWeight(10.0), layers, vec![one]);
    let compensated = |factor| (Outlier::CompensatedNorm(factor), 0..layers, vec![one, other]);
    let output = |layers: Range<usize>, channel| (Outlier::Output(30.0), layers, vec![channel]);
    [
        ("norm x10 in one layer", vec![gamma(middle.clone())]),
        ("norm x10 in all layers", vec![gamma(0..layers)]),
        ("compensated norm x10 in all layers", vec![compensated(10.0)]),
        ("output x30 in one layer", vec![output(middle.clone(), other)]),
        ("output x30 in all layers", vec![output(0..layers, other)]),
        ("output x30, norm x10 in one layer", vec![output(middle.clone(), other), gamma(middle)]),
        ("output x30, compensated norm x10", vec![output(0..layers, other), compensated(10.0)]),
    ]
}

#[test]
fn the_better_variant_has_the_labels_of_f32_whatever_outliers_a_model_has() {
    let sizes = Subject::bundled(STEP).model.sizes;
    for (name, outliers) in outliers(sizes.layers, sizes.hidden) {
        let subject = Subject::bundled(STEP).with(&outliers);
        let level = SimdLevel::detect();
        let exact = subject.logits(level, Arithmetic::F32, false);
        let compare = |fold| Comparison::new(&subject.logits(level, Arithmetic::Int8, fold), &exact);
        let (plain, folded) = (compare(false), compare(true));
        println!("{name}, {level:?}: {plain} | folded {folded}");
        assert!(plain.same.max(folded.same) >= 0.95, "{name}: {plain} | folded {folded}");
    }
}

/// Every how many-th text of the corpus is compared; 1 for the figures of docs/performance.md.
const STEP: usize = 24;

#[test]
fn folding_gives_models_with_compensated_norms_the_labels_of_f32() {
    let random = Subject::random(random_models()[3], 300);
    for subject in [random, Subject::bundled(8)] {
        let outliers = (Outlier::CompensatedNorm(10.0), 0..subject.model.sizes.layers, vec![5, 17]);
        let subject = subject.with(&[outliers]);
        let exact = subject.logits(SimdLevel::detect(), Arithmetic::F32, false);
        for level in vector_levels() {
            let compare = |fold| Comparison::new(&subject.logits(level, Arithmetic::Int8, fold), &exact);
            let (plain, folded) = (compare(false), compare(true));
            println!("{}, {level:?}: {plain} | folded {folded}", subject.name);
            assert!(folded.same >= 0.99, "{level:?}: {folded}");
            assert!(folded.largest < plain.largest, "{level:?}: {folded}, not folded {plain}");
        }
    }
}

/// A norm of `width` channels, folded or not.
fn norm(width: usize, fold: bool) -> LayerNorm {
    let (weight, bias) = (random(width, 1), random(width, 2));
    let mut norm = LayerNorm { weight, bias, epsilon: 1e-5, folding: None };
    norm.folding = fold.then(|| Folding::new(&norm, &Spread::even(width), &random(width, 3)));
    norm
}

#[test]
fn a_folded_norm_has_the_same_f32_values() {
    for level in supported() {
        for width in [1, 7, 70, 384] {
            let [found, expected] = [true, false].map(|fold| {
                let mut rows = Rows::new(width, Arithmetic::Int8);
                rows.reserve(3);
                let mut rows = rows.first(3);
                rows.values.copy_from_slice(&random(3 * width, 4));
                norm(width, fold).apply(level, rows.reborrow());
                rows.values.to_vec()
            });
            assert_eq!(found, expected, "{level:?} {width}");
        }
    }
}

#[test]
fn nan_and_infinity_never_leave_a_norm_finite() {
    for level in supported() {
        for (fold, value) in [false, true]
            .into_iter()
            .flat_map(|fold| [f32::NAN, f32::INFINITY, f32::NEG_INFINITY].map(|value| (fold, value)))
        {
            let linear = Linear::new(level, Arithmetic::Int8, &[1.0; 70], &[0.0], 1.0);
            let mut rows = Rows::new(70, Arithmetic::Int8);
            rows.reserve(1);
            let mut rows = rows.first(1);
            rows.values.copy_from_slice(&random(70, 5));
            rows.values[69] = value;
            norm(70, fold).apply(level, rows.reborrow());
            assert!(rows.values.iter().all(|number| !number.is_finite()), "{level:?} {fold} {value}");
            let mut out = [0.0];
            linear.apply(level, rows.as_ref(), Overwrite { out: &mut out, width: 1 });
            assert!(!out[0].is_finite(), "{level:?} {fold} {value}: {}", out[0]);
        }
    }
}
