//! The command line: one file a subcommand.

mod backup;
mod healthcheck;
mod migrate;
mod models;
mod openapi;
mod predict;
mod serve;
mod show_config;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{Settings, Sources};
use crate::telemetry::init_command_log;

/// A self-hosted sentiment service: fast answers, every one kept.
#[derive(Debug, Parser)]
#[command(name = "undertone", version, about)]
pub(crate) struct Cli {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Settings as flags; they beat the environment and the file.
#[derive(Debug, Args)]
struct Flags {
    /// A configuration file in place of ./undertone.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The address to listen on (server.host)
    #[arg(long, global = true)]
    host: Option<String>,
    /// The port to listen on (server.port)
    #[arg(long, global = true)]
    port: Option<u16>,
    /// Where answers are kept (store.url): sqlite:FILE or postgres://…
    #[arg(long, global = true, value_name = "URL")]
    store: Option<String>,
    /// The model (model.path): a folder, its name under models/, or org/name@revision on the Hugging Face hub (without @revision: main)
    #[arg(long, global = true, value_name = "MODEL")]
    model: Option<String>,
    /// The arithmetic (model.precision)
    #[arg(long, global = true)]
    precision: Option<String>,
    /// Where the model runs (model.device): auto, cpu or cuda:N
    #[arg(long, global = true)]
    device: Option<String>,
    /// Any other setting
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API (the default)
    Serve,
    /// Judge a text, standard input or a file, without a server
    Predict(Box<predict::PredictArgs>),
    /// Bring the store's schema up or down
    Migrate(migrate::MigrateArgs),
    /// Load the models and tell what they are
    Models,
    /// Print the effective configuration, secrets blind
    Config(show_config::ConfigArgs),
    /// Copy the SQLite database into a file while it is in use
    Backup(backup::BackupArgs),
    /// Ask a running server whether it is ready; exit code 0 if so, 1 if not
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Print the OpenAPI document
    Openapi(openapi::OpenapiArgs),
}

/// A failure and the exit code it stands for.
pub(crate) struct Failure {
    pub(crate) exit_code: u8,
    pub(crate) error: anyhow::Error,
}

impl Failure {
    /// What was set up wrongly: configuration, model or store (exit code 2).
    pub(crate) fn set_up(error: anyhow::Error) -> Self {
        Self { exit_code: 2, error }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { exit_code: 1, error }
    }
}

/// Runs the subcommand.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    // These print what the program is, whatever its configuration.
    match &cli.command {
        Some(Command::Openapi(args)) => return Ok(openapi::run(args)?),
        Some(Command::Config(args)) if args.reference => return Ok(show_config::print_reference()?),
        _ => {}
    }
    let settings = Settings::load(&cli.flags.sources().map_err(Failure::set_up)?).map_err(Failure::set_up)?;
    let command = cli.command.unwrap_or(Command::Serve);
    // The service has a log of its own.
    if !matches!(command, Command::Serve) {
        init_command_log(&settings.log).map_err(Failure::set_up)?;
    }
    match command {
        Command::Serve => serve::run(&settings),
        Command::Predict(args) => predict::run(&settings, &args),
        Command::Migrate(args) => migrate::run(&settings, &args),
        Command::Models => models::run(&settings),
        Command::Config(_) => Ok(show_config::print_effective(&settings)?),
        Command::Backup(args) => backup::run(&settings, &args),
        Command::Healthcheck(args) => Ok(healthcheck::run(&settings, &args)?),
        Command::Openapi(args) => Ok(openapi::run(&args)?),
    }
}

impl Flags {
    fn sources(&self) -> anyhow::Result<Sources> {
        let mut flags = Vec::new();
        let port = self.port.map(|port| port.to_string());
        for (key, value) in [
            ("server.host", &self.host),
            ("server.port", &port),
            ("store.url", &self.store),
            ("model.path", &self.model),
            ("model.precision", &self.precision),
            ("model.device", &self.device),
        ] {
            flags.extend(value.clone().map(|value| (key.to_owned(), value)));
        }
        for pair in &self.set {
            let (key, value) = pair
                .split_once('=')
                .filter(|(key, _)| key.contains('.'))
                .ok_or_else(|| anyhow::anyhow!("--set: expected section.key=value"))?;
            flags.push((key.trim().to_owned(), value.trim().to_owned()));
        }
        Ok(Sources { file: self.config.clone(), flags })
    }
}

/// Runs a command's future on a small runtime of its own. The store lives on it, apart from the runtimes of
/// actix's workers, which end before the store does.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::from(anyhow::Error::from(error)))?;
    let outcome = runtime.block_on(future);
    // What still blocks a thread, such as a name that does not resolve, must not hold up the end of the process.
    runtime.shutdown_background();
    outcome
}
