//! What is written by programs and committed: the documents that the program prints about itself (`docs/generated`), so
//! that a diff shows changes, and the tables of the files of the web console and of the page of the API.

pub(crate) mod static_site;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use clap::Args;

use crate::workspace::{Build, Workspace};

#[derive(Debug, Args)]
pub(crate) struct CodegenArgs {
    /// Write nothing; fail if what is committed differs from what would be written
    #[arg(long)]
    check: bool,
    /// Only the tables of the files of the web console and of the page of the API, for which nothing is built
    #[arg(long)]
    sites: bool,
}

/// Each document with the command that prints it.
const DOCUMENTS: [(&str, &[&str]); 3] = [
    ("docs/generated/openapi.json", &["openapi"]),
    ("docs/generated/problems.md", &["openapi", "--problems"]),
    ("docs/generated/config.md", &["config", "--reference"]),
];

/// Writes or checks the tables of the sites' files, then builds the program with them, and writes or checks the
/// documents.
pub(crate) fn run(workspace: &Workspace, args: &CodegenArgs) -> anyhow::Result<()> {
    if args.check { static_site::check(workspace) } else { static_site::write(workspace) }?;
    if args.sites {
        return Ok(());
    }
    let program = workspace.build_program(Build::Program)?;
    if args.check { check(workspace, &program) } else { write(workspace, &program) }
}

/// Compares the committed documents with what `program` prints.
///
/// # Errors
/// A line for each document that differs.
pub(crate) fn check(workspace: &Workspace, program: &Path) -> anyhow::Result<()> {
    let mut stale = Vec::new();
    for (document, args) in DOCUMENTS {
        let committed = fs::read(workspace.root().join(document)).unwrap_or_default();
        if committed != print(program, args)? {
            stale.push(format!("{document} differs from what the program prints; run `cargo xtask codegen`"));
        }
    }
    if !stale.is_empty() {
        bail!("{}", stale.join("\n"));
    }
    Ok(())
}

fn write(workspace: &Workspace, program: &Path) -> anyhow::Result<()> {
    for (document, args) in DOCUMENTS {
        write_document(workspace, document, &print(program, args)?)?;
    }
    Ok(())
}

/// Writes a file of the workspace where its content has changed, so that nothing is compiled again in vain.
fn write_document(workspace: &Workspace, document: &str, content: &[u8]) -> anyhow::Result<()> {
    let file = workspace.root().join(document);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let changed = fs::read(&file).unwrap_or_default() != content;
    if changed {
        fs::write(&file, content).with_context(|| format!("cannot write {}", file.display()))?;
    }
    eprintln!("{document}: {}", if changed { "written" } else { "unchanged" });
    Ok(())
}

fn print(program: &Path, args: &[&str]) -> anyhow::Result<Vec<u8>> {
    let output = Command::new(program).args(args).output().context("cannot run the program")?;
    if !output.status.success() || output.stdout.is_empty() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!("undertone {} failed: {}: {}", args.join(" "), output.status, message.trim());
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    /// A program that prints its arguments, in place of `undertone`.
    const ECHO: &str = "/bin/echo";

    #[test]
    fn a_stale_or_missing_document_fails_the_check_with_its_name_and_the_fix() {
        let folder = tempfile::tempdir().unwrap();
        let (workspace, program) = (Workspace::at(folder.path()), Path::new(ECHO));
        let missing = check(&workspace, program).unwrap_err().to_string();
        assert_eq!(missing.lines().count(), DOCUMENTS.len(), "{missing}");

        write(&workspace, program).unwrap();
        assert!(check(&workspace, program).is_ok());
        let written = fs::read_to_string(folder.path().join("docs/generated/problems.md")).unwrap();
        assert_eq!(written, "openapi --problems\n");

        fs::write(folder.path().join("docs/generated/config.md"), "old").unwrap();
        let stale = check(&workspace, program).unwrap_err().to_string();
        assert_eq!(
            stale,
            "docs/generated/config.md differs from what the program prints; run `cargo xtask codegen`"
        );
    }

    #[test]
    fn a_program_that_fails_is_an_error_with_its_message() {
        let error = print(Path::new("/bin/sh"), &["-c", "echo broken >&2; exit 3"]).unwrap_err().to_string();
        assert!(error.contains("broken") && error.contains('3'), "{error}");
    }
}
