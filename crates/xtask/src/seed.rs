//! Fills a store with generated predictions, with the example `seed` of `app`.
//!
//! It is a separate program because it writes through the store adapters, which only `app` may depend on.

use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;

use crate::workspace::{Build, Workspace};

#[derive(Debug, Args)]
pub(crate) struct SeedArgs {
    /// How many predictions to add, such as 1000000
    #[arg(long)]
    rows: u64,
    /// The store: sqlite:FILE or postgres://…; its schema is migrated first
    #[arg(long, value_name = "URL")]
    store: String,
    /// Over how many days before now to distribute their times
    #[arg(long, default_value_t = 90)]
    days: u32,
    /// Seed of the random numbers: the same seed gives the same rows except for their times
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Builds the example in the release profile and runs it.
pub(crate) fn run(workspace: &Workspace, args: &SeedArgs) -> anyhow::Result<()> {
    run_built(workspace, Build::Seed, args)
}

/// Builds the example as `build` says and runs it.
pub(crate) fn run_built(workspace: &Workspace, build: Build, args: &SeedArgs) -> anyhow::Result<()> {
    let program = workspace.build_program(build)?;
    let status = Command::new(program).args(arguments(args)).status().context("cannot run seed")?;
    ensure!(status.success(), "seed failed: {status}");
    Ok(())
}

impl SeedArgs {
    /// The arguments that add `rows` rows to `store`, with defaults for everything else.
    pub(crate) fn rows_in(rows: u64, store: String) -> Self {
        Self { rows, store, days: 90, seed: 1 }
    }
}

fn arguments(args: &SeedArgs) -> Vec<String> {
    let SeedArgs { rows, store, days, seed } = args;
    vec![
        format!("--rows={rows}"),
        format!("--store={store}"),
        format!("--days={days}"),
        format!("--seed={seed}"),
    ]
}
