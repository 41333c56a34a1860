use std::fs;

use anyhow::Context;
use cargo_metadata::{Metadata, TargetKind};

/// The one crate that may hold `unsafe`, block by block.
const MAY_BE_UNSAFE: &str = "infra-ml";

/// One line for each crate root that does not open with `//!`, or lacks `#![forbid(unsafe_code)]`.
pub(super) fn faults(metadata: &Metadata) -> anyhow::Result<Vec<String>> {
    let mut faults = Vec::new();
    for package in metadata.workspace_packages() {
        for target in package.targets.iter().filter(|target| is_root(&target.kind)) {
            let source = fs::read_to_string(&target.src_path).with_context(|| target.src_path.to_string())?;
            let name = target.src_path.strip_prefix(&metadata.workspace_root).unwrap_or(&target.src_path);
            faults.extend(faults_of(name.as_str(), package.name.as_str() == MAY_BE_UNSAFE, &source));
        }
    }
    Ok(faults)
}

fn is_root(kinds: &[TargetKind]) -> bool {
    kinds.iter().any(|kind| matches!(kind, TargetKind::Lib | TargetKind::Bin | TargetKind::ProcMacro))
}

fn faults_of(file: &str, may_be_unsafe: bool, source: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !source.starts_with("//!") {
        faults.push(format!(
            "{file}: a crate opens with `//!`: what it is, what it does not know, where to start"
        ));
    }
    let mut opening = source.lines().take_while(|line| opens(line));
    if !may_be_unsafe && !opening.any(|line| line.trim() == "#![forbid(unsafe_code)]") {
        faults.push(format!("{file}: the crate does not open with #![forbid(unsafe_code)]"));
    }
    faults
}

/// Whether a line still belongs to the opening of a crate: comments, empty lines and inner attributes.
fn opens(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with("//") || line.starts_with("#![")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_opens_with_its_docs_and_forbids_unsafe_code() {
        let good = "//! A crate.\n\n#![forbid(unsafe_code)]\n\nmod a;\n";
        assert_eq!(faults_of("lib.rs", false, good), Vec::<String>::new());
        let late = "//! A crate.\nmod a {\n#![forbid(unsafe_code)]\n}\n";
        assert_eq!(
            faults_of("lib.rs", false, late),
            ["lib.rs: the crate does not open with #![forbid(unsafe_code)]"]
        );
        let silent = "#![forbid(unsafe_code)]\n";
        assert_eq!(faults_of("lib.rs", false, silent).len(), 1);
    }

    #[test]
    fn the_crate_of_the_model_may_hold_unsafe_blocks() {
        assert_eq!(faults_of("lib.rs", true, "//! A crate.\nmod a;\n"), Vec::<String>::new());
    }
}
