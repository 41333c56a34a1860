use tokio::sync::watch;

/// Tells the loading of a model that nobody wants it any more. Dropping it tells so too.
#[derive(Debug)]
pub(crate) struct Stop(watch::Sender<bool>);

/// What [`Stop`] tells.
#[derive(Debug, Clone)]
pub(crate) struct Stopping(watch::Receiver<bool>);

/// Both ends.
pub(crate) fn stop() -> (Stop, Stopping) {
    let (sender, receiver) = watch::channel(false);
    (Stop(sender), Stopping(receiver))
}

impl Stop {
    /// From now on.
    pub(crate) fn tell(&self) {
        self.0.send_replace(true);
    }
}

impl Stopping {
    /// Comes back once it was told.
    pub(crate) async fn told(mut self) {
        // An error means that the other end is gone, which says the same.
        let _ = self.0.wait_for(|told| *told).await;
    }
}
