use std::sync::Arc;

use application::ports::{MlError, ModelInfo};
use domain::value_objects::{ModelOutput, Usage, WindowOutput};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::inference_error::NotAvailable;
use crate::job::Reply;
use crate::queue::QueuedText;

/// A text in the queue or the engine, with the receiver of its reply. Dropping it removes the text from the queue.
pub(super) struct Pending {
    pub(super) _queued: QueuedText,
    pub(super) reply: oneshot::Receiver<Reply>,
    /// When it is given up.
    pub(super) deadline: Option<Instant>,
    /// The number of the text's tokens that are used, without those repeated by overlaps.
    pub(super) tokens: u32,
    /// The tokens of each window.
    pub(super) window_tokens: Vec<u32>,
    /// Whether tokens of the text were cut off.
    pub(super) truncated: bool,
}

/// Awaits `work` until `deadline`, where there is one.
///
/// # Errors
/// `DeadlineExceeded`.
pub(super) async fn before<T>(
    deadline: Option<Instant>,
    work: impl Future<Output = T>,
) -> Result<T, MlError> {
    match deadline {
        Some(deadline) => timeout_at(deadline, work).await.map_err(|_elapsed| MlError::DeadlineExceeded),
        None => Ok(work.await),
    }
}

impl Pending {
    /// Waits for the reply and returns it as the output of `model`.
    ///
    /// # Errors
    /// `DeadlineExceeded` if it does not arrive in time; else the error that it contains.
    pub(super) async fn output(self, model: &ModelInfo) -> Result<ModelOutput, MlError> {
        let reply = before(self.deadline, self.reply).await?;
        // The sender is dropped without a reply if the worker is gone.
        let logits = reply.unwrap_or_else(|_| Err(NotAvailable::Stopped.into()))?;
        let windows: Vec<WindowOutput> = logits
            .into_iter()
            .zip(self.window_tokens)
            .map(|(logits, tokens)| WindowOutput { logits, tokens })
            .collect();
        let usage = Usage { tokens: self.tokens, windows: windows.len() as u32, truncated: self.truncated };
        Ok(ModelOutput {
            windows,
            usage,
            model: Arc::clone(&model.model),
            labels: Arc::clone(&model.labels),
            cached: false,
        })
    }
}
