use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use application::ports::SelfTest;
use serde::Deserialize;

use crate::engine::{Cores, Engine, TokenBatch, is_usable, largest_difference};
use crate::load_error::TrialError;
use crate::model_folder::{FolderError, ModelFolder, read_json};
use crate::panic::catch_panic;
use crate::settings::Precision;
use crate::tokenizer::TextTokenizer;
use crate::windowing::Windowing;

/// `reference.json`: texts with the token ids and logits of the model's makers.
#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    #[serde(skip)]
    path: PathBuf,
    cases: Vec<Case>,
    /// By precision: the largest measured difference of a logit, with some margin.
    #[serde(default)]
    tolerances: BTreeMap<String, f32>,
}

impl Reference {
    /// The folder's reference; none where it has no file or no texts.
    pub(super) fn read(folder: &ModelFolder) -> Result<Option<Self>, FolderError> {
        let Some(path) = folder.reference() else { return Ok(None) };
        let reference = Self { path: path.clone(), ..read_json(&path)? };
        Ok((!reference.cases.is_empty()).then_some(reference))
    }

    pub(super) fn tolerance(&self, precision: Precision) -> Option<f32> {
        self.tolerances.get(precision.as_str()).copied()
    }
}

#[derive(Debug, Deserialize)]
struct Case {
    text: String,
    /// Special tokens included.
    input_ids: Vec<u32>,
    logits: Vec<f32>,
}

/// The comparison of a loaded model with its reference.
pub(super) struct SelfTestRun<'a> {
    pub(super) folder: &'a ModelFolder,
    pub(super) tokenizer: &'a TextTokenizer,
    pub(super) reference: Option<&'a Reference>,
    pub(super) most_tokens: usize,
}

/// The tokens of a self-test's batch: enough to keep a device busy, few enough for any memory.
const BATCH_TOKENS: usize = 1_024;

impl SelfTestRun<'_> {
    /// Compares token ids and logits with the reference, where the folder has one: no logit may differ by more than
    /// `tolerance`, and where the first label is ahead by more it must be the first here too.
    pub(super) fn run(&self, engine: &mut dyn Engine, tolerance: f32) -> Result<SelfTest, TrialError> {
        let Some(reference) = self.reference else { return Ok(SelfTest::Absent) };
        self.compare_tokens(reference)?;
        let mut max_difference = 0.0_f32;
        let sequences = reference.cases.iter().map(|case| &case.input_ids[..]);
        let found = forward_all(self.folder.path(), engine, sequences)?;
        for (case, (logits, expected)) in found.iter().zip(&reference.cases).enumerate() {
            let difference = largest_difference(logits, &expected.logits);
            // A NaN must fail: it is neither above nor below the tolerance.
            let agreed = best(&expected.logits).is_none_or(|(label, ahead)| {
                ahead <= tolerance || best(logits).is_some_and(|found| found.0 == label)
            });
            if difference.is_nan() || difference > tolerance || !agreed {
                let path = reference.path.clone();
                return Err(TrialError::Logits { path, case, difference, tolerance });
            }
            max_difference = max_difference.max(difference);
        }
        Ok(SelfTest::Passed { cases: reference.cases.len() as u32, max_difference, tolerance })
    }

    fn compare_tokens(&self, reference: &Reference) -> Result<(), TrialError> {
        let specials = self.tokenizer.specials();
        for (case, Case { text, input_ids, .. }) in reference.cases.iter().enumerate() {
            let ids = self.tokenizer.encode(text).unwrap_or_default();
            let ids = [&specials.before[..], &ids, &specials.after].concat();
            if ids != *input_ids || ids.len() > self.most_tokens {
                return Err(TrialError::Tokens { path: reference.path.clone(), case });
            }
        }
        Ok(())
    }
}

/// Returns the logits of each of `sequences`, `[sequences, labels]`, computed in batches on all cores.
pub(super) fn forward_all<'a>(
    folder: &Path,
    engine: &mut dyn Engine,
    sequences: impl Iterator<Item = &'a [u32]>,
) -> Result<Vec<Vec<f32>>, TrialError> {
    let (mut logits, mut batch) = (Vec::new(), TokenBatch::default());
    let mut sequences = sequences.peekable();
    while let Some(sequence) = sequences.next() {
        batch.push(&[sequence]);
        if batch.tokens() >= BATCH_TOKENS || sequences.peek().is_none() {
            logits.extend(try_forward(folder.to_owned(), engine, &batch)?);
            batch = TokenBatch::default();
        }
    }
    Ok(logits)
}

/// The most tokens of the warm-up: enough for every part of a model, few enough for a quick start.
const WARM_UP_TOKENS: u32 = 1_024;

/// Runs the shortest and the longest sequence once, so that the first request does not pay for what a first run sets
/// up, and that a model without a reference is known to give numbers.
pub(super) fn warm_up(
    folder: &ModelFolder,
    tokenizer: &TextTokenizer,
    windowing: Windowing,
    labels: usize,
    engine: &mut dyn Engine,
) -> Result<(), TrialError> {
    let specials = tokenizer.specials();
    let filler = specials.before.first().copied().unwrap_or(0);
    let longest = vec![filler; windowing.info().tokens.min(WARM_UP_TOKENS) as usize];
    let mut batch = TokenBatch::default();
    for middle in [&[][..], &longest] {
        batch.push(&[&specials.before, middle, &specials.after]);
    }
    let rows = try_forward(folder.path().to_owned(), engine, &batch)?;
    if rows.iter().all(|row| is_usable(row, labels)) {
        return Ok(());
    }
    Err(TrialError::NotUsable {
        path: folder.path().to_owned(),
        reason: "a logit is not a number".to_owned(),
    })
}

fn try_forward(
    path: PathBuf,
    engine: &mut dyn Engine,
    batch: &TokenBatch,
) -> Result<Vec<Vec<f32>>, TrialError> {
    match catch_panic(|| engine.forward(batch, Cores::All)) {
        Ok(Ok(rows)) if rows.len() == batch.len() => Ok(rows),
        Ok(Ok(_)) => Err(TrialError::NotUsable { path, reason: "a sequence has no logits".to_owned() }),
        Ok(Err(source)) => Err(TrialError::Engine { path, source: source.into() }),
        Err(reason) => Err(TrialError::NotUsable { path, reason }),
    }
}

/// The index of the greatest logit, and how far it is ahead of the next.
fn best(logits: &[f32]) -> Option<(usize, f32)> {
    let (place, greatest) =
        logits.iter().copied().enumerate().max_by(|left, right| left.1.total_cmp(&right.1))?;
    let others = logits.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, logit)| *logit);
    others.reduce(f32::max).map(|next| (place, greatest - next))
}
