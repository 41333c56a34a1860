//! The project's habits, as code: `cargo xtask ci`, `test`, `boundaries`, `tidy`, `codegen`, `eval`, `chaos`,
//! `fuzz-api`, `bench-engine`, `bench-http`, `bench-limits`, `bench-peers`, `seed`.
//!
//! This crate needs nothing but cargo, and what it starts beside it (a PostgreSQL for the tests, say) it stops
//! again. It knows no other crate of the workspace: it reads their manifests and sources and runs the program.
//! Start reading at [`ci`], which is every check in its order.

#![forbid(unsafe_code)]

mod apt;
mod bench;
mod bench_engine;
mod bench_http;
mod bench_limits;
mod bench_peers;
mod boundaries;
mod chaos;
mod ci;
mod codegen;
mod eval;
mod fuzz_api;
mod python;
mod seed;
mod test_run;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// The habits of the Undertone workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    habit: Habit,
}

#[derive(Debug, Subcommand)]
enum Habit {
    /// Every check, in order: what must be green before a change lands
    Ci,
    /// The tests, with a `PostgreSQL` started for them where TEST_DATABASE_URL names none
    Test(test_run::TestArgs),
    /// The dependency rule, from cargo's own metadata
    Boundaries,
    /// The rules of the sources that no lint knows
    Tidy,
    /// Write docs/generated from the program
    Codegen(codegen::CodegenArgs),
    /// Measure accuracy over HTTP beside the model card
    Eval(eval::EvalArgs),
    /// Inject faults into a deployment under load and compare what is left (needs haproxy and PostgreSQL)
    Chaos(chaos::ChaosArgs),
    /// Throw generated requests at the API (needs python3 and a package registry)
    FuzzApi(fuzz_api::FuzzApiArgs),
    /// Measure the engine alone: texts a second by size of batch
    BenchEngine(bench_engine::BenchEngineArgs),
    /// Measure the service under load: every text new, every answer kept (needs wrk)
    BenchHttp(bench_http::BenchHttpArgs),
    /// Measure what callers feel while others overload, leave, scan or stall
    BenchLimits(bench_limits::BenchLimitsArgs),
    /// Measure engine and service beside Python's (needs wrk, python3 and a package registry)
    BenchPeers(bench_peers::BenchPeersArgs),
    /// Fill a store with made-up predictions, for measurements at size
    Seed(seed::SeedArgs),
}

fn main() -> ExitCode {
    match run(&Cli::parse().habit) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(habit: &Habit) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::new()?;
    match habit {
        Habit::Ci => ci::run(&workspace),
        Habit::Test(args) => test_run::run(&workspace, &args.args),
        Habit::Boundaries => boundaries::run(&workspace).map(|()| ExitCode::SUCCESS),
        Habit::Tidy => tidy::run(&workspace).map(|()| ExitCode::SUCCESS),
        Habit::Codegen(args) => codegen::run(&workspace, args).map(|()| ExitCode::SUCCESS),
        Habit::Eval(args) => eval::run(&workspace, args),
        Habit::Chaos(args) => chaos::run(&workspace, args),
        Habit::FuzzApi(args) => fuzz_api::run(&workspace, args),
        Habit::BenchEngine(args) => bench_engine::run(&workspace, args).map(|()| ExitCode::SUCCESS),
        Habit::BenchHttp(args) => bench_http::run(&workspace, args).map(|()| ExitCode::SUCCESS),
        Habit::BenchLimits(args) => bench_limits::run(&workspace, args).map(|()| ExitCode::SUCCESS),
        Habit::BenchPeers(args) => bench_peers::run(&workspace, args).map(|()| ExitCode::SUCCESS),
        Habit::Seed(args) => seed::run(&workspace, args).map(|()| ExitCode::SUCCESS),
    }
}
