//! Installs Debian packages that a command needs, if it runs as root on Debian.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::workspace::on_path;

/// Whether this machine has Debian's package manager.
pub(crate) fn is_available() -> bool {
    program().is_some()
}

fn program() -> Option<PathBuf> {
    on_path("apt-get").filter(|_| Path::new("/etc/debian_version").exists())
}

/// Installs a package from the distribution, without starting its services.
pub(crate) fn install(package: &str) -> anyhow::Result<()> {
    let apt = program().context("this machine has no apt-get")?;
    eprintln!("xtask: {package} is not installed: apt-get install {package}");
    for args in [&["update"][..], &["install", "--yes", "--no-install-recommends", package]] {
        let mut command = Command::new(&apt);
        // In the run level for maintenance a package starts no service.
        command.args(["-qq"]).args(args).env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
        ensure!(status.success(), "apt-get {} failed: {status}", args.join(" "));
    }
    Ok(())
}
