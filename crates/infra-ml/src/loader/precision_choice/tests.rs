use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::value_objects::ProblemType;
use tempfile::TempDir;

use super::*;
use crate::engine::{Cores, Engine, EngineError, TokenBatch};
use crate::loader::device;
use crate::model_folder::ModelFolder;
use crate::testing::small_model;
use crate::tokenizer::TextTokenizer;

const FAST: Int8Support = Int8Support { on_fast_path: true, is_fast: true, has_tolerance: false };

/// An engine that gives every sequence the same logits, and counts itself while it is in memory.
struct FixedEngine {
    logits: Vec<f32>,
    in_memory: Arc<AtomicUsize>,
}

impl Engine for FixedEngine {
    fn forward(&mut self, batch: &TokenBatch, _cores: Cores) -> Result<Vec<Vec<f32>>, EngineError> {
        if self.logits.is_empty() {
            return Err(EngineError::Other("deliberate failure"));
        }
        Ok(batch.sequences().map(|_| self.logits.clone()).collect())
    }

    fn cores_of(&self, _tokens: usize, _cores: Cores) -> usize {
        1
    }

    fn batch_tokens(&self) -> usize {
        usize::MAX
    }
}

impl Drop for FixedEngine {
    fn drop(&mut self) {
        self.in_memory.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The outcome of a choice, and what was loaded for it, in order.
struct Outcome {
    chosen: Result<Chosen, TrialError>,
    loaded: Vec<Variant>,
}

impl Outcome {
    fn chosen(&self) -> &Chosen {
        self.chosen.as_ref().unwrap()
    }

    fn passed(&self) -> bool {
        self.chosen().calibration.unwrap().passed
    }
}

fn folder() -> (TempDir, ModelFolder, TextTokenizer) {
    let directory = small_model::folder();
    let folder = ModelFolder::open(directory.path()).unwrap();
    let tokenizer = TextTokenizer::read(&folder, small_model::VOCABULARY).unwrap();
    (directory, folder, tokenizer)
}

fn engine_failure() -> TrialError {
    TrialError::Engine { path: "folder".into(), source: "out of memory".into() }
}

/// Chooses by `plan` a model with these logits in each variant. A trial fails where a logit is not a number.
fn choose_of(plan: Plan, logits: impl Fn(Variant) -> Vec<f32>) -> Outcome {
    let (_directory, folder, tokenizer) = folder();
    let (in_memory, loaded) = (Arc::new(AtomicUsize::new(0)), RefCell::new(Vec::new()));
    let load = |variant| -> Result<Engines, TrialError> {
        assert_eq!(in_memory.fetch_add(1, Ordering::Relaxed), 0, "{variant:?} is loaded beside another");
        loaded.borrow_mut().push(variant);
        Ok(vec![Box::new(FixedEngine { logits: logits(variant), in_memory: Arc::clone(&in_memory) })])
    };
    let calibration = CalibrationRun {
        folder: &folder,
        tokenizer: &tokenizer,
        problem_type: ProblemType::SingleLabel,
        window: 16,
    };
    let trial = |engines: &mut Engines, _| {
        let mut batch = TokenBatch::default();
        batch.push(&[&[1]]);
        match engines[0].forward(&batch, Cores::All) {
            Ok(rows) if rows[0].iter().all(|logit| logit.is_finite()) => Ok(SelfTest::Absent),
            Ok(_) => Err(TrialError::NotUsable { path: "folder".into(), reason: "NaN".to_owned() }),
            Err(_) => Err(engine_failure()),
        }
    };
    let chosen = choose(plan, &mut Resident::new(&load), &calibration, &trial);
    Outcome { chosen, loaded: loaded.into_inner() }
}

/// Chooses by calibration a model whose first logit differs by `plain` and `folded` in int8.
fn calibrate(configured: bool, plain: f32, folded: f32) -> Outcome {
    choose_of(Plan::Calibrate { configured }, |variant| match variant {
        Variant::INT8 => vec![1.0 + plain, 0.0],
        Variant::INT8_FOLDED => vec![1.0 + folded, 0.0],
        _ => vec![1.0, 0.0],
    })
}

#[test]
fn on_the_cpu_auto_is_int8_only_where_that_is_fast_and_has_been_compared() {
    let plan = |precision, int8| Plan::new(precision, &device::cpu(), int8).unwrap();
    let only = |last, reason| Plan::InTurn { preferred: vec![], last, reason };
    let auto = |int8| plan(Precision::Auto, int8);
    assert_eq!(auto(FAST), Plan::Calibrate { configured: false });
    assert_eq!(
        auto(Int8Support { has_tolerance: true, ..FAST }),
        Plan::InTurn {
            preferred: vec![Variant::INT8],
            last: Variant::F32,
            reason: PrecisionReason::ReferencePassed
        }
    );
    for has_tolerance in [true, false] {
        let slow = Int8Support { is_fast: false, has_tolerance, ..FAST };
        assert_eq!(auto(slow), only(Variant::F32, PrecisionReason::NoFastInt8));
        let unsupported = Int8Support { on_fast_path: false, has_tolerance, ..FAST };
        assert_eq!(auto(unsupported), only(Variant::F32, PrecisionReason::Int8Unsupported));
        let f32 = plan(Precision::F32, Int8Support { has_tolerance, ..FAST });
        assert_eq!(f32, only(Variant::F32, PrecisionReason::Configured));
    }
}

#[test]
fn configured_int8_is_compared_unless_a_reference_does() {
    let int8 = |is_fast, has_tolerance| {
        let support = Int8Support { is_fast, has_tolerance, ..FAST };
        Plan::new(Precision::Int8, &device::cpu(), support).unwrap()
    };
    for is_fast in [true, false] {
        assert_eq!(int8(is_fast, false), Plan::Calibrate { configured: true });
        let (preferred, reason) = (vec![], PrecisionReason::Configured);
        assert_eq!(int8(is_fast, true), Plan::InTurn { preferred, last: Variant::INT8, reason });
    }
}

#[test]
fn the_cpu_refuses_16_bits() {
    for precision in [Precision::F16, Precision::Bf16] {
        let refused = Plan::new(precision, &device::cpu(), FAST);
        assert!(matches!(refused, Err(UnfitSetting::Precision { .. })));
    }
}

#[test]
fn int8_near_f32_is_chosen() {
    let near = calibrate(false, 0.01, 0.01);
    assert_eq!(
        (near.chosen().variant, near.chosen().reason),
        (Variant::INT8, PrecisionReason::CalibrationPassed)
    );
    let calibration = near.chosen().calibration.unwrap();
    assert!(calibration.passed && !calibration.norms_folded);
    assert_eq!((calibration.texts, calibration.labels_agreeing), (44, 44));
    assert!((calibration.max_logit_difference - 0.01).abs() < 1e-4);
    assert_eq!(near.loaded, [Variant::F32, Variant::INT8], "folding is not tried");
}

#[test]
fn folded_norms_are_chosen_where_they_reduce_the_differences() {
    let better = calibrate(false, 0.2, 0.01);
    assert_eq!(better.chosen().variant, Variant::INT8_FOLDED);
    assert!(better.chosen().calibration.unwrap().norms_folded);
    assert_eq!(better.loaded, [Variant::F32, Variant::INT8, Variant::INT8_FOLDED]);
    let alone_passes = calibrate(false, 1.0, 0.01);
    assert_eq!(alone_passes.chosen().variant, Variant::INT8_FOLDED);
    for folded in [1.0, f32::NAN] {
        let worse = calibrate(false, 0.2, folded);
        assert_eq!(worse.chosen().variant, Variant::INT8);
        assert_eq!(worse.loaded, [Variant::F32, Variant::INT8, Variant::INT8_FOLDED, Variant::INT8]);
    }
}

#[test]
fn int8_far_from_f32_is_not_chosen() {
    for (plain, folded) in [(1.0, 1.0), (-3.0, 1.0), (f32::NAN, f32::NAN), (f32::INFINITY, 1.0)] {
        let far = calibrate(false, plain, folded);
        assert_eq!(
            (far.chosen().variant, far.chosen().reason),
            (Variant::F32, PrecisionReason::CalibrationFailed)
        );
        assert!(!far.passed());
    }
}

#[test]
fn configured_int8_starts_whatever_the_differences() {
    let far = calibrate(true, 1.0, 1.1);
    assert_eq!((far.chosen().variant, far.chosen().reason), (Variant::INT8, PrecisionReason::Configured));
    assert!(!far.passed());
    assert!(calibrate(true, 0.01, 0.01).passed());
    let unusable = calibrate(true, f32::NAN, f32::NAN);
    assert!(matches!(unusable.chosen, Err(TrialError::NotUsable { .. })), "it has no answer");
}

#[test]
fn int8_that_cannot_be_compared_is_not_chosen_and_configured_is_tried() {
    let logits = |variant: Variant| if variant == Variant::F32 { vec![1.0, 0.0] } else { vec![] };
    let auto = choose_of(Plan::Calibrate { configured: false }, logits);
    assert_eq!(auto.chosen().reason, PrecisionReason::CalibrationFailed);
    assert_eq!((auto.chosen().variant, auto.chosen().calibration), (Variant::F32, None));
    let configured = choose_of(Plan::Calibrate { configured: true }, logits);
    assert!(matches!(configured.chosen, Err(TrialError::Engine { .. })));
}

#[test]
fn a_gpu_runs_the_first_precision_whose_trial_passes() {
    let [f16, bf16] = [Precision::F16, Precision::Bf16].map(Variant::plain);
    let plan = || Plan::InTurn {
        preferred: vec![f16, bf16],
        last: Variant::F32,
        reason: PrecisionReason::FirstUsable,
    };
    for (unusable, expected) in [(vec![], f16), (vec![f16], bf16), (vec![f16, bf16], Variant::F32)] {
        for failure in [vec![], vec![f32::NAN, 0.0]] {
            let outcome =
                choose_of(
                    plan(),
                    |variant| if unusable.contains(&variant) { failure.clone() } else { vec![1.0, 0.0] },
                );
            let chosen = outcome.chosen();
            assert_eq!((chosen.variant, chosen.reason), (expected, PrecisionReason::FirstUsable));
            assert_eq!(outcome.loaded.len(), unusable.len() + 1);
        }
    }
    assert!(choose_of(plan(), |_| vec![]).chosen.is_err(), "the last failure is that of the model");
}

#[test]
fn int8_that_fails_its_trial_falls_back_and_other_tokens_do_not() {
    let (tries, live) = (Rc::new(Cell::new(0)), Arc::new(AtomicUsize::new(0)));
    let load = |_| -> Result<Engines, TrialError> {
        live.fetch_add(1, Ordering::Relaxed);
        Ok(vec![Box::new(FixedEngine { logits: vec![1.0, 0.0], in_memory: Arc::clone(&live) })])
    };
    let path = || "reference.json".into();
    let logits = || TrialError::Logits { path: path(), case: 0, difference: 1.0, tolerance: 0.4 };
    let tokens = || TrialError::Tokens { path: path(), case: 0 };
    for (error, expected) in [(&logits as &dyn Fn() -> TrialError, 2), (&tokens, 1)] {
        tries.set(0);
        let trial = |_: &mut Engines, precision| {
            tries.set(tries.get() + 1);
            if precision == Precision::Int8 { Err(error()) } else { Ok(SelfTest::Absent) }
        };
        let reason = PrecisionReason::ReferencePassed;
        let chosen = try_in_turn(&[Variant::INT8], Variant::F32, reason, &mut Resident::new(&load), &trial);
        assert_eq!(tries.get(), expected);
        match chosen {
            Ok(chosen) => assert_eq!(chosen.reason, PrecisionReason::ReferenceFailed),
            Err(error) => assert!(matches!(error, TrialError::Tokens { .. })),
        }
    }
}
