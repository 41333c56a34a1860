mod administer;
pub(crate) mod analytics;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod healthcheck;
pub(crate) mod keys;
mod limits;
pub(crate) mod migrate;
mod models;
pub(crate) mod openapi;
pub(crate) mod predict;
pub(crate) mod tenants;

use std::io::{self, Write as _};

use crate::arguments::{Arguments, Command};
use crate::failure::{Failure, output_error};
use crate::program::Program;
use crate::terminal::Terminal;

/// Runs the command that `arguments` name; `serve` where they name none.
pub(crate) async fn run<P: Program>(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { terminal: shown, settings, command } = arguments;
    let command = command.unwrap_or(Command::Serve);
    // These print what does not depend on the configuration.
    match &command {
        Command::Openapi(args) => return openapi::run::<P>(args),
        Command::Completions(args) => return completions::run(args),
        Command::Config(args) if args.reference => return print(&P::configuration_reference()),
        _ => {}
    }
    let overrides = settings.overrides();
    if let Command::Doctor(args) = &command {
        return doctor::run::<P>(&overrides, args).await;
    }
    let program = P::configure(&overrides).map_err(Failure::set_up)?;
    let terminal = match command {
        Command::Serve => Terminal::of_service(shown),
        _ => Terminal::of_command(shown),
    };
    let outcome = run_with(&program, command, &terminal).await;
    terminal.clear();
    outcome
}

async fn run_with<P: Program>(program: &P, command: Command, terminal: &Terminal) -> Result<(), Failure> {
    if !matches!(command, Command::Serve) {
        program.init_command_log(terminal).map_err(Failure::set_up)?;
    }
    match command {
        Command::Serve => program.serve(terminal).await,
        Command::Predict(args) => predict::run(program, &args, terminal).await,
        Command::Tenants(args) => tenants::run(program, args).await,
        Command::Keys(args) => keys::run(program, args).await,
        Command::Analytics(args) => analytics::run(program, args).await,
        Command::Audit(args) => audit::run(program, args).await,
        Command::Export(args) => export::run(program, *args).await,
        Command::Migrate(args) => migrate::run(program, &args).await,
        Command::Models => models::run(program, terminal).await,
        Command::Config(_) => print(&program.effective_configuration()),
        // It examines configurations, too, that no program can be made of.
        Command::Doctor(_) => Ok(()),
        Command::Backup(args) => backup::run(program, &args).await,
        Command::Healthcheck(args) => healthcheck::run(program, &args).await,
        Command::Openapi(args) => openapi::run::<P>(&args),
        Command::Completions(args) => completions::run(&args),
    }
}

/// Writes `text` to standard output.
fn print(text: &str) -> Result<(), Failure> {
    Ok(io::stdout().write_all(text.as_bytes()).map_err(output_error)?)
}
