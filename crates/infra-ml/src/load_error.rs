use std::io;
use std::path::PathBuf;

use application::errors::BoxError;

use crate::architecture::SUPPORTED;
use crate::hub::HubError;
use crate::settings::Precision;

/// Why a model folder cannot be served. Each message names the file and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no such folder.
    #[error(
        "there is no model folder {}; set model.path to a Hugging Face folder with config.json, tokenizer.json and \
         model.safetensors", path.display()
    )]
    FolderMissing {
        /// The folder.
        path: PathBuf,
    },
    /// The model does not come from the hub.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// A file of the folder is not there.
    #[error("{} is missing; a model folder has config.json, tokenizer.json and model.safetensors", path.display())]
    FileMissing {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("{} cannot be read; see that it is a file and that this user may read it", path.display())]
    FileUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A JSON file does not hold what it should.
    #[error("{} does not hold what it should; fetch the file again", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where it goes wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The model is of a kind that is not served.
    #[error(
        "{} names the architecture {found}, which is not served; the folder must hold a classifier, one of {}",
        path.display(), SUPPORTED.join(", ")
    )]
    Architecture {
        /// The file.
        path: PathBuf,
        /// What it names.
        found: String,
    },
    /// A value of the configuration is not supported, or makes no sense.
    #[error("{} has {key} = {value}; {expected}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What would do.
        expected: String,
    },
    /// The index names a file that is not one of the folder.
    #[error("{} names the file {name:?}, which is not one of its folder; fetch the index again", path.display())]
    ShardName {
        /// The index.
        path: PathBuf,
        /// What it names.
        name: String,
    },
    /// There are weights, but in another format.
    #[error(
        "{} is there, but no model.safetensors; weights in other formats are not read, since some of them run code: save \
         the model again with transformers' save_pretrained, which writes model.safetensors", path.display()
    )]
    ForeignWeights {
        /// The file in the other format.
        path: PathBuf,
    },
    /// The weights are not in the safetensors format.
    #[error("{} is not a whole safetensors file; fetch it again", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        #[source]
        source: BoxError,
    },
    /// A tensor is missing.
    #[error("{} has no tensor {name}; it does not belong to the config.json beside it", path.display())]
    TensorMissing {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// Two files have the tensor.
    #[error("{} has {name}, which {} has too; fetch the files again", path.display(), first.display())]
    TensorTwice {
        /// The later file.
        path: PathBuf,
        /// The earlier file.
        first: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A tensor has another shape than the configuration says.
    #[error(
        "{} has {name} of shape {found:?} where config.json asks for {expected:?}; they do not belong together",
        path.display()
    )]
    TensorShape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// What the configuration says.
        expected: Vec<usize>,
        /// What the file holds.
        found: Vec<usize>,
    },
    /// A tensor holds numbers of a kind that is not read.
    #[error("{} has {name} in {found}; weights must be in F16, BF16 or F32", path.display())]
    TensorType {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its type.
        found: String,
    },
    /// A tensor holds a NaN or an infinity.
    #[error("{} has NaN or infinity in {name}; the weights are damaged, fetch them again", path.display())]
    TensorNotFinite {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// The labels do not match the classifier's outputs.
    #[error("{} names {named} labels but the classifier has {outputs} outputs; correct id2label", path.display())]
    LabelCount {
        /// The configuration.
        path: PathBuf,
        /// The labels.
        named: usize,
        /// The outputs.
        outputs: usize,
    },
    /// No label stands for a sentiment.
    #[error(
        "the labels of {} are {labels:?}, of which none names a sentiment; map them in model.labels, or set \
         model.labels = \"raw\" to answer with them as they are", path.display()
    )]
    LabelsUnmapped {
        /// The configuration.
        path: PathBuf,
        /// The labels.
        labels: Vec<String>,
    },
    /// The mapping names a label that the model does not have.
    #[error("model.labels maps {label:?}, but the labels of {} are {labels:?}", path.display())]
    LabelUnknown {
        /// The configuration.
        path: PathBuf,
        /// The label that was mapped.
        label: String,
        /// The labels.
        labels: Vec<String>,
    },
    /// The tokenizer cannot be used.
    #[error("{} is not a tokenizer that can be used; fetch it again", path.display())]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The tokenizer has more tokens than the model.
    #[error(
        "{} gives token ids up to {largest}, but the model has {vocabulary} tokens; they do not belong together",
        path.display()
    )]
    Vocabulary {
        /// The tokenizer.
        path: PathBuf,
        /// The largest id.
        largest: u32,
        /// The model's `vocab_size`.
        vocabulary: usize,
    },
    /// The window does not fit the model.
    #[error("model.window = {window} does not fit; it must be 1 to {most} for this model")]
    Window {
        /// The window asked for.
        window: u32,
        /// The largest that fits.
        most: usize,
    },
    /// The overlap leaves no step from one window to the next.
    #[error("model.overlap = {overlap} must be less than the window of {window} tokens")]
    Overlap {
        /// The overlap asked for.
        overlap: u32,
        /// The window.
        window: usize,
    },
    /// CUDA was asked of a program without it.
    #[error(
        "model.device = \"{device}\" needs a program built with the feature cuda, which this one is not; use \
         model.device = \"cpu\""
    )]
    CudaNotBuilt {
        /// The device asked for.
        device: String,
    },
    /// The device cannot be used.
    #[error("the device {device} cannot be used; see model.device, the driver, and which devices are there")]
    Device {
        /// The device asked for.
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
        /// The precision asked for.
        precision: Precision,
        /// The device.
        device: String,
    },
    /// The architecture is off the fast path.
    #[error(
        "model.precision = \"int8\" is not for the architecture in {}, which runs in f32 on the CPU; use auto or f32",
        path.display()
    )]
    NoBytes {
        /// The configuration.
        path: PathBuf,
    },
    /// The engine cannot take the weights.
    #[error("the model in {} cannot be put on the device", path.display())]
    Engine {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// A reference text was cut into other tokens.
    #[error(
        "self-test failed: text {case} of {} is cut into other tokens than the reference says; tokenizer.json does not \
         belong to this model", path.display()
    )]
    SelfTestTokens {
        /// The reference.
        path: PathBuf,
        /// The place of the text, from 0.
        case: usize,
    },
    /// The engine's logits drift from the reference.
    #[error(
        "self-test failed: the logits of text {case} of {} differ by {difference} where {tolerance} is allowed; the \
         weights or this machine's arithmetic are not what the reference was made with", path.display()
    )]
    SelfTestLogits {
        /// The reference.
        path: PathBuf,
        /// The place of the text, from 0.
        case: usize,
        /// The largest difference.
        difference: f32,
        /// What is allowed.
        tolerance: f32,
    },
    /// A trial run gave nothing usable.
    #[error("the model in {} gives no usable numbers: {reason}; the weights are damaged", path.display())]
    WarmUp {
        /// The folder.
        path: PathBuf,
        /// What it gave.
        reason: String,
    },
    /// Loading broke off inside a library.
    #[error("loading the model broke off: {reason}; the folder holds something unforeseen")]
    Panicked {
        /// The panic's message.
        reason: String,
    },
    /// The gateway was stopped while it loaded.
    #[error("the gateway was stopped before the model was loaded")]
    Stopped,
    /// The operating system gives no thread.
    #[error("no thread can be started for the model")]
    Thread {
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl LoadError {
    /// The key of a model's settings that is at fault: its `path` where it is the folder.
    pub fn key(&self) -> &'static str {
        match self {
            Self::LabelsUnmapped { .. } | Self::LabelUnknown { .. } => "labels",
            Self::Window { .. } => "window",
            Self::Overlap { .. } => "overlap",
            Self::CudaNotBuilt { .. } | Self::Device { .. } => "device",
            Self::Precision { .. } | Self::NoBytes { .. } => "precision",
            _ => "path",
        }
    }

    /// Whether something of ours failed that every loading needs, be it the network, the disk or the process itself,
    /// so that nothing is known against the model, and it may well be loaded later.
    pub fn is_ours(&self) -> bool {
        match self {
            Self::Stopped | Self::Thread { .. } => true,
            Self::Hub(error) => matches!(
                error,
                HubError::Unreachable { .. }
                    | HubError::Silent { .. }
                    | HubError::Failing { .. }
                    | HubError::RateLimited { .. }
                    | HubError::Unexpected { .. }
                    | HubError::WrongLength { .. }
                    | HubError::Checksum { .. }
                    | HubError::Disk { .. }
                    | HubError::Client { .. }
            ),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn endpoint() -> String {
        "http://hub".to_owned()
    }

    fn repo() -> String {
        "org/name".to_owned()
    }

    #[test]
    fn the_network_the_disk_and_the_process_are_ours() {
        let broken = || io::Error::other("broken");
        let retry_after = Some(Duration::from_mins(10));
        let hub = [
            HubError::Unreachable { endpoint: endpoint(), source: broken().into() },
            HubError::Silent { endpoint: endpoint(), seconds: 10.0 },
            HubError::Failing { endpoint: endpoint(), status: 503 },
            HubError::RateLimited { endpoint: endpoint(), retry_after },
            HubError::Unexpected { endpoint: endpoint(), source: broken().into() },
            HubError::Checksum { repo: repo(), file: "config.json".to_owned() },
            HubError::Disk { path: "cache".into(), source: broken() },
            HubError::Client { source: broken().into() },
        ];
        let process = [LoadError::Stopped, LoadError::Thread { source: broken() }];
        for error in hub.into_iter().map(LoadError::from).chain(process) {
            assert!(error.is_ours(), "{error}");
        }
    }

    #[test]
    fn what_is_wrong_with_the_model_or_its_settings_is_not_ours() {
        let hub = [
            HubError::RepoNotFound { repo: repo() },
            HubError::Gated { repo: repo() },
            HubError::RevisionNotFound { repo: repo(), revision: "v1".to_owned() },
            HubError::Offline { model: repo(), cache: "cache".into(), missing: "config.json".to_owned() },
        ];
        let folder = [
            LoadError::FolderMissing { path: "folder".into() },
            LoadError::WarmUp { path: "folder".into(), reason: "NaN".to_owned() },
            LoadError::Window { window: 600, most: 512 },
        ];
        for error in hub.into_iter().map(LoadError::from).chain(folder) {
            assert!(!error.is_ours(), "{error}");
        }
    }
}
