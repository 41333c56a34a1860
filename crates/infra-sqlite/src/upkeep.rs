//! What is done beside the requests, so that the files hold neither what was deleted nor more log than they need.
//!
//! `secure_delete` overwrites deleted rows at once, but older pages live on in the write-ahead log and in the file
//! until a checkpoint, and FTS5 only marks the terms of a deleted text until the segments that hold them are merged
//! (its own `secure-delete` has no effect on tables without content). So, some time after a deletion, the segments are
//! merged and the log is moved into the file and cut. A log that has grown beyond its bound is cut as well.

use std::sync::Arc;
use std::time::{Duration, Instant};

use application::action::chain;
use application::ports::StoreError;
use async_trait::async_trait;
use sqlx::SqliteConnection;
use tokio::task::JoinHandle;

use crate::error::WriteError;
use crate::pool::Database;
use crate::readers::Readers;
use crate::writer::{WriteJob, Writer};

/// The task that does it.
pub(crate) struct Upkeep {
    task: JoinHandle<()>,
}

/// How often the size of the log is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The pause before a log that a reader holds is tried to be cut again.
const CUT_AGAIN: Duration = Duration::from_secs(10);

/// The pages that one transaction of a merge writes, so that write sets get their turn between.
const MERGED_AT_ONCE: i32 = 64;

/// How much longer than a transaction of a merge the pause after it is: a merge takes a fifth of the writer at most.
const PAUSE_FACTOR: u32 = 4;

impl Upkeep {
    /// Starts the task, if there is a file that this store writes.
    pub(crate) fn start(
        database: Database,
        writer: Arc<Writer>,
        lists: Readers,
        purge_interval: Duration,
    ) -> Option<Self> {
        let has_log = database.has_log();
        let keeper = Keeper::new(database, writer, lists, purge_interval);
        has_log.then(|| Self { task: tokio::spawn(keeper.run()) })
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Keeper {
    database: Database,
    writer: Arc<Writer>,
    lists: Readers,
    purge_interval: Duration,
    /// Whether the files may hold what was deleted. It is not known of those of an earlier process.
    stale: bool,
    purge_at: Instant,
    cut_at: Instant,
    pause_at: Instant,
}

impl Keeper {
    fn new(database: Database, writer: Arc<Writer>, lists: Readers, purge_interval: Duration) -> Self {
        let now = Instant::now();
        let (purge_at, cut_at, pause_at) = (now, now, now);
        Self { database, writer, lists, purge_interval, stale: true, purge_at, cut_at, pause_at }
    }

    async fn run(mut self) {
        let every = LOOK_EVERY.min(self.purge_interval);
        loop {
            tokio::time::sleep(every).await;
            if let Err(error) = self.look().await {
                tracing::warn!(
                    error = chain(&error),
                    "what was deleted is not purged from the store's files yet"
                );
            }
        }
    }

    /// Does what is due.
    async fn look(&mut self) -> Result<(), StoreError> {
        let now = Instant::now();
        self.stale |= self.writer.activity().take_deleted();
        if self.stale && now >= self.purge_at {
            self.purge_at = now + self.purge_interval;
            self.merge_terms().await?;
            self.stale = !self.cut_log().await?;
        } else if now >= self.cut_at && self.is_log_too_large() && !self.cut_log().await? {
            self.cut_at = Instant::now() + CUT_AGAIN.min(self.purge_interval);
        }
        Ok(())
    }

    /// Removes the terms of what was deleted from their index.
    async fn merge_terms(&self) -> Result<(), StoreError> {
        let mut step = MergeTerms::First;
        loop {
            let start = Instant::now();
            if !self.writer.run(step).await? {
                return Ok(());
            }
            step = MergeTerms::Next;
            tokio::time::sleep(start.elapsed() * PAUSE_FACTOR).await;
        }
    }

    /// Moves the log into the file and cuts it to nothing; reports whether no reader was in the way.
    async fn cut_log(&mut self) -> Result<bool, StoreError> {
        if self.writer.cut_log().await? {
            return Ok(true);
        }
        if Instant::now() < self.pause_at {
            return Ok(false);
        }
        // Lists that overlap would hold the log for ever: they pause until those that run have ended.
        let paused = self.lists.pause().await;
        let cut = self.writer.cut_log().await?;
        drop(paused);
        if !cut {
            // It is not the lists, then, and they need not pause again soon.
            self.pause_at = Instant::now() + self.purge_interval;
            if self.is_log_too_large() {
                tracing::warn!(
                    "another program reads the store, whose write-ahead log grows until that ends"
                );
            }
        }
        Ok(cut)
    }

    fn is_log_too_large(&self) -> bool {
        self.database.disk_use().log > self.database.max_log_bytes()
    }
}

/// A step of merging the segments of the index of terms, which leaves out those of deleted rows. The answer is whether
/// there may be more to merge.
#[derive(Debug, Clone, Copy)]
enum MergeTerms {
    /// Begins, if rows are marked as deleted.
    First,
    Next,
}

#[async_trait]
impl WriteJob for MergeTerms {
    type Answer = bool;
    const QUERY_TYPE: &'static str = "merge_terms";

    async fn write(&self, connection: &mut SqliteConnection) -> Result<bool, WriteError> {
        // A negative number of pages begins to merge all segments, a positive one goes on with that.
        let pages = match self {
            Self::First if !has_marks(connection).await? => return Ok(false),
            Self::First => -MERGED_AT_ONCE,
            Self::Next => MERGED_AT_ONCE,
        };
        let before = total_changes(connection).await?;
        sqlx::query("INSERT INTO prediction_terms (prediction_terms, rank) VALUES ('merge', ?1)")
            .bind(pages)
            .execute(&mut *connection)
            .await?;
        // The insertion itself counts as one change; <https://www.sqlite.org/fts5.html#the_merge_command>.
        Ok(total_changes(connection).await? - before >= 2)
    }
}

/// Whether FTS5 has marked rows as deleted: it stores the marks of a segment as blocks numbered from 2^53 on, above
/// those of all segments.
async fn has_marks(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM prediction_terms_data WHERE id >= 1 << 53)")
        .fetch_one(connection)
        .await
}

async fn total_changes(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT total_changes()").fetch_one(connection).await
}
