use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use application::errors::BoxError;
use application::ports::MlError;
use domain::policies::search_terms;
use domain::value_objects::{LabelSet, ModelOutput, ModelRef, Overflow, ReadOptions, Usage, WindowOutput};

/// How the fake model fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MlFailure {
    /// [`MlError::Saturated`].
    Saturated,
    /// [`MlError::DeadlineExceeded`].
    DeadlineExceeded,
    /// [`MlError::InferenceFailed`].
    InferenceFailed,
    /// [`MlError::Unavailable`].
    Unavailable,
}

impl From<MlFailure> for MlError {
    fn from(failure: MlFailure) -> Self {
        match failure {
            MlFailure::Saturated => Self::Saturated,
            MlFailure::DeadlineExceeded => Self::DeadlineExceeded,
            MlFailure::InferenceFailed => {
                Self::inference_failed(FakeEngineError("a logit is not a number".into()))
            }
            MlFailure::Unavailable => Self::unavailable("the model is not there"),
        }
    }
}

/// An error with a source.
#[derive(Debug)]
struct FakeEngineError(BoxError);

impl fmt::Display for FakeEngineError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the engine failed")
    }
}

impl Error for FakeEngineError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.0.as_ref())
    }
}

/// The outputs and failures by text.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) logits: HashMap<String, Vec<f32>>,
    pub(super) cached: HashSet<String>,
    pub(super) failures: HashMap<String, MlFailure>,
    pub(super) refusal: Option<MlFailure>,
}

impl Script {
    pub(super) fn output(
        &self,
        text: &str,
        options: ReadOptions,
        model: &Arc<ModelRef>,
        labels: &Arc<LabelSet>,
    ) -> Result<ModelOutput, MlError> {
        if let Some(failure) = self.failures.get(text) {
            return Err((*failure).into());
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let max = options.max_tokens.map_or(usize::MAX, |max| max.get() as usize);
        let (read, window) = match options.overflow {
            Overflow::Reject if words.len() > max => {
                return Err(MlError::TooManyTokens { max: count(max), actual: count(words.len()) });
            }
            Overflow::Reject => (words.as_slice(), usize::MAX),
            Overflow::Truncate => (&words[..max.min(words.len())], usize::MAX),
            Overflow::Window => (words.as_slice(), max),
        };
        let windows: Vec<_> = read
            .chunks(window)
            .map(|part| WindowOutput {
                logits: self.logits(text, &part.join(" "), labels),
                tokens: count(part.len()),
            })
            .collect();
        let usage = Usage {
            tokens: count(read.len()),
            windows: count(windows.len()),
            truncated: read.len() < words.len(),
        };
        let (model, labels) = (Arc::clone(model), Arc::clone(labels));
        Ok(ModelOutput { windows, usage, model, labels, cached: self.cached.contains(text) })
    }

    /// The logits of `part` of `text`.
    fn logits(&self, text: &str, part: &str, labels: &LabelSet) -> Vec<f32> {
        match self.logits.get(text) {
            Some(logits) => logits.clone(),
            None if labels.is_mapped() && labels.labels().len() == 3 => by_words(part),
            None => vec![0.0; labels.labels().len()],
        }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The logits of negative, neutral and positive.
fn by_words(text: &str) -> Vec<f32> {
    let terms = search_terms(text);
    let holds = |words: [&str; 2]| words.iter().any(|word| terms.contains(*word));
    match (holds(["hate", "bad"]), holds(["love", "good"])) {
        (true, false) => vec![2.0, 0.0, -1.0],
        (false, true) => vec![-1.0, 0.0, 2.0],
        _ => vec![0.0, 1.0, 0.0],
    }
}
