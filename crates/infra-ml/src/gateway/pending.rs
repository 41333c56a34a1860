use std::sync::Arc;

use application::ports::{MlError, ModelInfo};
use domain::value_objects::{ModelOutput, Usage, WindowOutput};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::gateway::NotAvailable;
use crate::job::Reply;
use crate::queue::QueuedText;

/// A text that was let in and whose answer is to come. Dropping it takes the text out of the queue again.
pub(super) struct Pending {
    pub(super) _queued: QueuedText,
    pub(super) answer: oneshot::Receiver<Reply>,
    pub(super) deadline: Instant,
    /// The text's tokens that are read, each counted once.
    pub(super) tokens: u32,
    /// The tokens of each window.
    pub(super) window_tokens: Vec<u32>,
    /// Whether some of the text's tokens are not read.
    pub(super) truncated: bool,
}

impl Pending {
    /// What `model` says, if it says so before the deadline.
    pub(super) async fn output(self, model: &ModelInfo) -> Result<ModelOutput, MlError> {
        let Ok(answer) = timeout_at(self.deadline, self.answer).await else {
            return Err(MlError::DeadlineExceeded);
        };
        // A worker that is gone drops the texts that it held.
        let logits = answer.unwrap_or_else(|_| Err(NotAvailable::Stopped.into()))?;
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
