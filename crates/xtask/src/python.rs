//! Python programs that a habit needs, each set in an environment of its own below `target`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::workspace::Workspace;

/// The folder of the programs of an environment with `requirements` (the content of a requirements file), made
/// where it is not there or holds something else. Pip takes packages from where it is configured to.
pub(crate) fn environment(workspace: &Workspace, name: &str, requirements: &str) -> anyhow::Result<PathBuf> {
    let environment = workspace.target()?.join(name);
    let programs = environment.join("bin");
    // Written last: what it says is there is there wholly.
    let installed = environment.join("requirements.txt");
    if fs::read_to_string(&installed).is_ok_and(|content| content == requirements) {
        return Ok(programs);
    }
    eprintln!("xtask: installing Python packages into {}", environment.display());
    let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment).status();
    let made = made.context("python3 cannot be run: install Python with its venv module")?;
    ensure!(made.success(), "python3 -m venv gave {made}: install Python's venv module");
    let wanted = environment.join("wanted.txt");
    fs::write(&wanted, requirements)?;
    let mut pip = Command::new(programs.join("python"));
    let status = pip.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&wanted).status()?;
    ensure!(status.success(), "pip install of {requirements:?} gave {status}");
    fs::rename(&wanted, &installed)?;
    Ok(programs)
}
