//! Undertone: the program.
//!
//! This crate holds the configuration, the composition root and the command line, and nothing else: every rule
//! is in `domain`, every step in `application`, every technology in an `infra-*` crate or in `http-actix`. Start
//! reading at [`container`], the only place where concrete adapters are named.

#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    expect(clippy::unwrap_used, clippy::expect_used, clippy::result_large_err, reason = "a test may panic")
)]

mod commands;
mod config;
mod container;
mod download_bar;
mod model_folder;
mod model_source;
mod server;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

use crate::commands::Cli;

fn main() -> ExitCode {
    match commands::run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // One line, whole chain: it is all that a user sees of a start that failed.
            eprintln!("undertone: {:#}", failure.error);
            ExitCode::from(failure.exit_code)
        }
    }
}
