//! The command line: arguments, output, progress and exit codes.
//!
//! This crate knows no configuration file, no store, no model runtime and no HTTP server. What its commands need comes
//! from a [`Program`], which the composition root implements. Start reading at [`run`], then `arguments.rs`, which
//! names every command and flag; each command is one file in `commands`.

#![forbid(unsafe_code)]
#![cfg_attr(test, expect(clippy::expect_used, reason = "a test may panic"))]

mod administration;
mod arguments;
mod banner;
mod commands;
mod event_line;
mod failure;
mod finding;
mod program;
mod request_line;
mod screen;
mod table;
mod terminal;
mod times;

use std::process::ExitCode;

use application::action::chain;
use clap::Parser;
use console::Style;

pub use administration::Administration;
pub use banner::{Banner, Fact, ready_lines};
pub use event_line::{EventLine, LineLevel};
pub use failure::Failure;
pub use finding::{Finding, Verdict};
pub use program::{Opened, Overrides, Program, SchemaUse};
pub use request_line::RequestLine;
pub use screen::{Screen, moment, time_of_day};
pub use terminal::{AboveBars, Terminal};

/// Parses the process's arguments and runs the command that they name with `P`.
///
/// A failure is printed to standard error as one line with its chain of causes.
pub async fn run<P: Program>() -> ExitCode {
    match commands::run::<P>(arguments::Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let name = Screen::of_standard_error().paint(&Style::new().red().bold(), "undertone:");
            eprintln!("{name} {}", chain(failure.error()));
            failure.exit_code()
        }
    }
}
