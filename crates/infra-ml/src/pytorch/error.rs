use std::io;

/// Why a file is not read as PyTorch's. The message continues a sentence that names the file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PytorchError {
    #[error("it cannot be read to its end; fetch it again")]
    Read(#[from] io::Error),
    #[error("torch.save did not write it; fetch it again")]
    Unknown,
    #[error(
        "it is a tar archive, the form of PyTorch before 0.1.10; save the model again with a newer PyTorch"
    )]
    Tar,
    #[error("it is a TorchScript archive; save the model's state_dict() with torch.save")]
    TorchScript,
    #[error("its zip archive is damaged: {0}; fetch it again")]
    Archive(&'static str),
    #[error("its zip archive is damaged: the entry {name} {what}; fetch it again")]
    Entry { name: String, what: &'static str },
    #[error(
        "its entry {name} is compressed, which torch.save does not do; save the model again with torch.save"
    )]
    Compressed { name: String },
    #[error("its numbers are not little-endian; save the model again on a little-endian machine")]
    ByteOrder,
    #[error("its pickle is larger than {} MiB, the most that is read", super::MAX_PICKLE_BYTES >> 20)]
    PickleSize,
    #[error("its pickle has more than {} values, the most that are read", super::pickle::MAX_STEPS)]
    Values,
    /// A class or a function outside the allow-list.
    #[error(
        "its pickle refers to {name}, which no state dict needs; nothing was executed, do not use this file"
    )]
    Global { name: String },
    /// An instruction that state dicts do not have.
    #[error(
        "its pickle has the instruction {name} at byte {position}, which no state dict needs; nothing was executed, do \
         not use this file"
    )]
    Instruction { name: String, position: usize },
    #[error("its pickle is damaged before byte {position}: {what}; fetch it again")]
    Pickle { position: usize, what: &'static str },
    #[error("it holds no state dict; save the model's state_dict() with torch.save")]
    NoStateDict,
    #[error("its tensor {name} {what}; save the model again with torch.save")]
    Tensor { name: String, what: &'static str },
    #[error("its storage {key} {what}; fetch it again")]
    Storage { key: String, what: &'static str },
}

/// The most characters of a name in a message.
const SHOWN: usize = 80;

/// A name of the file as one line of a message.
pub(super) fn shown(name: &[u8]) -> String {
    let start = &name[..name.len().min(4 * SHOWN)];
    let text = String::from_utf8_lossy(start);
    let mut escaped: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        escaped.push('…');
    }
    escaped
}
