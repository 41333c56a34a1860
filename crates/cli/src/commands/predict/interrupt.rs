use std::io;

use tokio::signal::unix::{self, Signal, SignalKind};
use tokio::sync::watch;

/// Ctrl-C. Before it is listened for, it ends the process at once.
pub(super) struct Interrupts(Signal);

/// How work ended that can be interrupted.
pub(super) enum Outcome<T> {
    /// By itself.
    Ended(T),
    /// After it was asked to stop.
    Interrupted(T),
    /// A second Ctrl-C did not wait for it.
    InterruptedTwice,
}

impl Interrupts {
    /// Starts to listen.
    ///
    /// # Errors
    /// A signal that cannot be listened for.
    pub(super) fn listen() -> io::Result<Self> {
        unix::signal(SignalKind::interrupt()).map(Self)
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        // The stream of signals does not end.
        let _ = self.0.recv().await;
    }

    /// Runs `work`, which the first Ctrl-C asks to stop and a second one ends.
    pub(super) async fn stop<F: Future>(
        &mut self,
        work: impl FnOnce(watch::Receiver<bool>) -> F,
    ) -> Outcome<F::Output> {
        let (stop, stopped) = watch::channel(false);
        let work = work(stopped);
        tokio::pin!(work);
        tokio::select! {
            biased;
            output = &mut work => return Outcome::Ended(output),
            () = self.next() => {}
        }
        stop.send_replace(true);
        tokio::select! {
            biased;
            output = &mut work => Outcome::Interrupted(output),
            () = self.next() => Outcome::InterruptedTwice,
        }
    }
}
