use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use cargo_metadata::{Artifact, Message, Metadata, MetadataCommand};

/// The workspace, and how its cargo is called.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

/// A program to build, and the cargo command that builds it: commands that share a build build nothing twice.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Build {
    /// The program alone, in the dev profile.
    Program,
    /// The program in the release profile.
    Release,
    /// The whole workspace with its tests, which run the same program.
    WithTests,
    /// The example that measures the engine, in the release profile.
    EngineBench,
    /// The example that fills a store, in the release profile.
    Seed,
    /// The same in the dev profile, with the features of the tests' build.
    SmallSeed,
    /// The example that drives the console in a browser, as the one before.
    ConsoleDriver,
}

impl Build {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Program => &["build", "--package", "app", "--bin", "undertone"],
            Self::Release => &["build", "--release", "--package", "app", "--bin", "undertone"],
            Self::WithTests => &["test", "--workspace", "--no-run"],
            Self::EngineBench => {
                &["build", "--release", "--package", "infra-ml", "--example", "engine_bench"]
            }
            Self::Seed => &["build", "--release", "--package", "app", "--example", "seed"],
            Self::SmallSeed => &["build", "--workspace", "--example", "seed"],
            Self::ConsoleDriver => &["build", "--workspace", "--example", "console"],
        }
    }

    fn target(self) -> &'static str {
        match self {
            Self::EngineBench => "engine_bench",
            Self::Seed | Self::SmallSeed => "seed",
            Self::ConsoleDriver => "console",
            _ => "undertone",
        }
    }
}

impl Workspace {
    /// Returns the workspace that this program was built from.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let manifest_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest_dir.ancestors().nth(2).context("crates/xtask is not inside a workspace")?;
        Ok(Self { root: root.to_owned() })
    }

    /// Returns the workspace in another folder.
    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Returns the folder of the root manifest.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns a cargo command that runs in the root.
    pub(crate) fn cargo(&self, args: &[&str]) -> Command {
        let mut command = Command::new(environment("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(args).current_dir(&self.root);
        // `cargo run` sets these variables for xtask. Build scripts that watch them, such as ring's, would run again,
        // and crates be compiled again, whenever cargo runs with and without xtask in turn.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&*name);
            }
        }
        command
    }

    /// Reads the manifests. Nothing is resolved, so it is fast and needs no network.
    pub(crate) fn manifests(&self) -> anyhow::Result<Metadata> {
        manifests_in(&self.root)
    }

    /// Returns the folder that cargo builds into.
    pub(crate) fn target(&self) -> anyhow::Result<PathBuf> {
        Ok(self.manifests()?.target_directory.into_std_path_buf())
    }

    /// Builds a program and returns its path.
    pub(crate) fn build_program(&self, build: Build) -> anyhow::Result<PathBuf> {
        let artifacts = self::build(self.cargo(build.arguments()))?;
        let is_program =
            |artifact: &Artifact| artifact.target.name == build.target() && !artifact.profile.test;
        let mut programs =
            artifacts.into_iter().filter(is_program).filter_map(|artifact| artifact.executable);
        let program = programs.next_back();
        Ok(program
            .with_context(|| format!("the build produced no program {}", build.target()))?
            .into_std_path_buf())
    }
}

/// Runs a cargo command that builds, and returns what it built or found built.
pub(crate) fn build(mut command: Command) -> anyhow::Result<Vec<Artifact>> {
    command.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
    let mut cargo = command.spawn().context("cannot run cargo")?;
    let messages = cargo.stdout.take().context("cargo has no output")?;
    let mut artifacts = Vec::new();
    for message in Message::parse_stream(std::io::BufReader::new(messages)) {
        if let Message::CompilerArtifact(artifact) = message? {
            artifacts.push(artifact);
        }
    }
    if !cargo.wait()?.success() {
        let args: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        bail!("cargo {} failed", args.join(" "));
    }
    Ok(artifacts)
}

/// Reads the manifests of the workspace in `root`.
pub(crate) fn manifests_in(root: &Path) -> anyhow::Result<Metadata> {
    let mut command = MetadataCommand::new();
    command.current_dir(root).no_deps().other_options(["--offline".to_owned()]);
    Ok(command.exec()?)
}

/// Returns a variable of the environment.
pub(crate) fn environment(name: &str) -> Option<OsString> {
    #[expect(
        clippy::disallowed_methods,
        reason = "development tools are configured by variables: CARGO, PATH, TEST_DATABASE_URL"
    )]
    std::env::var_os(name)
}

/// Returns the file of a program on the search path, with links resolved.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = environment("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find_map(|file| file.canonicalize().ok())
}
