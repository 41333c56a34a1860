//! The project's development commands: `cargo xtask ci`, `test`, `boundaries`, `tidy`, `codegen`, `eval`, `chaos`,
//! `cuda-check`, `fuzz-api`, `console-shots`, `bench-analytics`, `bench-auth`, `bench-console`, `bench-engine`,
//! `bench-http`, `bench-idempotency`, `bench-limits`, `bench-overload`, `bench-peers`, `bench-predict`, `seed`.
//!
//! The crate depends on no other crate of the workspace: it reads their manifests and sources and runs the program.
//! It needs only cargo, and stops every server that it starts, such as a PostgreSQL for the tests.
//! Start reading at [`ci`], which runs every check in order.

#![forbid(unsafe_code)]

mod apt;
mod bench;
mod bench_analytics;
mod bench_auth;
mod bench_console;
mod bench_engine;
mod bench_http;
mod bench_idempotency;
mod bench_limits;
mod bench_overload;
mod bench_peers;
mod bench_predict;
mod boundaries;
mod chaos;
mod ci;
mod codegen;
mod console;
mod console_shots;
mod cuda_check;
mod digest;
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

/// Development commands of the Undertone workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run every check that must pass before a change lands, in order
    Ci,
    /// Run the tests, with a PostgreSQL and a browser started for them unless TEST_DATABASE_URL and TEST_WEBDRIVER_URL
    /// are set
    Test(test_run::TestArgs),
    /// Check the dependency rule, read from cargo's metadata
    Boundaries,
    /// Check the rules about the project's files that no lint checks
    Tidy,
    /// Write docs/generated from the program's output, and the table of the web console's files
    Codegen(codegen::CodegenArgs),
    /// Measure a running server's accuracy and compare it with the model card
    Eval(eval::EvalArgs),
    /// Inject faults into a deployment under load and verify what it stored (needs HAProxy and PostgreSQL)
    Chaos(chaos::ChaosArgs),
    /// Build the program with CUDA and start it without a GPU (needs python3 and a package registry)
    CudaCheck(cuda_check::CudaCheckArgs),
    /// Send generated requests to the API (needs python3 and a package registry)
    FuzzApi(fuzz_api::FuzzApiArgs),
    /// Measure what reads the history at size
    BenchAnalytics(bench_analytics::BenchAnalyticsArgs),
    /// Write pictures of the console's pages to docs/images (needs Chromium and its driver)
    ConsoleShots(console_shots::ConsoleShotsArgs),
    /// Measure what authentication costs a prediction in CPU time (needs wrk)
    BenchAuth(bench_auth::BenchAuthArgs),
    /// Measure the console in a browser (needs Chromium and its driver)
    BenchConsole(bench_console::BenchConsoleArgs),
    /// Measure the engine alone: texts per second by batch size
    BenchEngine(bench_engine::BenchEngineArgs),
    /// Measure the service under load: every text new, every prediction stored (needs wrk)
    BenchHttp(bench_http::BenchHttpArgs),
    /// Measure what idempotency keys cost a prediction in CPU time (needs wrk)
    BenchIdempotency(bench_idempotency::BenchIdempotencyArgs),
    /// Measure what clients experience while others overload, disconnect, scan or stall
    BenchLimits(bench_limits::BenchLimitsArgs),
    /// Measure the service at three times its capacity, beside a tenant over its limits, and how exact limits are
    BenchOverload(bench_overload::BenchOverloadArgs),
    /// Measure engine and service beside Python's (needs wrk, python3 and a package registry)
    BenchPeers(bench_peers::BenchPeersArgs),
    /// Measure `undertone predict` with a file beside the engine alone
    BenchPredict(bench_predict::BenchPredictArgs),
    /// Fill a store with generated predictions, for measurements at size
    Seed(seed::SeedArgs),
}

fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::new()?;
    match command {
        Command::Ci => ci::run(&workspace),
        Command::Test(args) => test_run::run(&workspace, args),
        Command::Boundaries => boundaries::run(&workspace).map(|()| ExitCode::SUCCESS),
        Command::Tidy => tidy::run(&workspace).map(|()| ExitCode::SUCCESS),
        Command::Codegen(args) => codegen::run(&workspace, args).map(|()| ExitCode::SUCCESS),
        Command::Eval(args) => eval::run(&workspace, args),
        Command::Chaos(args) => chaos::run(&workspace, args),
        Command::CudaCheck(args) => cuda_check::run(&workspace, args),
        Command::FuzzApi(args) => fuzz_api::run(&workspace, args),
        Command::BenchAnalytics(args) => bench_analytics::run(&workspace, args).map(|()| ExitCode::SUCCESS),
        Command::BenchAuth(args) => bench_auth::run(&workspace, args).map(|()| ExitCode::SUCCESS),
        Command::ConsoleShots(args) => console_shots::run(&workspace, args).map(|()| ExitCode::SUCCESS),
        Command::BenchConsole(args) => bench_console::run(&workspace, args).map(|()| ExitCode::SUCCESS),
        Command::BenchEngine(args) => bench_engine::run(&workspace, args).map(|()| ExitCode::SUCCESS),
        Command::BenchHttp(args) => bench_http::run(&workspace, args).map(|()| ExitCode::SUCCESS),
        Command::BenchIdempotency(args) => {
            bench_idempotency::run(&workspace, args).map(|()| ExitCode::SUCCESS)
        }
        Command::BenchLimits(args) => bench_limits::run(&workspace, args).map(|()| ExitCode::SUCCESS),
        Command::BenchOverload(args) => bench_overload::run(&workspace, args).map(|()| ExitCode::SUCCESS),
        Command::BenchPeers(args) => bench_peers::run(&workspace, args).map(|()| ExitCode::SUCCESS),
        Command::BenchPredict(args) => bench_predict::run(&workspace, args).map(|()| ExitCode::SUCCESS),
        Command::Seed(args) => seed::run(&workspace, args).map(|()| ExitCode::SUCCESS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_command_for_tests_can_leave_tests_out() {
        assert!(Cli::try_parse_from(["xtask", "test", "--without", "browser"]).is_ok());
        assert!(Cli::try_parse_from(["xtask", "ci", "--without", "browser"]).is_err());
        assert!(Cli::try_parse_from(["xtask", "test", "--without", "database"]).is_err());
    }
}
