use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

/// Writes a driver's library without a driver into `folder`: every function that the Rust libraries `rlibs` need
/// returns `CUDA_ERROR_NO_DEVICE`. Returns the number of functions.
///
/// The driver's own `libcuda.so` is part of NVIDIA's driver and in no wheel; the linker needs its symbols.
///
/// # Errors
/// Without `nm` or a C compiler.
pub(super) fn build(folder: &Path, rlibs: &[PathBuf]) -> anyhow::Result<usize> {
    let mut functions = BTreeSet::new();
    for rlib in rlibs {
        let mut nm = Command::new("nm");
        let output = nm.arg("--undefined-only").arg(rlib).stderr(Stdio::null()).output();
        let output = output.context("cannot run nm: install binutils")?;
        functions.extend(driver_functions(&String::from_utf8_lossy(&output.stdout)));
    }
    ensure!(!functions.is_empty(), "no library needs CUDA's driver; was it built with the feature cuda?");
    let source = folder.join("libcuda.c");
    fs::write(&source, source_of(&functions))?;
    let library = folder.join(SONAME);
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", &format!("-Wl,-soname,{SONAME}"), "-o"]).arg(&library).arg(&source);
    let status = compiler.status().context("cannot run cc: install a C compiler")?;
    ensure!(status.success(), "cc failed: {status}");
    fs::copy(&library, folder.join("libcuda.so"))?;
    Ok(functions.len())
}

/// The name by which programs load the driver's library.
const SONAME: &str = "libcuda.so.1";

/// `CUDA_ERROR_NO_DEVICE` of `CUresult`.
const NO_DEVICE: u32 = 100;

/// Returns the functions of the driver in the output of `nm`: `cu` and an upper-case letter, unlike those of the
/// libraries above it (`cudaMalloc`, `cublasCreate_v2`).
fn driver_functions(symbols: &str) -> impl Iterator<Item = String> {
    let names = symbols.lines().filter_map(|line| line.split_whitespace().last());
    let is_driver = |name: &&str| {
        name.strip_prefix("cu").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
    };
    names.filter(is_driver).map(str::to_owned)
}

fn source_of(functions: &BTreeSet<String>) -> String {
    let mut source = String::new();
    for function in functions {
        // Writing to a string does not fail.
        let _ = writeln!(source, "int {function}(void) {{ return {NO_DEVICE}; }}");
    }
    source
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_functions_of_the_driver_are_replaced() {
        let symbols = "candle.o:\n                 U cuInit\n                 U cudaMalloc\n                 U \
                       cublasCreate_v2\n                 U cuMemAlloc_v2\n                 U curl_easy_init\n";
        let functions: BTreeSet<String> = driver_functions(symbols).collect();
        assert_eq!(functions.iter().map(String::as_str).collect::<Vec<_>>(), ["cuInit", "cuMemAlloc_v2"]);
        assert_eq!(
            source_of(&functions),
            "int cuInit(void) { return 100; }\nint cuMemAlloc_v2(void) { return 100; }\n"
        );
    }
}
