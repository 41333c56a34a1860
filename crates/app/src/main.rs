//! Undertone: the program.
//!
//! This crate holds the configuration, the composition root and the life of the server, and nothing else: every rule
//! is in `domain`, every step in `application`, every technology in an `infra-*` crate or in `http-actix`, every
//! command in `cli`. Start reading at [`container`], the only place where concrete adapters are named.

#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    expect(clippy::unwrap_used, clippy::expect_used, clippy::result_large_err, reason = "a test may panic")
)]

mod config;
mod container;
mod doctor;
mod health_probe;
mod program;
mod server;
mod telemetry;

use std::process::ExitCode;

use anyhow::Context;
use tokio::runtime;

use crate::program::Undertone;

fn main() -> anyhow::Result<ExitCode> {
    infra_ml::limit_threads();
    // The store lives on this runtime, apart from those of actix's workers, which end before it.
    let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.context("cannot start the runtime")?;
    let exit_code = runtime.block_on(cli::run::<Undertone>());
    // A thread that still blocks, such as in a name's resolution, must not delay the end of the process.
    runtime.shutdown_background();
    Ok(exit_code)
}
