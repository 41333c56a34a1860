//! The command line: arguments, output, progress and exit codes.
//!
//! This crate knows no configuration file, no store, no model runtime and no HTTP server. What its commands need comes
//! from a [`Program`], which the composition root implements. Start reading at [`run`], then `arguments.rs`, which
//! names every command and flag; each command is one file in `commands`.

#![forbid(unsafe_code)]
#![cfg_attr(test, expect(clippy::expect_used, reason = "a test may panic"))]

mod administration;
mod arguments;
mod color;
mod commands;
mod examples;
mod failure;
mod numbers;
mod printable;
mod program;
mod table;
mod terminal;
mod times;

use std::process::ExitCode;

use application::action::chain;
use clap::Parser;

use crate::printable::printable;

pub use administration::Administration;
pub use failure::Failure;
pub use program::{Opened, Overrides, Program, SchemaUse};
pub use terminal::{AboveBars, Terminal};

/// Parses the process's arguments and runs the command that they name with `P`.
///
/// A failure is printed to standard error as one line with its chain of causes. Where only the reader of standard
/// output ended the command, such as `head`, nothing is printed and the exit code is 0.
pub async fn run<P: Program>() -> ExitCode {
    match commands::run::<P>(arguments::Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_closed_output() => ExitCode::SUCCESS,
        Err(failure) => {
            // A cause may quote a file or an argument.
            eprintln!("undertone: {}", printable(&chain(failure.error())));
            failure.exit_code()
        }
    }
}
