use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use crate::python;
use crate::workspace::{Workspace, environment};

/// CUDA's compiler and libraries in a folder laid out as an installation of NVIDIA's.
#[derive(Debug)]
pub(super) struct Toolkit {
    root: PathBuf,
}

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The variables by which the build scripts of Candle and cudarc find CUDA.
const ROOT_VARIABLES: [&str; 4] = ["CUDA_HOME", "CUDA_PATH", "CUDA_ROOT", "CUDA_TOOLKIT_ROOT_DIR"];

impl Toolkit {
    /// Installs NVIDIA's wheels below `target`, unless they are there.
    ///
    /// # Errors
    /// Without Python or a package index, or where NVIDIA has no wheels for this machine.
    pub(super) fn install(workspace: &Workspace) -> anyhow::Result<Self> {
        let supported = cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")));
        ensure!(supported, "NVIDIA publishes CUDA's compiler as wheels for Linux on x86-64 and aarch64 only");
        let programs = python::environment(workspace, "cuda-check", REQUIREMENTS)
            .context("cannot install the CUDA compiler from NVIDIA's wheels")?;
        let mut python = Command::new(programs.join("python"));
        let output =
            python.args(["-c", "import sysconfig; print(sysconfig.get_path('platlib'))"]).output()?;
        ensure!(output.status.success(), "python failed: {}", output.status);
        let packages = String::from_utf8(output.stdout)?;
        let toolkit = Self { root: Path::new(packages.trim()).join("nvidia/cu13") };
        let nvcc = toolkit.root.join("bin/nvcc");
        ensure!(nvcc.exists(), "the wheels have no {}; they are laid out in another way", nvcc.display());
        add_links(&toolkit.root)?;
        fs::create_dir_all(toolkit.stubs())?;
        Ok(toolkit)
    }

    /// Returns the folder of the libraries.
    pub(super) fn libraries(&self) -> PathBuf {
        self.root.join("lib")
    }

    /// Returns the folder in which the linker looks for the driver's library.
    pub(super) fn stubs(&self) -> PathBuf {
        self.root.join("lib/stubs")
    }

    /// Returns the variables of a build for GPUs of `compute_capability`, such as `90`.
    pub(super) fn variables(
        &self,
        compute_capability: &str,
    ) -> anyhow::Result<Vec<(&'static str, OsString)>> {
        let path = environment("PATH").unwrap_or_default();
        let programs = std::iter::once(self.root.join("bin")).chain(std::env::split_paths(&path));
        let mut variables = vec![("PATH", std::env::join_paths(programs)?)];
        variables.extend(ROOT_VARIABLES.map(|name| (name, self.root.clone().into_os_string())));
        variables.push(("CUDA_COMPUTE_CAP", compute_capability.into()));
        Ok(variables)
    }
}

/// Adds what wheels lack beside an installation: `lib64`, and the names without a version by which libraries are
/// linked, such as `libcublas.so` for `libcublas.so.13`.
fn add_links(root: &Path) -> anyhow::Result<()> {
    link("lib", &root.join("lib64"))?;
    let libraries = root.join("lib");
    for entry in fs::read_dir(&libraries)? {
        let name = entry?.file_name().into_string().unwrap_or_default();
        if let Some((stem, _version)) = name.split_once(".so.") {
            link(&name, &libraries.join(format!("{stem}.so")))?;
        }
    }
    Ok(())
}

fn link(target: &str, place: &Path) -> anyhow::Result<()> {
    if place.symlink_metadata().is_ok() {
        return Ok(());
    }
    symlink(target, place).with_context(|| format!("cannot create the link {}", place.display()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn libraries_get_the_names_by_which_they_are_linked() {
        let root = tempfile::tempdir().unwrap();
        let libraries = root.path().join("lib");
        fs::create_dir(&libraries).unwrap();
        for name in ["libcublas.so.13", "libcurand.so.10", "libcudadevrt.a"] {
            fs::write(libraries.join(name), name).unwrap();
        }
        add_links(root.path()).unwrap();
        add_links(root.path()).unwrap();
        let read = |name: &str| fs::read_to_string(root.path().join("lib64").join(name)).unwrap();
        assert_eq!(read("libcublas.so"), "libcublas.so.13");
        assert_eq!(read("libcurand.so"), "libcurand.so.10");
        assert_eq!(fs::read_dir(libraries).unwrap().count(), 5);
    }

    #[test]
    fn the_pinned_packages_have_one_version_each() {
        let packages: Vec<&str> = REQUIREMENTS.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(packages.iter().all(|package| package.contains("==")), "{packages:?}");
    }
}
