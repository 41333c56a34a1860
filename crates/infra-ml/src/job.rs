use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use application::ports::MlError;
use tokio::sync::oneshot;

/// The logits of a text's windows in reading order, or why there are none.
pub(crate) type Reply = Result<Vec<Vec<f32>>, MlError>;

/// One text on its way to the engine: its tokens, its windows, and what is known of them so far.
pub(crate) struct Job {
    ids: Vec<u32>,
    spans: Vec<Range<usize>>,
    specials: usize,
    entered: Instant,
    progress: Mutex<Progress>,
}

struct Progress {
    logits: Vec<Option<Vec<f32>>>,
    missing: usize,
    /// None once the answer was given.
    caller: Option<oneshot::Sender<Reply>>,
}

impl Job {
    /// The text of the tokens `ids`, to be read in the windows `spans`, each between `specials` special tokens.
    pub(crate) fn new(
        ids: Vec<u32>,
        spans: Vec<Range<usize>>,
        specials: usize,
    ) -> (Self, oneshot::Receiver<Reply>) {
        let (caller, answer) = oneshot::channel();
        let (logits, missing) = (vec![None; spans.len()], spans.len());
        let progress = Mutex::new(Progress { logits, missing, caller: Some(caller) });
        (Self { ids, spans, specials, entered: Instant::now(), progress }, answer)
    }

    /// How many windows there are.
    pub(crate) fn windows(&self) -> usize {
        self.spans.len()
    }

    /// The tokens of window `number`, special tokens left out.
    pub(crate) fn window(&self, number: usize) -> &[u32] {
        &self.ids[self.spans[number].clone()]
    }

    /// The tokens that the engine sees of window `number`.
    pub(crate) fn cost(&self, number: usize) -> usize {
        self.spans[number].len() + self.specials
    }

    /// The tokens that the engine sees of the windows from `number` on.
    pub(crate) fn cost_from(&self, number: usize) -> usize {
        (number..self.windows()).map(|window| self.cost(window)).sum()
    }

    /// When the text was cut.
    pub(crate) fn entered(&self) -> Instant {
        self.entered
    }

    /// Whether somebody still waits for the answer.
    pub(crate) fn is_wanted(&self) -> bool {
        self.progress().caller.as_ref().is_some_and(|caller| !caller.is_closed())
    }

    /// Takes the logits of window `number`; the last one to come answers the caller.
    pub(crate) fn give(&self, number: usize, logits: Vec<f32>) {
        let mut progress = self.progress();
        if progress.logits[number].replace(logits).is_none() {
            progress.missing -= 1;
        }
        if progress.missing == 0
            && let Some(caller) = progress.caller.take()
        {
            let logits = progress.logits.drain(..).flatten().collect();
            // A caller who left is nobody to tell.
            let _ = caller.send(Ok(logits));
        }
    }

    /// Answers the caller with an error, unless an answer was given before. Says whether it did.
    pub(crate) fn fail(&self, error: MlError) -> bool {
        let caller = self.progress().caller.take();
        caller.is_some_and(|caller| caller.send(Err(error)).is_ok())
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
