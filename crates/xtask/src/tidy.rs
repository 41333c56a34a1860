//! The rules of the sources that no lint knows, one file a rule.

mod actions;
mod attributes;
mod migrations;
mod names;
mod source;

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use crate::tidy::source::Source;
use crate::workspace::Workspace;

/// Fails with one line for each fault, each with its file.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let sources = read_sources(workspace.root())?;
    let mut faults = Vec::new();
    for source in &sources {
        faults.extend(names::faults(source));
        faults.extend(attributes::faults(source)?);
        faults.extend(actions::faults(source));
    }
    faults.extend(migrations::faults(workspace.root())?);
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    eprintln!("tidy: {} sources keep the rules", sources.len());
    Ok(())
}

/// Every Rust source below `crates`, by its path from the root.
fn read_sources(root: &Path) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut folders = vec![root.join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                sources.push(Source::parse(name, text)?);
            }
        }
    }
    sources.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(sources)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn a_fault_anywhere_below_crates_fails_with_its_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let nested = folder.path().join("crates/domain/src/policies");
        fs::create_dir_all(&nested).unwrap();
        fs::write(nested.join("softmax.rs"), "\n#[ignore]\nfn f() {}\n").unwrap();
        let error = run(&Workspace::at(folder.path())).unwrap_err().to_string();
        assert!(error.contains("crates/domain/src/policies/softmax.rs:2: "), "{error}");
    }
}
