use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use application::ports::MlError;
use tokio::sync::oneshot;
use tracing::Span;

/// The logits of a text's windows, in the order of the text, or why there are none.
pub(crate) type Reply = Result<Vec<Vec<f32>>, MlError>;

/// The class of a text in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// The text of a request with one text.
    Single,
    /// A text of a batch or a stream.
    Bulk,
}

/// A text on its way to the engine: its tokens, its windows, and the logits computed so far.
pub(crate) struct Job {
    ids: Vec<u32>,
    spans: Vec<Range<usize>>,
    specials: usize,
    class: Class,
    created: Instant,
    /// The span in which the text was submitted.
    span: Span,
    /// The position in the queue; read and written only by the queue, under its lock.
    position: AtomicU64,
    progress: Mutex<Progress>,
}

struct Progress {
    logits: Vec<Option<Vec<f32>>>,
    missing: usize,
    /// `None` once the reply was sent or abandoned.
    reply: Option<oneshot::Sender<Reply>>,
}

impl Job {
    /// Creates a job for the tokens `ids`, split into the windows `spans`, each with `specials` special tokens around
    /// it, and returns the receiver of its reply. The job belongs to the current span.
    pub(crate) fn new(
        ids: Vec<u32>,
        spans: Vec<Range<usize>>,
        specials: usize,
        class: Class,
    ) -> (Self, oneshot::Receiver<Reply>) {
        let (reply, receiver) = oneshot::channel();
        let (logits, missing) = (vec![None; spans.len()], spans.len());
        let progress = Mutex::new(Progress { logits, missing, reply: Some(reply) });
        let (created, span, position) = (Instant::now(), Span::current(), AtomicU64::new(0));
        (Self { ids, spans, specials, class, created, span, position, progress }, receiver)
    }

    /// The number of windows.
    pub(crate) fn windows(&self) -> usize {
        self.spans.len()
    }

    /// The tokens of a window, without special tokens.
    pub(crate) fn window(&self, window: usize) -> &[u32] {
        &self.ids[self.spans[window].clone()]
    }

    /// The tokens of a window, including special tokens.
    pub(crate) fn cost(&self, window: usize) -> usize {
        self.spans[window].len() + self.specials
    }

    /// The tokens of the windows from `window` on, including special tokens.
    pub(crate) fn cost_from(&self, window: usize) -> usize {
        (window..self.windows()).map(|window| self.cost(window)).sum()
    }

    pub(crate) fn class(&self) -> Class {
        self.class
    }

    /// The span in which the text was submitted.
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    pub(crate) fn position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    pub(crate) fn set_position(&self, position: u64) {
        self.position.store(position, Ordering::Relaxed);
    }

    pub(crate) fn created(&self) -> Instant {
        self.created
    }

    /// Whether a caller still waits for the reply.
    pub(crate) fn is_awaited(&self) -> bool {
        self.progress().reply.as_ref().is_some_and(|reply| !reply.is_closed())
    }

    /// Whether all windows have been computed.
    pub(crate) fn is_complete(&self) -> bool {
        self.progress().missing == 0
    }

    /// Gives up the reply. Returns whether it was still to be sent.
    pub(crate) fn abandon(&self) -> bool {
        self.progress().reply.take().is_some()
    }

    /// Stores the logits of a window, `[labels]`, and sends the reply after the last one.
    pub(crate) fn complete(&self, window: usize, logits: Vec<f32>) {
        let mut progress = self.progress();
        if progress.logits[window].replace(logits).is_none() {
            progress.missing -= 1;
        }
        if progress.missing == 0
            && let Some(reply) = progress.reply.take()
        {
            let logits = progress.logits.drain(..).flatten().collect();
            // Fails if the receiver was dropped; then nothing is to be done.
            let _ = reply.send(Ok(logits));
        }
    }

    /// Replies with an error unless a reply was sent before. Returns whether it was received.
    pub(crate) fn fail(&self, error: MlError) -> bool {
        let reply = self.progress().reply.take();
        reply.is_some_and(|reply| reply.send(Err(error)).is_ok())
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
