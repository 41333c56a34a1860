use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};

use super::local_cluster::{Cluster, Programs};
use super::ports::free_port;
use super::supervised::{Plan, Supervised};
use crate::apt;
use crate::workspace::environment;

/// The variable with the address that the tests read.
pub(super) const VARIABLE: &str = "TEST_DATABASE_URL";

/// The superuser of the servers that are started here.
pub(super) const USER: &str = "undertone";

/// The address of the server on `port`; clients need no password.
pub(crate) fn url(port: u16) -> String {
    format!("postgres://{USER}@127.0.0.1:{port}/postgres")
}

/// A PostgreSQL for the tests: an existing one, or one that stops when this value is dropped.
#[derive(Debug)]
pub(crate) struct Database {
    url: String,
    _server: Option<Supervised>,
}

impl Database {
    /// Returns its address.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Wraps a server that was started on a port of the loopback interface and needs no password.
    pub(super) fn started(server: Supervised, port: u16) -> Self {
        Self { url: url(port), _server: Some(server) }
    }
}

/// Returns the server of [`VARIABLE`], else starts one.
pub(super) fn provide() -> anyhow::Result<Database> {
    if let Some(url) = environment(VARIABLE).filter(|url| !url.is_empty()) {
        let url = url.into_string().ok().with_context(|| format!("{VARIABLE} is not valid Unicode"))?;
        return Ok(Database { url, _server: None });
    }
    start_new()
}

/// Starts a server: the installed one, else one in Docker, else one that is installed first (as root on Debian).
pub(crate) fn start_new() -> anyhow::Result<Database> {
    if Programs::find().is_none() && has_docker() {
        return start_in_docker();
    }
    let programs = programs().with_context(|| {
        format!(
            "the tests need a PostgreSQL: set {VARIABLE}, install PostgreSQL (its initdb on the search path), \
             or start Docker"
        )
    })?;
    Ok(Cluster::start(&programs, free_port()?)?.into_database())
}

/// Returns PostgreSQL's programs, which are installed first if they are missing (as root on Debian).
pub(crate) fn programs() -> anyhow::Result<Programs> {
    if let Some(programs) = Programs::find() {
        return Ok(programs);
    }
    ensure!(apt::is_available(), "PostgreSQL is not installed");
    apt::install("postgresql").context("cannot install PostgreSQL; install it by hand")?;
    Programs::find().context("cannot find the programs of the installed postgresql")
}

pub(super) fn has_docker() -> bool {
    let info = Command::new("docker").arg("info").stdout(Stdio::null()).stderr(Stdio::null()).status();
    info.is_ok_and(|status| status.success())
}

fn start_in_docker() -> anyhow::Result<Database> {
    let port = free_port()?;
    let name = format!("undertone-test-{}", std::process::id());
    let publish = format!("127.0.0.1:{port}:5432");
    let mut command = Command::new("docker");
    command.args(["run", "--rm", "--name", &name, "--publish", &publish]);
    command.args(["--env", &format!("POSTGRES_USER={USER}")]);
    command.args(["--env", "POSTGRES_DB=postgres", "--env", "POSTGRES_HOST_AUTH_METHOD=trust"]);
    command.args(["postgres:15", "-c", "max_connections=400"]);
    // Over TCP: the image's set-up runs a server of its own first, which listens on a socket file only.
    let mut ready = Command::new("docker");
    ready.args(["exec", &name, "pg_isready", "--host", "127.0.0.1"]);
    let folder = tempfile::Builder::new().prefix("undertone-test-").tempdir()?;
    let mut server =
        Supervised::start(Plan { command, folder, stop: format!("docker stop --time 10 {name}") })?;
    // The first run fetches the image.
    server.wait_until_ready(ready, Duration::from_mins(10))?;
    Ok(Database::started(server, port))
}
