use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use clap::ValueEnum;

use crate::bench::server::with_variables;
use crate::bench_engine::{Figure, Precision, figures};
use crate::python;
use crate::workspace::Workspace;

/// An engine or server that Undertone is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Peer {
    /// The engine ONNX Runtime in int8
    OnnxInt8,
    /// The engine ONNX Runtime in f32
    OnnxF32,
    /// The engine PyTorch in f32
    TorchF32,
    /// The server FastAPI with ONNX Runtime in int8
    FastapiInt8,
    /// The server FastAPI with ONNX Runtime in f32
    FastapiF32,
    /// The server Flask with a pipeline of transformers
    Flask,
}

/// How a Python server uses the cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) workers: usize,
    /// The compute threads of each worker.
    pub(super) threads: usize,
}

impl Peer {
    /// Every peer, engines first.
    pub(super) const ALL: [Self; 6] =
        [Self::OnnxInt8, Self::OnnxF32, Self::TorchF32, Self::FastapiInt8, Self::FastapiF32, Self::Flask];

    /// Whether it is an engine, measured without HTTP.
    pub(super) fn is_engine(self) -> bool {
        matches!(self, Self::OnnxInt8 | Self::OnnxF32 | Self::TorchF32)
    }

    /// Returns its name in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OnnxInt8 => "ONNX Runtime int8",
            Self::OnnxF32 => "ONNX Runtime f32",
            Self::TorchF32 => "PyTorch f32",
            Self::FastapiInt8 => "FastAPI + ONNX Runtime int8",
            Self::FastapiF32 => "FastAPI + ONNX Runtime f32",
            Self::Flask => "Flask + transformers",
        }
    }

    /// Returns its precision.
    pub(super) fn precision(self) -> Precision {
        match self {
            Self::OnnxInt8 | Self::FastapiInt8 => Precision::Int8,
            _ => Precision::F32,
        }
    }

    /// Returns the settings with which a server is measured on `cores` cores; the better figure is used.
    pub(super) fn settings(self, cores: usize) -> Vec<Setting> {
        let one = Setting { workers: 1, threads: cores };
        let many = Setting { workers: cores, threads: 1 };
        match self {
            // Two workers on any machine, a common deployment.
            Self::Flask => vec![Setting { workers: 2, threads: cores.div_ceil(2) }],
            _ if one == many => vec![one],
            _ => vec![one, many],
        }
    }
}

/// The peers' Python environment and exported model.
#[derive(Debug)]
pub(super) struct Python {
    programs: PathBuf,
    sources: PathBuf,
    model: PathBuf,
    exported: PathBuf,
}

const REQUIREMENTS: &str = include_str!("requirements.txt");

impl Python {
    /// Installs the peers, unless they are installed, and exports the model.
    pub(super) fn prepare(workspace: &Workspace, model: &Path) -> anyhow::Result<Self> {
        let python = Self {
            programs: python::environment(workspace, "bench-peers", REQUIREMENTS)?,
            sources: workspace.root().join("crates/xtask/src/bench_peers"),
            model: std::path::absolute(model)?,
            exported: workspace.target()?.join("bench-peers/onnx"),
        };
        eprintln!("xtask: exporting {} to ONNX", model.display());
        let mut export = python.script("export.py");
        let output = export.arg(&python.model).arg(&python.exported).stdin(Stdio::null()).output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "export.py failed: {}: {errors}", output.status);
        Ok(python)
    }

    fn script(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join("python"));
        command.arg(self.sources.join(name));
        command
    }

    fn onnx(&self, precision: Precision) -> PathBuf {
        self.exported.join(precision.name()).with_extension("onnx")
    }

    /// Measures an engine. The script compares the engine's logits with the model's reference first.
    pub(super) fn measure(
        &self,
        peer: Peer,
        texts: &Path,
        batches: &str,
        threads: usize,
    ) -> anyhow::Result<Vec<Figure>> {
        let mut command = self.script("engine.py");
        command.arg(&self.model).arg(texts);
        match peer {
            Peer::TorchF32 => command.args(["--torch", "f32"]),
            _ => command.arg("--onnx").arg(self.onnx(peer.precision())),
        };
        command.args(["--batch", batches, "--threads", &threads.to_string()]);
        let output = command.stdin(Stdio::null()).output().context("cannot run engine.py")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: engine.py failed: {}: {errors}", peer.name(), output.status);
        figures(&String::from_utf8_lossy(&output.stdout))
    }

    /// Returns the command that serves a peer on a port of the loopback interface.
    pub(super) fn serve(&self, peer: Peer, setting: Setting, port: u16) -> Command {
        let (workers, threads) = (setting.workers.to_string(), setting.threads.to_string());
        let onnx = self.onnx(peer.precision());
        let variables: [(&str, &OsStr); 4] = [
            ("MODEL_FOLDER", self.model.as_os_str()),
            ("ONNX_FILE", onnx.as_os_str()),
            ("INTRA_OP_THREADS", OsStr::new(&threads)),
            // Without it, tokenizers warns in each forked process.
            ("TOKENIZERS_PARALLELISM", OsStr::new("false")),
        ];
        let mut command = with_variables(&variables, &self.programs.join("python"));
        if peer == Peer::Flask {
            command.args(["-m", "gunicorn", "--workers", &workers, "--timeout", "120"]);
            command.args(["--bind", &format!("127.0.0.1:{port}"), "--chdir"]).arg(&self.sources);
            command.arg("serve_flask:app");
        } else {
            command.arg(self.sources.join("serve_onnx.py")).args([&port.to_string(), &workers]);
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_measured_with_one_worker_and_with_one_worker_per_core() {
        let settings = |peer: Peer, cores| -> Vec<(usize, usize)> {
            peer.settings(cores).iter().map(|setting| (setting.workers, setting.threads)).collect()
        };
        assert_eq!(settings(Peer::FastapiInt8, 2), [(1, 2), (2, 1)]);
        assert_eq!(settings(Peer::FastapiInt8, 1), [(1, 1)]);
        assert_eq!(settings(Peer::Flask, 2), [(2, 1)]);
    }

    #[test]
    fn every_requirement_is_pinned() {
        let lines: Vec<&str> = REQUIREMENTS.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(lines.len() > 8);
        assert!(lines.iter().all(|line| line.contains("==")), "{lines:?}");
    }
}
