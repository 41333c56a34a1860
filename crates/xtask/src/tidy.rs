//! Rules about the project's files that no lint checks, one module a rule.

mod actions;
mod attributes;
mod comments;
mod import_cycles;
mod imports;
mod markdown;
mod migrations;
mod names;
mod source;
mod words;

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use crate::tidy::source::Source;
use crate::workspace::Workspace;

/// Checks every rule.
///
/// # Errors
/// When a file breaks a rule: a line for each place, with what to do.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let files = read_files(workspace.root())?;
    let mut faults = Vec::new();
    let mut sources = Vec::new();
    for (file, text) in &files {
        if has_extension(file, "rs") {
            sources.push(Source::parse(file, text)?);
        } else {
            faults.extend(markdown::faults(file, text));
        }
        faults.extend(words::faults(file, text));
    }
    for source in &sources {
        faults.extend(names::faults(source));
        faults.extend(comments::faults(source));
        faults.extend(attributes::faults(source)?);
        faults.extend(actions::faults(source));
    }
    faults.extend(import_cycles::faults(&sources));
    faults.extend(migrations::faults(workspace.root())?);
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    eprintln!("tidy: {} files follow the rules", files.len());
    Ok(())
}

/// Reads the Rust and Markdown files: each one's path from the root, and its text.
fn read_files(root: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            if path.is_dir() {
                // Beside these there are build folders and whatever else a checkout has.
                let has_sources = folder != root || ["crates", "docs", "models"].contains(&name.as_str());
                folders.extend(has_sources.then_some(path));
            } else if has_extension(&name, "rs") || has_extension(&name, "md") {
                let text = fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
                files.push((name, text));
            }
        }
    }
    files.sort();
    Ok(files)
}

fn has_extension(file: &str, extension: &str) -> bool {
    Path::new(file).extension().is_some_and(|of_file| of_file == extension)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn a_fault_in_any_file_fails_with_the_file_and_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let nested = folder.path().join("crates/domain/src/policies");
        fs::create_dir_all(&nested).unwrap();
        fs::write(nested.join("softmax.rs"), "\n#[ignore]\nfn f() {}\n").unwrap();
        fs::write(folder.path().join("README.md"), "One. Two.").unwrap();
        let error = run(&Workspace::at(folder.path())).unwrap_err().to_string();
        assert!(error.contains("crates/domain/src/policies/softmax.rs:2: "), "{error}");
        assert!(error.contains("README.md:1: "), "{error}");
    }
}
