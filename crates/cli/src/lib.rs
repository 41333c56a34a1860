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
mod color;
mod commands;
mod event_line;
mod examples;
mod failure;
mod finding;
mod numbers;
mod printable;
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

use crate::printable::printable;

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
/// A failure is printed to standard error as one line with its chain of causes. Where only the reader of standard
/// output ended the command, such as `head`, nothing is printed and the exit code is 0.
pub async fn run<P: Program>() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    arguments.terminal.set_colors();
    match commands::run::<P>(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_closed_output() => ExitCode::SUCCESS,
        Err(failure) => {
            let name = Screen::of_standard_error().paint(&Style::new().red().bold(), "undertone:");
            // A cause may quote a file or an argument.
            let lines: Vec<_> = chain(failure.error()).lines().map(printable).collect();
            eprintln!("{name} {}", lines.join("\n"));
            failure.exit_code()
        }
    }
}
