use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use super::local_cluster::{self, Programs};
use super::login;
use super::supervised::{Plan, Supervised};
use crate::workspace::{environment, on_path};

/// What the tests read the address from.
pub(super) const VARIABLE: &str = "TEST_DATABASE_URL";

/// A `PostgreSQL` for the tests: somebody else's, or one that ends with this value.
#[derive(Debug)]
pub(super) struct Database {
    url: String,
    _server: Option<Supervised>,
}

impl Database {
    /// Where it is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// A server of our own on a port of the loopback, open to everyone there.
    pub(super) fn started(server: Supervised, port: u16) -> Self {
        Self { url: format!("postgres://{}@127.0.0.1:{port}/postgres", login::USER), _server: Some(server) }
    }
}

/// The server of [`VARIABLE`]; else one started from what is installed; else one in Docker; else, for root on
/// Debian, one that is installed first.
pub(super) fn provide() -> anyhow::Result<Database> {
    if let Some(url) = environment(VARIABLE).filter(|url| !url.is_empty()) {
        let url = url.into_string().ok().with_context(|| format!("{VARIABLE} is no text"))?;
        return Ok(Database { url, _server: None });
    }
    if let Some(programs) = Programs::find() {
        return local_cluster::start(&programs);
    }
    if docker_answers() {
        return start_in_docker();
    }
    if let Some(apt) = on_path("apt-get").filter(|_| Path::new("/etc/debian_version").exists()) {
        install(&apt)?;
        let programs =
            Programs::find().context("postgresql was installed, but its programs are not found")?;
        return local_cluster::start(&programs);
    }
    bail!(
        "the tests need a PostgreSQL: set {VARIABLE}, install PostgreSQL (its initdb on the search path), \
         or start Docker"
    )
}

fn docker_answers() -> bool {
    let info = Command::new("docker").arg("info").stdout(Stdio::null()).stderr(Stdio::null()).status();
    info.is_ok_and(|status| status.success())
}

fn start_in_docker() -> anyhow::Result<Database> {
    let port = login::free_port()?;
    let name = format!("undertone-test-{}", std::process::id());
    let publish = format!("127.0.0.1:{port}:5432");
    let mut command = Command::new("docker");
    command.args(["run", "--rm", "--name", &name, "--publish", &publish]);
    command.args(["--env", &format!("POSTGRES_USER={}", login::USER)]);
    command.args(["--env", "POSTGRES_DB=postgres", "--env", "POSTGRES_HOST_AUTH_METHOD=trust"]);
    command.args(["postgres:15", "-c", "max_connections=400"]);
    let folder = tempfile::Builder::new().prefix("undertone-test-").tempdir()?;
    let mut server =
        Supervised::start(Plan { command, folder, stop: format!("docker stop --time 10 {name}") })?;
    // The first run fetches the image.
    login::wait_until_open(port, &mut server, login::LONG)?;
    Ok(Database::started(server, port))
}

/// Installs the server from the distribution, without starting its own cluster.
fn install(apt: &Path) -> anyhow::Result<()> {
    eprintln!("xtask: no PostgreSQL is installed: apt-get install postgresql");
    for args in [&["update"][..], &["install", "--yes", "--no-install-recommends", "postgresql"]] {
        let mut command = Command::new(apt);
        // At the run level for maintenance the package starts no service.
        command.args(["-qq"]).args(args).env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
        if !status.success() {
            bail!(
                "apt-get {} gave {status}: as root it installs PostgreSQL for the tests; \
                 without that, install PostgreSQL or set {VARIABLE}",
                args.join(" ")
            );
        }
    }
    Ok(())
}
