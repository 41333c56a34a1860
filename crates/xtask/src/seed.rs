//! A store filled with made-up predictions: the example `seed` of `app`, which writes through the stores themselves.
//!
//! It is a program of its own because only `app` may name the stores; this crate goes without a database driver.

use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;

use crate::workspace::{Build, Workspace};

#[derive(Debug, Args)]
pub(crate) struct SeedArgs {
    /// How many predictions are added, such as 1000000
    #[arg(long)]
    rows: u64,
    /// The store: sqlite:FILE or postgres://…; its schema is brought up first
    #[arg(long, value_name = "URL")]
    store: String,
    /// How many days before now their times span
    #[arg(long, default_value_t = 90)]
    days: u32,
    /// Where the random numbers start: the same rows for the same number, but for their times
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Builds the example as it is shipped and runs it.
pub(crate) fn run(workspace: &Workspace, args: &SeedArgs) -> anyhow::Result<()> {
    let program = workspace.build_program(Build::Seed)?;
    let status = Command::new(program).args(arguments(args)).status().context("seed cannot be run")?;
    ensure!(status.success(), "seed gave {status}");
    Ok(())
}

impl SeedArgs {
    /// So many rows in the store at an address, and the usual for everything else.
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
