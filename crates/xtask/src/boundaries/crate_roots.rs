use std::fs;

use anyhow::Context;
use cargo_metadata::{Metadata, TargetKind};
use syn::{Attribute, Ident};

/// The only crate that may have `unsafe` blocks.
const MAY_BE_UNSAFE: &str = "infra-ml";

/// Returns a line for each crate root that does not begin with `//!`, or lacks `#![forbid(unsafe_code)]`.
pub(super) fn faults(metadata: &Metadata) -> anyhow::Result<Vec<String>> {
    let mut faults = Vec::new();
    for package in metadata.workspace_packages() {
        for target in package.targets.iter().filter(|target| is_root(&target.kind)) {
            let source = fs::read_to_string(&target.src_path).with_context(|| target.src_path.to_string())?;
            let name = target.src_path.strip_prefix(&metadata.workspace_root).unwrap_or(&target.src_path);
            faults.extend(faults_of(name.as_str(), package.name.as_str() == MAY_BE_UNSAFE, &source)?);
        }
    }
    Ok(faults)
}

fn is_root(kinds: &[TargetKind]) -> bool {
    kinds.iter().any(|kind| matches!(kind, TargetKind::Lib | TargetKind::Bin | TargetKind::ProcMacro))
}

fn faults_of(file: &str, may_be_unsafe: bool, source: &str) -> anyhow::Result<Vec<String>> {
    let attributes = syn::parse_file(source).with_context(|| format!("cannot parse {file}"))?.attrs;
    let mut faults = Vec::new();
    if !attributes.first().is_some_and(|first| first.path().is_ident("doc")) {
        faults.push(format!(
            "{file}:1: begin the crate with `//!`: what it is, what it does not know, where to start reading"
        ));
    }
    let forbids_unsafe = |attribute: &Attribute| {
        attribute.path().is_ident("forbid")
            && attribute.parse_args::<Ident>().is_ok_and(|lint| lint == "unsafe_code")
    };
    if !may_be_unsafe && !attributes.iter().any(forbids_unsafe) {
        faults.push(format!("{file}:1: add #![forbid(unsafe_code)] below the crate's docs"));
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn a_crate_begins_with_its_docs_and_forbids_unsafe_code() {
        let good = "//! A crate.\n\n#![forbid(unsafe_code)]\n\nmod a;\n";
        assert_eq!(faults_of("lib.rs", false, good).unwrap(), Vec::<String>::new());
        let late = "//! A crate.\nmod a {\n#![forbid(unsafe_code)]\n}\n";
        assert_eq!(
            faults_of("lib.rs", false, late).unwrap(),
            ["lib.rs:1: add #![forbid(unsafe_code)] below the crate's docs"]
        );
        let silent = "#![forbid(unsafe_code)]\n";
        assert_eq!(faults_of("lib.rs", false, silent).unwrap().len(), 1);
    }

    #[test]
    fn the_crate_of_the_model_may_have_unsafe_blocks() {
        assert_eq!(faults_of("lib.rs", true, "//! A crate.\nmod a;\n").unwrap(), Vec::<String>::new());
    }
}
