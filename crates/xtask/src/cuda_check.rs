//! Builds the program with CUDA and starts it, on a machine without a GPU, a driver or an installation of CUDA. Not
//! part of `ci`.
//!
//! The compiler and the libraries are NVIDIA's wheels for Python ([`toolkit`]). The driver's library, which comes with
//! the driver only, is a stub whose functions report that there is no device ([`stub_driver`]). This shows that the
//! kernels compile, the program links, and it starts as documented without a GPU ([`starts`]); not that the kernels
//! compute the right numbers.

mod starts;
mod stub_driver;
mod toolkit;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::Context;
use clap::Args;

use crate::workspace::{self, Workspace};
use starts::Starts;
use toolkit::Toolkit;

#[derive(Debug, Args)]
pub(crate) struct CudaCheckArgs {
    /// The compute capability to build for, without its point
    #[arg(long, default_value = "90")]
    compute_capability: String,
}

/// What was checked, and what was seen or is wrong.
#[derive(Debug)]
struct Check {
    name: &'static str,
    outcome: anyhow::Result<String>,
}

/// Builds and starts the program, and prints what was seen.
///
/// # Errors
/// When the program cannot be built; a start that is not as documented is a failing exit code.
pub(crate) fn run(workspace: &Workspace, args: &CudaCheckArgs) -> anyhow::Result<ExitCode> {
    let toolkit = Toolkit::install(workspace)?;
    let variables = toolkit.variables(&args.compute_capability)?;
    let started = Instant::now();
    let rlibs = build_libraries(workspace, &variables)?;
    let functions = stub_driver::build(&toolkit.stubs(), &rlibs)?;
    let program = build_program(workspace, &variables)?;
    let seconds = started.elapsed().as_secs();
    let built = format!(
        "{} for compute capability {}, in {seconds} s; the stub of the driver has {functions} functions",
        program.display(),
        args.compute_capability
    );
    let mut checks = vec![Check { name: "compiles and links", outcome: Ok(built) }];
    checks.extend(Starts::new(workspace, &program, &toolkit)?.check());
    Ok(report(&checks))
}

/// Builds the libraries that need the driver's functions, and returns them. The program cannot be linked yet.
fn build_libraries(workspace: &Workspace, variables: &[(&str, OsString)]) -> anyhow::Result<Vec<PathBuf>> {
    // With `app` beside it `infra-ml` gets the features that it has in the program.
    let mut cargo = workspace.cargo(&["build", "--release", "--lib", "--package", "infra-ml"]);
    cargo.args(["--package", "app", "--features", "app/cuda"]);
    let artifacts = workspace::build(with_variables(cargo, variables))?;
    let files = artifacts.into_iter().flat_map(|artifact| artifact.filenames);
    Ok(files.filter(|file| file.extension() == Some("rlib")).map(Into::into).collect())
}

fn build_program(workspace: &Workspace, variables: &[(&str, OsString)]) -> anyhow::Result<PathBuf> {
    let mut cargo = workspace.cargo(&["build", "--release", "--package", "app", "--bin", "undertone"]);
    cargo.args(["--features", "cuda"]);
    let artifacts = workspace::build(with_variables(cargo, variables))?;
    let program = artifacts.into_iter().filter_map(|artifact| artifact.executable).next_back();
    Ok(program.context("the build produced no program undertone")?.into_std_path_buf())
}

fn with_variables(mut command: Command, variables: &[(&str, OsString)]) -> Command {
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    command
}

fn report(checks: &[Check]) -> ExitCode {
    for Check { name, outcome } in checks {
        match outcome {
            Ok(seen) => println!("ok      {name}: {seen}"),
            Err(error) => println!("FAILED  {name}: {error:#}"),
        }
    }
    let failed = checks.iter().filter(|check| check.outcome.is_err()).count();
    println!("cuda-check: {} checks, {failed} failed; no GPU was used", checks.len());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_check_is_a_failing_exit_code() {
        let ok = || Check { name: "a", outcome: Ok(String::new()) };
        let failed = Check { name: "b", outcome: Err(anyhow::anyhow!("broken")) };
        assert_eq!(format!("{:?}", report(&[ok()])), format!("{:?}", ExitCode::SUCCESS));
        assert_eq!(format!("{:?}", report(&[ok(), failed])), format!("{:?}", ExitCode::FAILURE));
    }
}
