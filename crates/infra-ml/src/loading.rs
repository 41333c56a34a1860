use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use crate::load_error::LoadError;

/// The loading of a model, which proceeds whether or not this future is polled. Ready when the model serves or cannot.
#[derive(Debug)]
pub struct Loading {
    outcome: oneshot::Receiver<Result<(), LoadError>>,
}

impl Loading {
    pub(crate) fn new(outcome: oneshot::Receiver<Result<(), LoadError>>) -> Self {
        Self { outcome }
    }

    /// A loading that could not start.
    pub(crate) fn failed(error: LoadError) -> Self {
        let (finished, outcome) = oneshot::channel();
        // The receiver exists.
        let _ = finished.send(Err(error));
        Self { outcome }
    }
}

impl Future for Loading {
    type Output = Result<(), LoadError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(Pin::new(&mut self.outcome).poll(context));
        Poll::Ready(outcome.unwrap_or(Err(LoadError::Stopped)))
    }
}
