use std::time::Duration;

use application::ports::FeedWakeUp;
use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::timeout;

/// Wakes the reader of the feed when this process has sequenced events.
#[derive(Default)]
pub(crate) struct SqliteFeedWakeUp {
    sequenced: Notify,
}

impl SqliteFeedWakeUp {
    /// Wakes the reader, or lets its next wait end at once.
    pub(crate) fn wake(&self) {
        self.sequenced.notify_one();
    }
}

#[async_trait]
impl FeedWakeUp for SqliteFeedWakeUp {
    async fn wait(&self, most: Duration) {
        let _ = timeout(most, self.sequenced.notified()).await;
    }
}
