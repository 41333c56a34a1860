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
        let keeper = Keeper { database, writer, lists, purge_interval };
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
}

impl Keeper {
    async fn run(self) {
        let every = LOOK_EVERY.min(self.purge_interval);
        let mut purge_at = Instant::now();
        // Whether files may hold what was deleted. It is not known of those of an earlier process.
        let mut stale = true;
        loop {
            tokio::time::sleep(every).await;
            stale |= self.writer.activity().take_deleted();
            let purge = stale && Instant::now() >= purge_at;
            let outcome = if purge {
                self.purge().await
            } else if self.database.disk_use().log > self.database.max_log_bytes() {
                self.cut_log().await
            } else {
                continue;
            };
            match outcome {
                Ok(done) => stale &= !(purge && done),
                Err(error) => tracing::debug!(error = chain(&error), "the store's files were not tidied"),
            }
            if purge {
                purge_at = Instant::now() + self.purge_interval;
            }
        }
    }

    /// Removes what was deleted from the index of terms, the log and the file; reports whether all of it has gone.
    async fn purge(&self) -> Result<bool, StoreError> {
        let mut step = MergeTerms::First;
        loop {
            let start = Instant::now();
            if !self.writer.run(step).await? {
                break;
            }
            step = MergeTerms::Next;
            tokio::time::sleep(start.elapsed() * PAUSE_FACTOR).await;
        }
        self.cut_log().await
    }

    /// Moves the log into the file and cuts it to nothing; reports whether no reader was in the way.
    async fn cut_log(&self) -> Result<bool, StoreError> {
        if self.writer.cut_log().await? {
            return Ok(true);
        }
        // Lists that overlap would hold the log for ever: they pause until those that run have ended.
        let paused = self.lists.pause().await;
        let cut = self.writer.cut_log().await;
        drop(paused);
        let log_bytes = self.database.disk_use().log;
        if matches!(cut, Ok(false)) && log_bytes > self.database.max_log_bytes() {
            tracing::warn!(
                log_bytes,
                "another program's reader holds the write-ahead log, which grows until it ends"
            );
        }
        cut
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
