//! Measures what reads the history at size and what follows it: exports, trends, the feed of events, and what they cost
//! a prediction. Start reading at [`run`]; each subcommand is a file of its own. `docs/benchmarks.md` explains what is
//! measured.

mod export;
mod feed;
mod path;
mod trends;

use clap::{Args, Subcommand};

use crate::workspace::Workspace;

#[derive(Debug, Args)]
pub(crate) struct BenchAnalyticsArgs {
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Debug, Subcommand)]
enum Subject {
    /// Trends over 90 days by hour, with 5.2 million rollups (needs sqlite3 or psql)
    Trends(trends::TrendsArgs),
    /// The feed of events: readers over two replicas that are restarted in turn, and the memory of a stalled reader
    Feed(feed::FeedArgs),
    /// Exports of the whole history: their speed, their memory, and a writer beside them
    Export(export::ExportArgs),
    /// What feed and counts cost a prediction in CPU time, beside an earlier release (needs wrk)
    Path(path::PathArgs),
}

/// Measures the subject and prints a table.
pub(crate) fn run(workspace: &Workspace, args: &BenchAnalyticsArgs) -> anyhow::Result<()> {
    match &args.subject {
        Subject::Trends(args) => trends::run(workspace, args),
        Subject::Feed(args) => feed::run(workspace, args),
        Subject::Export(args) => export::run(workspace, args),
        Subject::Path(args) => path::run(workspace, args),
    }
}
