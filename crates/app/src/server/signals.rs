use anyhow::Context;
use tokio::signal::unix::{self, SignalKind};

/// A signal that ends the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// SIGTERM: shut down gracefully, after load balancers have stopped sending requests.
    Terminate,
    /// SIGINT (Ctrl-C): shut down gracefully without that delay.
    Interrupt,
}

/// The signals that end the service. Actix's own handling is off, since it does not drain.
pub(super) struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
}

impl Signals {
    /// Starts to listen for the signals.
    pub(super) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| unix::signal(kind).context("cannot listen for signals");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Waits for the next signal.
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.interrupt.recv() => Signal::Interrupt,
        }
    }
}
