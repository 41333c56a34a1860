//! Python environments for the commands that need some, below `target`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::workspace::Workspace;

/// Creates the environment `name` with `requirements` (the content of a requirements file), unless it exists with the
/// same content, and returns the folder of its programs. Pip uses the package indexes that it is configured with.
pub(crate) fn environment(workspace: &Workspace, name: &str, requirements: &str) -> anyhow::Result<PathBuf> {
    let environment = workspace.target()?.join(name);
    let programs = environment.join("bin");
    // Written last: if it exists, the environment is complete.
    let installed = environment.join("requirements.txt");
    if fs::read_to_string(&installed).is_ok_and(|content| content == requirements) {
        return Ok(programs);
    }
    eprintln!("xtask: installing Python packages into {}", environment.display());
    let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment).status();
    let made = made.context("cannot run python3: install Python with its venv module")?;
    ensure!(made.success(), "python3 -m venv failed: {made}; install Python's venv module");
    let pending = environment.join("pending.txt");
    fs::write(&pending, requirements)?;
    let mut pip = Command::new(programs.join("python"));
    let status = pip.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&pending).status()?;
    ensure!(status.success(), "pip install of {requirements:?} failed: {status}");
    fs::rename(&pending, &installed)?;
    Ok(programs)
}
