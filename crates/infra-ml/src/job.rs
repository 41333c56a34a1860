use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use application::ports::MlError;
use tokio::sync::oneshot;
use tracing::Span;

/// The logits of a text's windows in reading order, or why there are none.
pub(crate) type Reply = Result<Vec<Vec<f32>>, MlError>;

/// For whom a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// A request for this text alone.
    Single,
    /// A batch or a stream.
    Bulk,
}

/// One text on its way to the engine: its tokens, its windows, and what is known of them so far.
pub(crate) struct Job {
    ids: Vec<u32>,
    spans: Vec<Range<usize>>,
    specials: usize,
    class: Class,
    entered: Instant,
    /// What its caller was doing when it was submitted.
    span: Span,
    /// Its place in the queue, which alone reads and sets it, under its lock.
    number: AtomicU64,
    progress: Mutex<Progress>,
}

struct Progress {
    logits: Vec<Option<Vec<f32>>>,
    missing: usize,
    /// None once the answer was given.
    caller: Option<oneshot::Sender<Reply>>,
}

impl Job {
    /// The text of the tokens `ids`, to be read in the windows `spans`, each between `specials` special tokens. It
    /// belongs to the span that is entered now.
    pub(crate) fn new(
        ids: Vec<u32>,
        spans: Vec<Range<usize>>,
        specials: usize,
        class: Class,
    ) -> (Self, oneshot::Receiver<Reply>) {
        let (caller, answer) = oneshot::channel();
        let (logits, missing) = (vec![None; spans.len()], spans.len());
        let progress = Mutex::new(Progress { logits, missing, caller: Some(caller) });
        let (entered, span, number) = (Instant::now(), Span::current(), AtomicU64::new(0));
        (Self { ids, spans, specials, class, entered, span, number, progress }, answer)
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

    pub(crate) fn class(&self) -> Class {
        self.class
    }

    /// The span that the text was submitted in.
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    pub(crate) fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    pub(crate) fn set_number(&self, number: u64) {
        self.number.store(number, Ordering::Relaxed);
    }

    /// When the text was cut.
    pub(crate) fn entered(&self) -> Instant {
        self.entered
    }

    /// Whether somebody still waits for the answer.
    pub(crate) fn is_wanted(&self) -> bool {
        self.progress().caller.as_ref().is_some_and(|caller| !caller.is_closed())
    }

    /// Whether all windows have been run.
    pub(crate) fn is_complete(&self) -> bool {
        self.progress().missing == 0
    }

    /// Nobody waits for the answer any longer. Whether it was still to come.
    pub(crate) fn abandon(&self) -> bool {
        self.progress().caller.take().is_some()
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
