//! What a habit needs and Debian has: installed for root, so that a fresh machine needs nobody's hands.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::workspace::on_path;

/// Whether packages can be asked for here.
pub(crate) fn is_here() -> bool {
    program().is_some()
}

fn program() -> Option<PathBuf> {
    on_path("apt-get").filter(|_| Path::new("/etc/debian_version").exists())
}

/// Installs a package from the distribution, without starting a service of it.
pub(crate) fn install(package: &str) -> anyhow::Result<()> {
    let apt = program().context("there is no apt-get here")?;
    eprintln!("xtask: {package} is not installed: apt-get install {package}");
    for args in [&["update"][..], &["install", "--yes", "--no-install-recommends", package]] {
        let mut command = Command::new(&apt);
        // At the run level for maintenance a package starts no service.
        command.args(["-qq"]).args(args).env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
        ensure!(status.success(), "apt-get {} gave {status}", args.join(" "));
    }
    Ok(())
}
