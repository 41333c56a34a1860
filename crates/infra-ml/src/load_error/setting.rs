use std::path::PathBuf;

use application::errors::BoxError;

use crate::load_error::UnmappedLabels;
use crate::settings::Precision;

/// A valid setting that does not fit the model or this machine.
#[derive(Debug, thiserror::Error)]
pub enum UnfitSetting {
    /// No label stands for a sentiment.
    #[error("{0}")]
    LabelsUnmapped(UnmappedLabels),
    /// The mapping names a label that the model does not have.
    #[error("model.labels maps {label:?}, but the labels of {} are {labels:?}", path.display())]
    LabelUnknown {
        /// The model's configuration.
        path: PathBuf,
        /// The mapped label.
        label: String,
        /// The model's labels.
        labels: Vec<String>,
    },
    /// The window does not fit the model.
    #[error("model.window = {window} does not fit; it must be 1 to {most} for this model")]
    Window {
        /// The window.
        window: u32,
        /// The largest that fits.
        most: usize,
    },
    /// The overlap leaves no step from one window to the next.
    #[error("model.overlap = {overlap} must be less than the window of {window} tokens")]
    Overlap {
        /// The overlap.
        overlap: u32,
        /// The window.
        window: usize,
    },
    /// This program has no CUDA.
    #[error(
        "model.device = \"{device}\" needs a program built with the feature cuda, which this one is not; use \
         model.device = \"cpu\""
    )]
    CudaNotBuilt {
        /// The device.
        device: String,
    },
    /// The device cannot be opened.
    #[error("cannot use the device {device}; check model.device, the driver, and which devices are there")]
    Device {
        /// The device.
        device: String,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The device does not have this arithmetic.
    #[error(
        "model.precision = \"{precision}\" is not for {device}; use auto, f32 or int8 on the CPU and auto, f32, f16 or bf16 on CUDA"
    )]
    Precision {
        /// The precision.
        precision: Precision,
        /// The device.
        device: String,
    },
    /// The architecture is off the fast path, which alone has int8.
    #[error(
        "model.precision = \"int8\" is not for the architecture in {}, which runs in f32 on the CPU; use auto or f32",
        path.display()
    )]
    Int8Unsupported {
        /// The model's configuration.
        path: PathBuf,
    },
}

impl UnfitSetting {
    /// The key within the model's section.
    pub fn key(&self) -> &'static str {
        match self {
            Self::LabelsUnmapped(_) | Self::LabelUnknown { .. } => "labels",
            Self::Window { .. } => "window",
            Self::Overlap { .. } => "overlap",
            Self::CudaNotBuilt { .. } | Self::Device { .. } => "device",
            Self::Precision { .. } | Self::Int8Unsupported { .. } => "precision",
        }
    }
}
