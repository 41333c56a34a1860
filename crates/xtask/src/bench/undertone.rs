//! Undertone as the server under load: the release binary with its own store.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;

use super::server::Server;
use crate::test_run::database::{self, Database};
use crate::workspace::{Build, Workspace};

#[derive(Debug, Clone, Args)]
pub(crate) struct UndertoneArgs {
    /// The store: `sqlite`, `postgres` (a temporary server) or a store's address
    #[arg(long, default_value = "sqlite")]
    pub(crate) store: String,
    /// The model's folder [default: the bundled model]
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    /// The program to measure, such as an earlier release [default: the release binary, built first]
    #[arg(long, value_name = "FILE")]
    pub(crate) program: Option<PathBuf>,
    /// A setting of the program, such as `model.precision=f32`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,
}

impl UndertoneArgs {
    /// The program with a SQLite file, the bundled model and these settings.
    pub(crate) fn with_settings(program: PathBuf, settings: &[&str]) -> Self {
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        Self { store: "sqlite".to_owned(), model: None, program: Some(program), settings }
    }

    /// Returns these arguments with another program.
    pub(crate) fn with_program(self, program: &Path) -> Self {
        Self { program: Some(program.to_owned()), ..self }
    }

    /// Returns these arguments with one more setting.
    pub(crate) fn with_setting(mut self, setting: &str) -> Self {
        self.settings.push(setting.to_owned());
        self
    }

    /// Returns the folder of the model to serve.
    pub(crate) fn model(&self, workspace: &Workspace) -> PathBuf {
        self.model.clone().unwrap_or_else(|| workspace.root().join("models/sentiment-minilm-l6"))
    }
}

/// The program, which can be started several times.
#[derive(Debug)]
pub(crate) struct Undertone {
    program: PathBuf,
    model: PathBuf,
    settings: Vec<String>,
    store: Store,
    place: PathBuf,
}

#[derive(Debug)]
enum Store {
    /// A file in the working directory of each start.
    Sqlite,
    Temporary(Database),
    At(String),
}

impl Undertone {
    /// Builds the program and starts its database.
    pub(crate) fn prepare(workspace: &Workspace, args: &UndertoneArgs) -> anyhow::Result<Self> {
        let program = match &args.program {
            Some(program) => std::path::absolute(program)?,
            None => workspace.build_program(Build::Release)?,
        };
        let store = match args.store.as_str() {
            "sqlite" => Store::Sqlite,
            "postgres" => Store::Temporary(database::start_new()?),
            address => Store::At(address.to_owned()),
        };
        let model = std::path::absolute(args.model(workspace))?;
        Ok(Self { program, model, settings: args.settings.clone(), store, place: workspace.target()? })
    }

    /// Starts it with an empty store, unless the store has an address.
    pub(crate) fn start(&self) -> anyhow::Result<Server> {
        Server::start(&self.place, |port, folder| {
            let mut command = Command::new(&self.program);
            command.args(["serve", "--host", "127.0.0.1", "--port", &port.to_string()]);
            command.arg("--model").arg(&self.model).arg("--store").arg(self.store_in(folder));
            for setting in self.settings.iter().map(String::as_str).chain(["log.format=json"]) {
                command.args(["--set", setting]);
            }
            command
        })
    }

    /// Runs a command of the program on the store of a server, and returns what it prints.
    ///
    /// # Errors
    /// A command that fails, with what it prints.
    pub(crate) fn command(&self, server: &Server, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(&self.program);
        let output = command.args(["--store", &self.store_of(server)]).args(arguments).output();
        let output = output.with_context(|| format!("cannot run {arguments:?}"))?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?} failed: {errors}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Returns the address of a server's store.
    pub(crate) fn store_of(&self, server: &Server) -> String {
        self.store_in(server.folder())
    }

    fn store_in(&self, folder: &Path) -> String {
        match &self.store {
            Store::Sqlite => format!("sqlite:{}", folder.join("undertone.db").display()),
            Store::Temporary(database) => database.url().to_owned(),
            Store::At(address) => address.clone(),
        }
    }
}
