//! Background maintenance, so that the files contain neither deleted data nor more log than they need.
//!
//! `secure_delete` overwrites deleted rows at once, but older pages remain in the write-ahead log and in the file
//! until a checkpoint, and FTS5 only marks the terms of a deleted text until the segments that hold them are merged
//! (its own `secure-delete` has no effect on tables without content). So, some time after a deletion, the segments are
//! merged and the log is moved into the file and truncated. A log that has grown beyond its bound is truncated as well.

use std::sync::Arc;
use std::time::{Duration, Instant};

use application::action::chain;
use application::ports::StoreError;
use async_trait::async_trait;
use sqlx::SqliteConnection;
use tokio::task::JoinHandle;

use crate::error::CallError;
use crate::pool::Database;
use crate::readers::Readers;
use crate::writer::{WriteJob, Writer};

/// The maintenance task.
pub(crate) struct Upkeep {
    task: JoinHandle<()>,
}

/// The interval between two checks of what is due.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The pause before a log that a reader holds is truncated again.
const TRUNCATE_RETRY: Duration = Duration::from_secs(10);

/// The pages that one transaction of a merge writes, so that write sets are applied in between.
const MERGE_PAGES: i32 = 64;

/// The ratio of the pause after a merge transaction to its duration: a merge takes at most a fifth of the writer's
/// time.
const PAUSE_FACTOR: u32 = 4;

impl Upkeep {
    /// Starts the task, if this store writes a file.
    pub(crate) fn start(
        database: Database,
        writer: Arc<Writer>,
        lists: Readers,
        purge_interval: Duration,
    ) -> Option<Self> {
        let has_log = database.has_log();
        let maintenance = Maintenance::new(database, writer, lists, purge_interval);
        has_log.then(|| Self { task: tokio::spawn(maintenance.run()) })
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Maintenance {
    database: Database,
    writer: Arc<Writer>,
    lists: Readers,
    purge_interval: Duration,
    /// Whether the files may contain deleted data; at start that is unknown.
    stale: bool,
    purge_at: Instant,
    truncate_at: Instant,
    pause_at: Instant,
}

impl Maintenance {
    fn new(database: Database, writer: Arc<Writer>, lists: Readers, purge_interval: Duration) -> Self {
        let now = Instant::now();
        let (purge_at, truncate_at, pause_at) = (now, now, now);
        Self { database, writer, lists, purge_interval, stale: true, purge_at, truncate_at, pause_at }
    }

    async fn run(mut self) {
        let every = CHECK_INTERVAL.min(self.purge_interval);
        loop {
            tokio::time::sleep(every).await;
            if let Err(error) = self.run_due().await {
                tracing::warn!(
                    error = chain(&error),
                    "cannot purge deleted data from the store's files; trying again"
                );
            }
        }
    }

    /// Does what is due.
    async fn run_due(&mut self) -> Result<(), StoreError> {
        let now = Instant::now();
        self.stale |= self.writer.activity().take_deleted();
        if self.stale && now >= self.purge_at {
            self.purge_at = now + self.purge_interval;
            self.merge_terms().await?;
            self.stale = !self.truncate_log().await?;
        } else if now >= self.truncate_at && self.is_log_too_large() && !self.truncate_log().await? {
            self.truncate_at = Instant::now() + TRUNCATE_RETRY.min(self.purge_interval);
        }
        Ok(())
    }

    /// Removes the terms of deleted texts from their index.
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

    /// Moves the log into the file and truncates it; returns whether no reader prevented that.
    async fn truncate_log(&mut self) -> Result<bool, StoreError> {
        if self.writer.truncate_log().await? {
            return Ok(true);
        }
        if Instant::now() < self.pause_at {
            return Ok(false);
        }
        // Overlapping lists would hold the log forever: new ones wait until the running ones have ended.
        let paused = self.lists.pause().await;
        let truncated = self.writer.truncate_log().await?;
        drop(paused);
        if !truncated {
            // Lists are not the cause, so they are not paused again soon.
            self.pause_at = Instant::now() + self.purge_interval;
            if self.is_log_too_large() {
                tracing::warn!(
                    "another program is reading the store; its write-ahead log grows until that ends"
                );
            }
        }
        Ok(truncated)
    }

    fn is_log_too_large(&self) -> bool {
        self.database.disk_use().log > self.database.max_log_bytes()
    }
}

/// A step of merging the segments of the index of terms, which drops those of deleted rows. Returns whether there may
/// be more to merge.
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

    async fn write(&self, connection: &mut SqliteConnection) -> Result<bool, CallError> {
        // A negative number of pages starts merging all segments, a positive one continues that.
        let pages = match self {
            Self::First if !has_marks(connection).await? => return Ok(false),
            Self::First => -MERGE_PAGES,
            Self::Next => MERGE_PAGES,
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
