//! Decides whether a model may run in int8 where no reference says so: built-in texts are computed in f32 and in int8
//! when the model is loaded, and their outputs are compared.
//!
//! int8 passes if the 95th percentile, over the texts, of the largest difference of a probability is at most
//! [`TOLERANCE`], if it chooses the same label wherever f32 has its label ahead by more than twice that (two
//! probabilities may have moved), and if every logit is finite.
//!
//! The limit was chosen by resampling: 44 texts drawn 2,000 times from the differences of 584 to 2,000 texts, for the
//! bundled weights, weights with planted outliers and random weights, with AVX-512 VNNI, AVX-VNNI and AVX2
//! instructions.
//! * The differences have a long tail: with the bundled weights the median is 0.003, the 95th percentile 0.025 and the
//!   largest 0.11, in texts between two labels. So the largest of a few texts says little: a bound of 0.05 on it
//!   refuses the bundled weights, whose accuracy in int8 is that of f32 within 0.25 points, in 4 of 10 draws.
//! * A bound on the 95th percentile accepts the bundled weights in 80% of the draws at 0.03, 94% at 0.04 and 98% at
//!   0.05. At 0.05 it accepts random weights of which int8 changes 2.6% of the labels in nine of ten draws, and random
//!   weights of which it changes 5%, with a 95th percentile of 0.125, in none.
//! * Labels alone say little: 44 texts do not contain one of the 2% that change in most draws. For the same reason a
//!   model whose probabilities hardly change, but whose texts are near-ties, may pass and change a few labels.

mod differences;
mod texts;

use std::time::Instant;

use application::ports::Calibration;
use domain::value_objects::ProblemType;

use super::resident::{Resident, Variant};
use super::self_test::forward_all;
use crate::load_error::TrialError;
use crate::model_folder::ModelFolder;
use crate::tokenizer::TextTokenizer;

use differences::{TextDifference, differences, percentile};
pub(super) use texts::TEXTS;

/// The largest allowed 95th percentile of the differences of probabilities.
const TOLERANCE: f32 = 0.05;

/// The most tokens of a text: a vocabulary without a script splits it into bytes.
const MOST_TOKENS: usize = 128;

/// The comparison of a model's precisions on the built-in texts.
pub(super) struct CalibrationRun<'a> {
    pub(super) folder: &'a ModelFolder,
    pub(super) tokenizer: &'a TextTokenizer,
    pub(super) problem_type: ProblemType,
    /// The most tokens of a window, special tokens not counted.
    pub(super) window: usize,
}

/// The better variant of int8, and how it differs from f32.
pub(super) struct Calibrated {
    pub(super) variant: Variant,
    pub(super) calibration: Calibration,
}

impl CalibrationRun<'_> {
    /// Compares int8 with f32 on the built-in texts; with folded norms too where the differences are not small.
    pub(super) fn run(&self, resident: &mut Resident<'_>) -> Result<Calibrated, TrialError> {
        let started = Instant::now();
        let sequences = self.sequences(&TEXTS);
        let exact = self.forward(resident, Variant::F32, &sequences)?;
        let mut chosen = (Variant::INT8, self.summary(resident, Variant::INT8, &sequences, &exact)?);
        if !chosen.1.is_small() {
            let folded = self.summary(resident, Variant::INT8_FOLDED, &sequences, &exact)?;
            if folded.is_better_than(&chosen.1) {
                chosen = (Variant::INT8_FOLDED, folded);
            }
        }
        let (variant, summary) = chosen;
        let duration_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
        Ok(Calibrated { variant, calibration: summary.report(variant, duration_ms) })
    }

    /// How int8 differs from f32 on `texts`, without and with folded norms.
    pub(super) fn compare(
        &self,
        texts: &[&str],
        resident: &mut Resident<'_>,
    ) -> Result<[(Variant, Summary); 2], TrialError> {
        let sequences = self.sequences(texts);
        let exact = self.forward(resident, Variant::F32, &sequences)?;
        let mut compare = |variant| -> Result<(Variant, Summary), TrialError> {
            Ok((variant, self.summary(resident, variant, &sequences, &exact)?))
        };
        Ok([compare(Variant::INT8)?, compare(Variant::INT8_FOLDED)?])
    }

    fn summary(
        &self,
        resident: &mut Resident<'_>,
        variant: Variant,
        sequences: &[Vec<u32>],
        exact: &[Vec<f32>],
    ) -> Result<Summary, TrialError> {
        let rounded = self.forward(resident, variant, sequences)?;
        Ok(Summary::of(&differences(self.problem_type, exact, &rounded)))
    }

    /// The token ids of `texts`, special tokens included.
    fn sequences(&self, texts: &[&str]) -> Vec<Vec<u32>> {
        let (specials, most) = (self.tokenizer.specials(), self.window.min(MOST_TOKENS));
        let sequence = |text: &&str| {
            // A text that the tokenizer refuses has no tokens of its own.
            let mut ids = self.tokenizer.encode(text).unwrap_or_default();
            ids.truncate(most);
            [&specials.before[..], &ids, &specials.after].concat()
        };
        texts.iter().map(sequence).collect()
    }

    fn forward(
        &self,
        resident: &mut Resident<'_>,
        variant: Variant,
        sequences: &[Vec<u32>],
    ) -> Result<Vec<Vec<f32>>, TrialError> {
        let engines = resident.get(variant)?;
        forward_all(self.folder.path(), engines[0].as_mut(), sequences.iter().map(Vec::as_slice))
    }
}

/// How int8 differs from f32 on some texts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Summary {
    texts: usize,
    labels_agreeing: usize,
    /// The largest margin of a label of f32 that int8 does not choose.
    lost_margin: f32,
    p95_probability: f32,
    max_probability: f32,
    max_logit: f32,
    mean_logit: f32,
}

impl Summary {
    fn of(differences: &[TextDifference]) -> Self {
        let probabilities = || differences.iter().map(|text| text.probability);
        let logits = || differences.iter().map(|text| text.logit);
        let lost = || differences.iter().filter_map(|text| text.lost_margin);
        Self {
            texts: differences.len(),
            labels_agreeing: differences.len() - lost().count(),
            lost_margin: lost().fold(0.0, f32::max),
            p95_probability: percentile(95, probabilities()),
            max_probability: percentile(100, probabilities()),
            max_logit: percentile(100, logits()),
            mean_logit: logits().sum::<f32>() / differences.len() as f32,
        }
    }

    /// Whether the differences are small enough for int8. A NaN is not.
    fn passes(&self) -> bool {
        self.max_logit.is_finite() && self.p95_probability <= TOLERANCE && self.lost_margin <= 2.0 * TOLERANCE
    }

    /// Whether the differences are so small that folding the norms is not worth packing the weights once more.
    fn is_small(&self) -> bool {
        self.passes() && self.p95_probability <= 0.5 * TOLERANCE
    }

    /// By the mean over all texts, which depends less on a single text than the largest or a percentile.
    fn is_better_than(&self, other: &Self) -> bool {
        let rank = |summary: &Self| (!summary.passes(), summary.mean_logit.is_nan());
        (rank(self), self.mean_logit) < (rank(other), other.mean_logit)
    }

    pub(super) fn report(&self, variant: Variant, duration_ms: u32) -> Calibration {
        Calibration {
            passed: self.passes(),
            texts: self.texts as u32,
            norms_folded: variant.fold_norms,
            p95_probability_difference: self.p95_probability,
            max_probability_difference: self.max_probability,
            max_logit_difference: self.max_logit,
            labels_agreeing: self.labels_agreeing as u32,
            tolerance: TOLERANCE,
            duration_ms,
        }
    }
}
