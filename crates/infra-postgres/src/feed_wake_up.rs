use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use application::ports::FeedWakeUp;
use async_trait::async_trait;
use sqlx::postgres::PgListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::database::Database;
use crate::repositories::FEED_CHANNEL;

/// Wakes the reader of the feed by the notifications that sequencing sends, over one connection of its own, which is
/// opened when a reader waits for the first time.
///
/// Notifications are only hints: the reader looks for events without them too, more often while there is no connection
/// to listen on. Behind PgBouncer in transaction mode none arrive.
pub(crate) struct PostgresFeedWakeUp {
    database: Database,
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    notified: Notify,
    listens: AtomicBool,
}

/// How often the reader looks for events while there is no connection to listen on.
const POLL: Duration = Duration::from_millis(200);

/// The pause before connecting again.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

impl PostgresFeedWakeUp {
    pub(crate) fn new(database: Database) -> Self {
        Self { database, shared: Arc::default(), task: Mutex::default() }
    }

    /// Starts to listen, on the store's runtime, unless it has begun.
    fn start(&self) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        task.get_or_insert_with(|| {
            let (database, shared) = (self.database.clone(), Arc::clone(&self.shared));
            self.database.runtime().spawn(async move {
                loop {
                    let Err(error) = listen(&database, &shared).await;
                    shared.listens.store(false, Ordering::Relaxed);
                    tracing::debug!(%error, "cannot listen for notifications of the feed; connecting again");
                    sleep(RECONNECT_AFTER).await;
                }
            })
        });
    }

    /// Closes the connection. Later waits only end by their time.
    pub(crate) fn stop(&self) {
        if let Some(task) = &*self.task.lock().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

#[async_trait]
impl FeedWakeUp for PostgresFeedWakeUp {
    async fn wait(&self, most: Duration) {
        self.start();
        let most = if self.shared.listens.load(Ordering::Relaxed) { most } else { most.min(POLL) };
        let _ = timeout(most, self.shared.notified.notified()).await;
    }
}

impl Drop for PostgresFeedWakeUp {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Listens until the connection breaks.
async fn listen(database: &Database, shared: &Shared) -> Result<Infallible, sqlx::Error> {
    let pool = database.listening_pool();
    let mut listener = timeout(database.timeout(), async {
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(FEED_CHANNEL).await?;
        Ok::<_, sqlx::Error>(listener)
    })
    .await
    .map_err(|_elapsed| sqlx::Error::PoolTimedOut)??;
    shared.listens.store(true, Ordering::Relaxed);
    // Events may have got positions before the connection listened.
    shared.notified.notify_one();
    while listener.try_recv().await?.is_some() {
        shared.notified.notify_one();
    }
    Err(sqlx::Error::PoolClosed)
}
