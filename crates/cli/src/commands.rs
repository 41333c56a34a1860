pub(crate) mod backup;
pub(crate) mod config;
pub(crate) mod healthcheck;
pub(crate) mod migrate;
mod models;
pub(crate) mod openapi;
pub(crate) mod predict;

use std::io::{self, Write};

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;
use crate::program::Program;

/// Runs the command that `arguments` name; `serve` where they name none.
pub(crate) async fn run<P: Program>(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { settings, command } = arguments;
    let command = command.unwrap_or(Command::Serve);
    // These print what does not depend on the configuration.
    match &command {
        Command::Openapi(args) => return openapi::run::<P>(args),
        Command::Config(args) if args.reference => return print(&P::configuration_reference()),
        _ => {}
    }
    let program = P::configure(&settings.overrides()).map_err(Failure::set_up)?;
    if !matches!(command, Command::Serve) {
        program.init_command_log().map_err(Failure::set_up)?;
    }
    match command {
        Command::Serve => program.serve().await,
        Command::Predict(args) => predict::run(&program, &args).await,
        Command::Migrate(args) => migrate::run(&program, &args).await,
        Command::Models => models::run(&program).await,
        Command::Config(_) => print(&program.effective_configuration()),
        Command::Backup(args) => backup::run(&program, &args).await,
        Command::Healthcheck(args) => healthcheck::run(&program, &args),
        Command::Openapi(args) => openapi::run::<P>(&args),
    }
}

/// Writes `text` to standard output.
fn print(text: &str) -> Result<(), Failure> {
    Ok(io::stdout().write_all(text.as_bytes())?)
}
